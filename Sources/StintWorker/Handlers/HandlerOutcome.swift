import StintCore

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
