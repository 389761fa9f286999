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
