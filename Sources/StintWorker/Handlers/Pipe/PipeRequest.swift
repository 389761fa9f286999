import StintCore

/// One job that was passed to a pipe handler's process.
struct PipeRequest {
    let number: Int
    let context: JobContext
    let timeout: Duration?
    let response = Promise<Outcome>()
    /// The position in the process's standard error before the job.
    var errorsBefore = 0
    /// The offset of its line in all that was written to the process; `nil` if it is not sent yet.
    var offset: Int?
    var sentAt: ContinuousClock.Instant?
    /// Whether its task was cancelled. The process may still work on it.
    var isForgotten = false
    /// Whether the process was sent a line that says so, and still has time to answer.
    var isToldToStop = false
    /// Fires when its time limit has passed.
    var timer: Task<Void, Never>?

    enum Outcome: Sendable {
        case answered(PipeResponse, AttemptDiagnostics)
        /// Its process has ended without having read it.
        case notStarted
        /// How it ended without an answer, with diagnostics if the process has ended.
        case ended(HandlerOutcome.Verdict, AttemptDiagnostics?)
    }

    init(number: Int, context: JobContext, timeout: Duration?) {
        self.number = number
        self.context = context
        self.timeout = timeout
    }

    var isSent: Bool { offset != nil }

    /// Whether the process has read at least the line's first byte, if it has read `consumed` bytes in all.
    func isRead(_ consumed: Int) -> Bool { offset.map { consumed > $0 } ?? false }

    var runTime: Int64? { sentAt.map { (ContinuousClock.now - $0).milliseconds } }
}
