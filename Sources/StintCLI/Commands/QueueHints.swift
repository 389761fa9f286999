import StintCore
import StintSQLite

/// What may be wrong with the queues that a worker is to work on. Said once, when it starts.
struct QueueHints {
    /// Names are compared with so many queues at most.
    private static let queuesCompared = 1_000

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
                "\(quoted(text)) is taken for the name of one queue, into which nothing was ever put; for several write "
                + "--queue more than once"
        }
        if text.contains(where: { "*?[".contains($0) }) {
            return
                "\(quoted(text)) is taken for the name of a queue, into which nothing was ever put, and not for a pattern; "
                + "for several queues write --queue more than once"
        }
        let near = nearest(to: text, among: known.prefix(Self.queuesCompared).map(\.name.description))
        return "nothing was ever put into queue \(quoted(text))" + (near.map { "; did you mean \(quoted($0))?" } ?? "")
    }

    func paused(_ queue: QueueStats) -> String {
        let count = queue.ready &+ queue.delayed
        return
            "queue \(quoted(queue.name.description)) is paused, with \(count) \(count == 1 ? "job" : "jobs") waiting: nothing "
            + "of it is started until \(database.command("resume \(queue.name)"))"
    }
}
