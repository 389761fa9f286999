import Logging
import StintCore
import StintPlatform
import StintRunFiles

/// Decides which process checkpoints, and warns of readers.
extension Checkpointer {
    /// - Returns: Whether this process may do it: it is elected, or another one is and has done nothing for a while.
    func isElected() -> Bool {
        guard let locks, !locks.lockIfFree(.checkpoint) else {
            progress.withLock { $0.othersElection = nil }
            return true
        }
        let last = LockFile.modified(locks.file)
        return progress.withLock { progress in
            if let others = progress.othersElection, others.lastCheckpoint == last {
                if ContinuousClock.now - others.since >= Self.patience { return true }
            } else {
                progress.othersElection = (.now, last)
            }
            // Another process is doing it. If that one does not finish, this one looks again a little later.
            progress.isDue = false
            progress.nextTry = progress.length + Self.pages / 4
            return false
        }
    }

    func resign() {
        locks?.unlock(.checkpoint)
    }

    func noteCheckpoint() {
        guard let locks else { return }
        futimens(locks.file, nil)
        let last = LockFile.modified(locks.file)
        // A checkpoint by this process does not show that the elected process is alive.
        progress.withLock { $0.othersElection?.lastCheckpoint = last }
    }

    /// Warns once for each doubling of the log.
    func warnOfReaders() {
        let size = file.logSize
        let isNews = progress.withLock { progress in
            guard size >= 2 * progress.warnedSize else { return false }
            progress.warnedSize = size
            return true
        }
        guard isNews else { return }
        let readers = LockHolders(of: file.target).readers
        logger.warning(
            "the log cannot be checkpointed and grows, because a process reads in one long transaction: end that transaction",
            metadata: [
                "log": "\(size / 1_048_576) MiB",
                "readers": "\(readers.isEmpty ? "this process, or not known here" : readers.joined(separator: ", "))",
            ])
    }
}
