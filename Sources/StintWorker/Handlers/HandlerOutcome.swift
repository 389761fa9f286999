import StintCore

/// Thrown by handlers that run another process: how the run ended there, with diagnostics.
struct HandlerOutcome: Error, Sendable {
    enum Verdict: Sendable, Hashable {
        case done
        /// With `nil`, the delay of the retry policy applies.
        case failed(String, retryAfter: Duration?)
        /// - Parameter endedByUs: Whether this side has killed the process for what it did.
        case crashed(String, endedByUs: Bool = false)
        case bury(String)
        /// The process died with several jobs in it.
        case suspect
        /// It ended through no fault of the job.
        case release
        /// No process could be started; the handler's ``StartGate`` knows why.
        case notStarted
    }

    var verdict: Verdict
    var followUps: [NewJob] = []
    var diagnostics: AttemptDiagnostics?
}
