/// Records which jobs a worker has started, so that this is known if its process is killed the next moment. Recording
/// needs no transaction and never fails. If started jobs could not be recorded, no job is blamed.
public protocol Scoreboard: Sendable {
    /// Records that a handler has ended, that another is about to start, or both.
    ///
    /// - Parameter maxAttempts: The worker's limit of attempts for the started job, if it is lower than the job's own.
    func note(ended: Lease?, started: Lease?, maxAttempts: Int?)

    /// Records that the worker was ordered to stop. From now on its jobs are not blamed for the end of its process.
    func noteOrderToStop()
}

extension Scoreboard {
    package func note(ended: Lease?, started: Lease?) {
        note(ended: ended, started: started, maxAttempts: nil)
    }
}
