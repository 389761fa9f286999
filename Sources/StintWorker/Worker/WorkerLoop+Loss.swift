import Logging
import StintCore

/// What a worker does when its database was deleted or replaced while it had it open: it says so once, lets its handlers
/// finish within the grace period, and ends. What they did can be settled nowhere.
extension WorkerLoop {
    /// - Returns: Whether the store can never be used again by this process.
    @discardableResult
    func noteLoss() -> Bool {
        if loss != nil { return true }
        do {
            try store.checkStillThere()
            return false
        } catch {
            loss = error
            ending = .lost
            logger.critical(
                "the worker ends, since its database cannot be used any more", metadata: ["error": "\(error)"])
            stop(grace: options.gracePeriod)
            return true
        }
    }
}
