import StintCore

/// The registered handlers of a worker.
struct Handlers: Sendable {
    private(set) var byName: [ByteText: Handler] = [:]
    /// Runs jobs with another name, or with none.
    private(set) var others: Handler?

    var all: [Handler] { byName.values + (others.map { [$0] } ?? []) }

    mutating func register(_ handler: Handler, for name: String) {
        precondition(
            byName[ByteText(name)] == nil,
            "a handler for jobs named '\(name)' is registered already: register each name once, and give each type of "
                + "parameters a jobName of its own")
        byName[ByteText(name)] = handler
    }

    mutating func registerOthers(_ handler: Handler) {
        precondition(
            others == nil,
            "a handler for all other jobs is registered already: call registerOthers, runCommand or runPipe only once")
        others = handler
    }

    /// When the job runs again after a failure; `nil` if there is no handler for it.
    func retry(of job: LeasedJob) -> RetryPolicy? { registered(for: job)?.retry }

    private func registered(for job: LeasedJob) -> Handler? {
        job.headers[Headers.jobName].flatMap { byName[ByteText($0)] } ?? others
    }

    /// - Throws: ``UnknownJob`` for a job without a handler.
    func handler(for job: LeasedJob) throws -> Handler {
        if let handler = registered(for: job) { return handler }
        let name = job.headers[Headers.jobName]
        let known = byName.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
        guard let name else {
            throw UnknownJob(name: nil, reason: "it has no header '\(Headers.jobName)'; the worker runs \(known)")
        }
        throw UnknownJob(
            name: ByteText(name), reason: "no handler is registered for \(quoted(name)); the worker runs \(known)")
    }
}

extension Worker {
    /// As ``registerOthers(retry:timeout:handler:)``, for a handler that needs time to end after its task was cancelled.
    package mutating func registerOthers(
        retry: RetryPolicy, cancellationTimeout: Duration,
        handler run: @escaping @Sendable (JobContext) async throws -> Void
    ) {
        var handler = Handler(retry: retry) { context, _ in try await run(context) }
        handler.cancellationTimeout = cancellationTimeout
        handlers.registerOthers(handler)
    }

    /// The same for the jobs of a name. A second handler for a name is a programmer's error and ends the program.
    package mutating func register(
        named name: String, retry: RetryPolicy, cancellationTimeout: Duration,
        handler run: @escaping @Sendable (JobContext) async throws -> Void
    ) {
        var handler = Handler(retry: retry) { context, _ in try await run(context) }
        handler.cancellationTimeout = cancellationTimeout
        handlers.register(handler, for: name)
    }
}

/// A job of a kind for which this worker has no handler.
struct UnknownJob: Error {
    /// In its header; `nil` if it has none.
    let name: ByteText?
    let reason: String
}
