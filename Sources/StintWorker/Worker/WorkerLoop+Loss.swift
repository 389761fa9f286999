import Logging
import StintCore

/// When its database was deleted or replaced while open, a worker logs that once, lets its handlers finish within the
/// grace period, and ends. Their outcomes cannot be settled.
extension WorkerLoop {
    /// - Returns: Whether the store can never be used again by this process.
    @discardableResult
    func findLoss() -> Bool {
        if loss != nil { return true }
        do {
            try store.checkStillThere()
            return false
        } catch {
            loss = error
            ending = .lost
            logger.critical(
                "the worker ends because its database cannot be used any more", metadata: ["error": "\(error)"])
            stop(grace: options.gracePeriod)
            return true
        }
    }
}
