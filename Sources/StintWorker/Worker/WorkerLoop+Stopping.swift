import Logging
import StintCore

/// The orderly end of a worker.
extension WorkerLoop {
    /// Claims no more and gives back what was not started. Running handlers may go on for `grace`; then they are
    /// cancelled, and what does not end is released without them.
    ///
    /// - Parameter isOrder: Whether somebody else wants it to stop; a worker that has done enough goes on being answerable
    ///   for what becomes of its jobs.
    func stop(grace: Duration, isOrder: Bool = true) {
        if stoppingSince == nil { stoppingSince = .now }
        if isOrder {
            isOrderedToStop = true
            // From now on the end of this process is no fault of its jobs, whatever brings it about.
            place?.board.noteOrderToStop()
        }
        releaseWaitingJobs()
        forgetSuspect()
        wake.yield()
        guard !running.isEmpty else { return }
        Task {
            if grace > .zero { await pause(grace) }
            cancelRunningJobs()
            await pause(windDown + .seconds(1))
            giveUpRunningJobs()
        }
    }

    func releaseWaitingJobs() {
        for job in backlog[next...] { settle(job, .release(after: .zero)) }
        backlog = []
        next = 0
    }

    /// The longest that a running handler may need to end.
    private var windDown: Duration { running.values.map(\.windDown).max() ?? .zero }

    private func cancelRunningJobs() {
        for lease in running.keys {
            running[lease]?.isReleased = true
            running[lease]?.cancel()
        }
    }

    private func giveUpRunningJobs() {
        for (lease, job) in running {
            logger.error(
                "the handler did not stop when its task was cancelled; its job is released",
                metadata: ["job": "\(lease.job)", "queue": "\(job.job.queue)"])
            settle(job.job, .release(after: .zero))
            place?.room.leave()
        }
        running = [:]
        wake.yield()
    }

    /// How long past its grace period a worker that was told to stop tries to settle before it ends without.
    static let patience: Duration = .seconds(30)

    /// Ends although not all could be settled: those leases run out, and the jobs run again.
    func leave() {
        logger.critical(
            "the worker ends without settling its jobs: their leases will run out and they run again",
            metadata: ["jobs": "\(finished.map { "\($0.lease.job)" }.joined(separator: ", "))"])
        finished = []
        oldestFinished = nil
        (doubtful, isRevocationUnseen) = (nil, false)
        hasLeft = true
    }
}
