import StintCore

/// The registered handlers of a worker.
struct Handlers: Sendable {
    var byName: [ByteText: Handler] = [:]
    var others: Handler?

    var all: [Handler] { byName.values + (others.map { [$0] } ?? []) }

    /// - Throws: ``JobVerdict`` for a job without a handler.
    func handler(for job: LeasedJob) throws -> Handler {
        let name = job.headers[Headers.jobName]
        if let name, let handler = byName[ByteText(name)] { return handler }
        if let others { return others }
        let known = byName.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
        guard let name else {
            throw JobVerdict.bury("it has no header '\(Headers.jobName)'; this worker runs \(known)")
        }
        throw JobVerdict.bury("no handler is registered for \(quoted(name)); this worker runs \(known)")
    }
}
