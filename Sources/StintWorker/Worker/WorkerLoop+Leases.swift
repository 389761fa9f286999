import Logging
import StintCore

/// Extends the leases of the jobs that this worker holds.
extension WorkerLoop {
    /// Called when this worker holds jobs. An idle one has no timer for leases that it does not hold.
    func beginKeepingLeases() {
        guard leaseKeeping == nil else { return }
        leaseKeeping = Task { await self.keepUpLeases() }
    }

    /// Checks the store as well: a worker with a long job does not use it otherwise. An idle one looks into it from
    /// time to time, or the store looks by itself.
    private func keepUpLeases() async {
        // In the same step as the last check: a later job begins it again.
        defer { leaseKeeping = nil }
        var due = ContinuousClock.now + options.lease / 3
        while holdsJobs && !Task.isCancelled {
            await pause(min(due - .now, options.pollInterval * 2))
            if findLoss() { return }
            guard .now >= due else { continue }
            due = .now + options.lease / 3
            // If the store refused, it is asked again soon: a lease must not run out because of that.
            while await !extendLeases() && !Task.isCancelled { await pause(min(options.lease / 10, .seconds(1))) }
            await renewRegistration()
            await lookAtOrderIfDue()
        }
        // It holds nothing, so it knows no deadlines: otherwise those of short jobs would be kept for ever.
        if !holdsJobs { leases.keepOnly([]) }
    }

    private var holdsJobs: Bool { !backlog.isEmpty || !running.isEmpty || !finished.isEmpty }

    /// If the claim waited long for the store's lock, a good part of its leases has passed, since a worker counts from
    /// before the claim. So the leases are extended before the jobs start. Jobs that another worker has taken meanwhile
    /// are dropped.
    func extendIfShort(_ jobs: [LeasedJob], claimedAt claim: ContinuousClock.Instant) async {
        let isShort = leases.isShort(claimedAt: claim, now: options.clock())
        guard !jobs.isEmpty, isShort, !isStopping else { return }
        extendsBeforeStart = true
        defer { extendsBeforeStart = false }
        _ = await extend(jobs.map(\.lease).filter(Set(backlog.leases).contains))
    }

    /// - Returns: Whether the store has answered.
    private func extendLeases() async -> Bool {
        let held = backlog.leases + runningLeases + finished.leases
        leases.keepOnly(held)
        return await extend(leases.due(held, at: options.clock()))
    }

    private func extend(_ due: [Lease]) async -> Bool {
        guard !due.isEmpty, loss == nil else { return true }
        let now = options.clock()
        do {
            let lost = Set(try await store.extend(due, by: options.lease))
            leases.granted(due, at: now)
            drop(lost, because: "it was taken back")
            return true
        } catch let error as StintError where error.code == .databaseBusy {
            // No process could write, so none has taken the jobs: running handlers continue.
            logger.error("the leases could not be extended; trying again", metadata: ["error": "\(error)"])
            return false
        } catch  where findLoss() {
            return true
        } catch {
            logger.error("the leases could not be extended; trying again", metadata: ["error": "\(error)"])
            let past = due.filter { leases.isPast($0, at: options.clock()) }
            drop(Set(past), because: "it ran out while the store could not be written")
            return false
        }
    }

    /// Leases of running jobs, except those that their handler has settled itself.
    private var runningLeases: [Lease] {
        running.compactMap { $0.value.settlement.isSet ? nil : $0.key }
    }

    /// Waiting jobs whose lease ran out here unnoticed, since this process was stopped or starved: another worker may
    /// have done them by now, so they must not start.
    func dropExpired(_ now: ContinuousClock.Instant) {
        drop(
            Set(backlog.leases.filter { leases.isPast($0, at: now) }),
            because: "it ran out before the job could be started")
    }

    /// Forgets waiting jobs whose lease is lost, and cancels running ones.
    func drop(_ lost: Set<Lease>, because reason: String) {
        guard !lost.isEmpty else { return }
        // If only the store could not be written, the leases may still be valid. Then the jobs are given back, and the
        // cancelled handlers have not failed. For a lost lease a release changes nothing.
        for job in backlog.removeAll(where: { lost.contains($0.lease) }) { finish(job, .release(after: .zero)) }
        for lease in lost {
            guard let job = running[lease], !job.settlement.isSet else { continue }
            running[lease]?.isReleased = true
            metrics.leaseLost(job.job)
            logger.warning(
                "the lease is lost: \(reason); its handler is cancelled",
                metadata: ["job": "\(lease.job)", "queue": "\(job.job.queue)", "token": "\(lease.token)"])
            job.cancel()
        }
    }
}
