import Logging
import StintCore

/// What a fleet does when the database was deleted or replaced: it stops as after an order, and starts nothing again, since
/// every worker would find the same.
extension WorkerFleet {
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
            "the workers end, since their database cannot be used any more", metadata: ["error": "\(error)"])
        Task { await stop() }
    }

    /// A worker has noticed it first.
    func noteLoss(by child: WorkerChild) {
        guard child.ending == .lost, !noteLoss() else { return }
        lose(
            StintError(
                .databaseUnusable, "worker \(child.number) cannot use its database any more; its own line says why"))
    }
}
