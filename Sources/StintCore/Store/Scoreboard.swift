/// Where a worker notes which jobs it has started, so that this is known when its process is killed the next moment.
/// Noting costs no transaction and never fails: what could not be noted is not known later, and then no job is blamed
/// that shared its worker with others.
public protocol Scoreboard: Sendable {
    /// One handler has ended, or another is about to start, or both.
    ///
    /// - Parameter maxAttempts: How many attempts the worker grants the started job, where that is fewer than its own.
    func note(ended: Lease?, started: Lease?, maxAttempts: Int?)

    /// Somebody has ordered the worker to stop: what becomes of its process from now on is no fault of its jobs.
    func noteOrderToStop()
}

extension Scoreboard {
    package func note(ended: Lease?, started: Lease?) {
        note(ended: ended, started: started, maxAttempts: nil)
    }
}
