import ArgumentParser

/// How the tasks of one process are compared, in either store.
struct GroupOptions: ParsableArguments {
    @Option(help: "Numbers of tasks beside 1, separated by commas.")
    var tasks = NumberList([4, 16, 64])

    @Option(help: "How often the numbers of tasks take turns; the median of the rounds' ratios counts.")
    var rounds = 5

    @Option(help: "How long a turn lasts, in seconds.")
    var seconds = 1.0

    func validate() throws {
        guard tasks.values.allSatisfy({ $0 > 1 && $0 == $0.rounded() }) else {
            throw ValidationError("The numbers of tasks must be whole and above 1.")
        }
        guard rounds >= 1, seconds > 0 else { throw ValidationError("--rounds and --seconds must be above 0.") }
    }

    /// Measures each number of tasks in each round, by turns.
    func measure(
        _ design: Design, _ turn: (_ tasks: Int) async throws -> Measurement
    ) async throws -> [GroupSeries] {
        let numbers = [1] + tasks.values.map(Int.init)
        var rounds: [Int: [Measurement]] = [:]
        say("group, \(design.title)")
        for _ in 0..<self.rounds {
            for number in numbers {
                rounds[number, default: []].append(try await turn(number))
            }
        }
        let alone = rounds[1] ?? []
        return numbers.map { GroupSeries(verb: design.title, tasks: $0, rounds: rounds[$0] ?? [], alone: alone) }
    }
}
