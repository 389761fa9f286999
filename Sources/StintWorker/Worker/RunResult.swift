import Logging
import StintCore
import Tracing

/// What a run came to, ready to be settled.
struct RunResult: Sendable {
    var outcome: Settlement.Outcome
    var followUps: [NewJob] = []
    var diagnostics: AttemptDiagnostics?
    /// How many attempts the handler's retry policy grants, where it says.
    var maxAttempts: Int?
    /// Its process ended as one does that was ordered to: perhaps somebody has ordered this worker to stop, too.
    var endedAsOrdered = false
    /// The handler goes on although its task was cancelled long ago: its process is good for nothing any more.
    var isHung = false
    /// Its process could not be started, so there was no attempt.
    var isNotStarted = false

    func settlement(of lease: Lease) -> Settlement {
        Settlement(lease, outcome, followUps: followUps, diagnostics: diagnostics, maxAttempts: maxAttempts)
    }
}
