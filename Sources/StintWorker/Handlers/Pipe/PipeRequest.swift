import StintCore

/// One job on its way through a pipe handler's process.
struct PipeRequest {
    let number: Int
    let context: JobContext
    let timeout: Duration?
    let response = Promise<Outcome>()
    /// What the process had said before, on its standard error.
    var errorsBefore = 0
    /// Where its line begins in all that was written to the process; `nil`: not sent yet.
    var offset: Int?
    var sentAt: ContinuousClock.Instant?
    /// Its task was cancelled: nobody waits for it, but it may still be at work in the process.
    var isForgotten = false
    /// Calls when its time is over.
    var timer: Task<Void, Never>?

    enum Outcome: Sendable {
        case answered(PipeResponse, AttemptDiagnostics)
        /// Its process has ended without having read it.
        case notStarted
        /// How it ended without an answer; its diagnostics is there where the process's end is known.
        case ended(HandlerOutcome.Verdict, AttemptDiagnostics?)
    }

    init(number: Int, context: JobContext, timeout: Duration?) {
        self.number = number
        self.context = context
        self.timeout = timeout
    }

    var isSent: Bool { offset != nil }

    /// Whether the process has read at least the first byte, where it has read so many in all.
    func isRead(_ consumed: Int) -> Bool { offset.map { consumed > $0 } ?? false }

    var runTime: Int64? { sentAt.map { (ContinuousClock.now - $0).milliseconds } }
}
