import Logging
import StintCore

/// If the database was deleted or replaced, a pool stops as after an order and starts no worker again, since every
/// worker would fail likewise.
extension WorkerPool {
    /// - Returns: Whether the store can never be used again by this process.
    @discardableResult
    func noteLoss() -> Bool {
        if loss != nil { return true }
        do {
            try store.checkStillThere()
            return false
        } catch {
            lose(error)
            return true
        }
    }

    /// - Parameter error: Why the store cannot be used any more.
    func lose(_ error: any Error) {
        guard loss == nil else { return }
        loss = error
        logger.critical(
            "the workers end because their database cannot be used any more", metadata: ["error": "\(error)"])
        Task { await stop() }
    }

    /// Called if a worker has noticed it first.
    func noteLoss(by child: WorkerChild) {
        guard child.ending == .lost, !noteLoss() else { return }
        lose(
            StintError(
                .databaseUnusable,
                "worker \(child.number) cannot use its database any more; its own log message says why"))
    }
}
