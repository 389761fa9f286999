import StintCore

/// A registered handler: the code to run and how to treat its failures.
struct Handler: Sendable {
    var retry: RetryPolicy
    var timeout: Duration?
    /// Whether a timeout counts as a crash, because the handler runs in a process that is killed.
    var timeoutIsCrash = false
    /// Whether the handler enforces the time limit itself, because it knows when the job has started.
    var keepsTime = false
    /// How long it may continue after its task was cancelled; then its job is settled without it.
    var cancellationTimeout: Duration = .seconds(2)
    /// Ends the processes that the handler keeps alive between jobs.
    var shutDown: (@Sendable () async -> Void)?
    /// The memory of a process that the handler keeps alive, in bytes.
    var memoryInUse: (@Sendable () -> Int64?)?
    /// Set for a handler that starts processes.
    var startGate: StartGate?
    /// Whether each of its runs needs descriptors of this process.
    var needsDescriptors = false
    /// The timeout is for a handler that enforces it itself.
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
