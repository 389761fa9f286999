import ArgumentParser
import StintCore

/// Changes many jobs of a queue, after a count and a confirmation, as an operation: whatever happens to this process, it
/// goes on, and who did it stays recorded.
struct BulkChange {
    let queue: JobQueue<AnyJobStore>
    /// The queue that the selection is of.
    let name: QueueName
    let selection: JobSelection
    let change: JobChange

    private var verb: String { change.verb }

    /// - Throws: ``StintError`` if there is no terminal to ask on, ``ExitCode`` 1 if the answer is no.
    func confirm(isSure: Bool) async throws {
        guard !isSure else { return }
        var counts: [String] = []
        var total = 0
        for state in JobState.allCases where selection.states.contains(state) {
            var part = selection
            part.states = [state]
            let count = try await queue.count(part)
            if count > 0 { counts.append("\(count) \(state.rawValue)") }
            total += count
        }
        guard total > 0 else { return }
        let what =
            "\(verb) \(total) \(total == 1 ? "job" : "jobs") of queue \(quoted(name.description)) "
            + "(\(counts.joined(separator: ", ")))"
        guard Question.canBeAsked else {
            throw StintError.invalidInput(
                "this would \(what), and there is no terminal to ask on: nothing was changed; add --yes to do it")
        }
        guard await Question.ask("\(what)?") else {
            Output.printError("nothing was changed")
            throw ExitCode(1)
        }
    }

    /// - Returns: The number of changed jobs.
    func run(limit: Int? = nil) async throws -> Int {
        var selection = selection
        selection.limit = limit
        let operation = try await queue.begin(change, on: selection, by: commandLineActor())
        let now = try await queue.finish(operation)
        guard now.state == .done else {
            throw StintError.invalidInput(
                "operation \(now.id) is \(now.state.rawValue) by somebody else, after \(now.progressText) jobs")
        }
        return now.changed
    }
}
