import Logging
import StintCore

/// The orderly end of a worker.
extension WorkerLoop {
    /// Claims no more and gives back jobs that were not started. Running handlers may continue for `grace`; then they
    /// are cancelled, and the jobs of those that do not end are released.
    ///
    /// - Parameter isOrder: `false` if the worker stops because it has done enough: a crash of its last jobs still
    ///   counts.
    func stop(grace: Duration, isOrder: Bool = true) {
        if stoppingSince == nil { stoppingSince = .now }
        if isOrder {
            isOrderedToStop = true
            // From now on no job is blamed if this process ends.
            place?.scoreboard.noteOrderToStop()
        }
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
        for job in backlog.removeAll(where: { _ in true }) { finish(job, .release(after: .zero)) }
    }

    /// The longest time that a running handler may need to end.
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
            finish(job.job, .release(after: .zero))
            place?.runLock.end()
        }
        running = [:]
        wake.yield()
    }

    /// How long after the grace period a stopping worker tries to settle before it gives up.
    static let patience: Duration = .seconds(30)

    /// Ends although not everything could be settled: those leases run out, and the jobs run again.
    func leave() {
        logger.critical(
            "the worker ends without settling its jobs: their leases will run out and they run again",
            metadata: ["jobs": "\(finished.leases.map { "\($0.job)" }.joined(separator: ", "))"])
        _ = finished.removeAll()
        (doubtful, isRevocationUnseen) = (nil, false)
        hasLeft = true
    }
}
