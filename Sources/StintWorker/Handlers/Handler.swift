import StintCore

/// What a registration says: the code to run and how to treat its failures.
struct Handler: Sendable {
    var retry: RetryPolicy
    var timeout: Duration?
    /// A handler that runs in a process of its own: one that takes too long is killed, and that is a crash.
    var timeoutIsCrash = false
    var run: @Sendable (JobContext) async throws -> Void
}

/// The registered handlers of a worker.
struct Handlers: Sendable {
    var byName: [String: Handler] = [:]
    var others: Handler?

    /// - Throws: The verdict on a job that nobody can run.
    func handler(for job: LeasedJob) throws -> Handler {
        let name = job.headers[Headers.jobName]
        if let name, let handler = byName[name] { return handler }
        if let others { return others }
        let known = byName.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
        guard let name else {
            throw JobVerdict.bury("it has no header '\(Headers.jobName)'; this worker runs \(known)")
        }
        throw JobVerdict.bury("no handler is registered for \(quoted(name)); this worker runs \(known)")
    }
}
