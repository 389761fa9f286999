import StintCore

/// What a registration says: the code to run and how to treat its failures.
struct Handler: Sendable {
    var retry: RetryPolicy
    var timeout: Duration?
    /// A handler that runs in a process of its own: one that takes too long is killed, and that is a crash.
    var timeoutIsCrash = false
    /// It keeps the time limit itself, because it knows best when the job has started and what must be ended.
    var keepsTime = false
    /// How long it may go on after its task was cancelled; then its job is settled without it.
    var cancellationTimeout: Duration = .seconds(2)
    /// Ends what the handler keeps alive between jobs.
    var shutDown: (@Sendable () async -> Void)?
    /// Memory of a process that the handler keeps alive, in bytes.
    var memoryInUse: (@Sendable () -> Int64?)?
    /// Of a handler that starts processes.
    var startGate: StartGate?
    /// Each of its runs needs descriptors of this process.
    var needsDescriptors = false
    /// The time limit is for a handler that keeps it itself.
    var run: @Sendable (_ context: JobContext, _ timeout: Duration?) async throws -> Void

    init(
        retry: RetryPolicy, timeout: Duration? = nil,
        run: @escaping @Sendable (_ context: JobContext, _ timeout: Duration?) async throws -> Void
    ) {
        self.retry = retry
        self.timeout = timeout
        self.run = run
    }
}

/// The registered handlers of a worker.
struct Handlers: Sendable {
    var byName: [ByteText: Handler] = [:]
    var others: Handler?

    var all: [Handler] { byName.values + (others.map { [$0] } ?? []) }

    /// - Throws: The verdict on a job that nobody can run.
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

/// Thrown by handlers that run another process: how the run ended there, with more to tell than an error has.
struct HandlerOutcome: Error, Sendable {
    enum Verdict: Sendable, Hashable {
        case done
        /// `nil`: after the delay of the retry policy.
        case failed(String, retryAfter: Duration?)
        /// - Parameter endedByUs: It did not end by itself: this side has ended its process, for what it did.
        case crashed(String, endedByUs: Bool = false)
        case bury(String)
        /// The process died with several jobs in it.
        case suspect
        /// It ended through no doing of the job's.
        case release
        /// There was no process to run it in; the handler's ``StartGate`` knows why.
        case notStarted
    }

    var verdict: Verdict
    var followUps: [NewJob] = []
    var diagnostics: AttemptDiagnostics?
}
