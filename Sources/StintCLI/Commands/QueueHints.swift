import StintCore
import StintPlatform

/// What may be wrong with the queues of a worker. Printed once, when it starts.
struct QueueHints {
    /// The most queues that a name is compared with.
    private static let queuesCompared = 1_000
    /// The most queues that are named in place of a pattern.
    private static let queuesNamed = 5

    let queues: [QueueName]
    let known: [QueueStats]
    let database: DatabaseOptions

    func tell() {
        for name in queues { hint(on: name).map(Output.printError) }
    }

    private func hint(on name: QueueName) -> String? {
        if let queue = known.first(where: { $0.name == name }) { return queue.paused ? paused(queue) : nil }
        let text = name.description
        if text.contains(",") {
            return
                "\(quoted(text)) is taken for the name of one queue, into which nothing was ever put; for several repeat "
                + "--queue"
        }
        if text.contains(where: { "*?[".contains($0) }) {
            return
                "\(quoted(text)) is taken for the name of a queue, not for a pattern, and nothing was ever put into it; "
                + (fitting(text) ?? "for several queues repeat --queue")
        }
        return "nothing was ever put into queue \(quoted(text))" + Self.suggestion(for: text, among: known)
    }

    private static func suggestion(for name: String, among known: [QueueStats]) -> String {
        let near = nearest(to: name, among: known.prefix(queuesCompared).map(\.name.description))
        return near.map { "; did you mean \(quoted($0))?" } ?? ""
    }

    /// The error for a queue that does not exist.
    static func missing(_ name: QueueName, in store: JobQueue<AnyJobStore>) async throws -> StintError {
        let error = StintError.noQueue(name)
        return StintError(
            error.code, error.description + suggestion(for: name.description, among: try await store.stats()))
    }

    /// What to write instead of a pattern; `nil` if no queue fits it.
    private func fitting(_ pattern: String) -> String? {
        let names = known.lazy.map(\.name.description).filter { fits($0, pattern: pattern) }.prefix(Self.queuesNamed)
        return names.isEmpty ? nil : "write " + names.map { "--queue \($0)" }.joined(separator: " ")
    }

    func paused(_ queue: QueueStats) -> String {
        let count = queue.waiting
        return
            "queue \(quoted(queue.name.description)) is paused, with \(count) \(count == 1 ? "job" : "jobs") waiting: none of "
            + "them is started until \(database.command("resume \(queue.name)"))"
    }
}
