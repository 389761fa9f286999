import Logging
import StintCore

/// The orderly end of a worker.
extension WorkerLoop {
    /// Claims no more and gives back what was not started. Running handlers may go on for `grace`; then they are
    /// cancelled, and what does not end is released without them.
    func stop(grace: Duration) {
        if stoppingSince == nil { stoppingSince = .now }
        // From now on the end of this process is no fault of its jobs, whatever brings it about.
        place?.scoreboard.noteOrderToStop()
        releaseWaitingJobs()
        forgetSuspect()
        wake.yield()
        guard !running.isEmpty else { return }
        Task {
            if grace > .zero { await pause(grace) }
            cancelRunningJobs()
            await pause(cancellationTimeout + .seconds(1))
            giveUpRunningJobs()
        }
    }

    func releaseWaitingJobs() {
        for job in backlog.removeAll(where: { _ in true }) { settle(job, .release(after: .zero)) }
    }

    /// The longest that a running handler may need to end.
    private var cancellationTimeout: Duration { running.values.map(\.cancellationTimeout).max() ?? .zero }

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
            place?.runLock.end()
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
