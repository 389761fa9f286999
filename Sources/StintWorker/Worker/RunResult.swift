import StintCore

/// The result of a run, ready to be settled.
struct RunResult: Sendable {
    var outcome: Settlement.Outcome
    var followUps: [NewJob] = []
    var diagnostics: AttemptDiagnostics?
    /// The limit of attempts of the handler's retry policy, if it has one.
    var maxAttempts: Int?
    /// Its process ended as if ordered to stop; perhaps this worker has been ordered to stop too.
    var endedAsOrdered = false
    /// The handler still runs although its task was cancelled long ago, so its process must be replaced.
    var isHung = false
    /// Its process could not be started, so there was no attempt.
    var isNotStarted = false

    func settlement(of lease: Lease) -> Settlement {
        Settlement(lease, outcome, followUps: followUps, diagnostics: diagnostics, maxAttempts: maxAttempts)
    }
}
