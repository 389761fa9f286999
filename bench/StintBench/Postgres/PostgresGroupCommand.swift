import ArgumentParser
import Stint
import StintCore

/// What callers gain by sharing one process, in a PostgreSQL database.
struct PostgresGroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract: "Tasks of one process, each with one job at a time, against one such task, in PostgreSQL.")

    @Option(help: "Numbers of tasks beside 1, separated by commas.")
    var tasks = NumberList([4, 16, 64])

    @Option(help: "How often the numbers of tasks take turns; the median of the rounds' ratios counts.")
    var rounds = 5

    @Option(help: "How long a turn lasts, in seconds.")
    var seconds = 1.0

    @OptionGroup var server: ServerOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard tasks.values.allSatisfy({ $0 > 1 && $0 == $0.rounded() }) else {
            throw ValidationError("The numbers of tasks must be whole and above 1.")
        }
        guard rounds >= 1, seconds > 0 else { throw ValidationError("--rounds and --seconds must be above 0.") }
    }

    func run() async throws {
        try await common.report("postgres group") { _ in
            try await server.withServer { server in
                let fleet = try Fleet()
                var series: [GroupSeries] = []
                for design in [Design.stintEnqueues, .stintAcks] {
                    series += try await measure(design, server, fleet)
                }
                return GroupFindings(server: server.facts, title: "PostgreSQL", expected: 8, series: series)
            }
        }
    }

    private func measure(_ design: Design, _ server: BenchServer, _ fleet: Fleet) async throws -> [GroupSeries] {
        let numbers = [1] + tasks.values.map(Int.init)
        var rounds: [Int: [Measurement]] = [:]
        say("group, \(design.title)")
        for _ in 0..<self.rounds {
            for number in numbers {
                let database = try await server.database()
                let jobs = design == .stintAcks ? leases(tasks: number) : 0
                try await Self.fill(database, jobs)
                try await server.checkpoint()
                let assignment = Assignment(
                    design: design, database: database, durability: .full, batch: 64, seconds: seconds, tasks: number,
                    keepsIDs: false)
                let reports = try await fleet.run([assignment])
                try await server.drop(database)
                rounds[number, default: []].append(
                    Measurement(assignment, workers: 1, backlog: jobs, reports: reports))
            }
        }
        let alone = rounds[1] ?? []
        return numbers.map { GroupSeries(verb: design.title, tasks: $0, rounds: rounds[$0] ?? [], alone: alone) }
    }

    /// More than can be acknowledged in a turn.
    private func leases(tasks: Int) -> Int { Int(Double(6_000 + 600 * tasks) * max(1, seconds)) }

    private static func fill(_ database: String, _ jobs: Int) async throws {
        let queue = try await BenchQueue(at: database)
        let job = try NewJob(Backlog.payload, in: StintWorkload.queue)
        for start in stride(from: 0, to: jobs, by: 1_000) {
            try await queue.enqueue(jobs: Array(repeating: job, count: min(1_000, jobs - start)))
        }
        await queue.store.close()
    }
}
