import Logging
import StintCore

/// Extends the leases of the jobs that this worker holds.
extension WorkerLoop {
    func keepUpLeases() async {
        while !Task.isCancelled {
            await pause(options.lease / 3)
            // If the store refused, it is asked again soon: a lease must not run out because of that.
            while await !extendLeases() && !Task.isCancelled { await pause(min(options.lease / 10, .seconds(1))) }
            await renewRegistration()
        }
    }

    /// If the claim waited long for the store's lock, a good part of its leases has passed, since a worker counts from
    /// before the claim. So the leases are extended before the jobs start. Jobs that another worker has taken meanwhile
    /// are dropped.
    func extendIfShort(_ jobs: [LeasedJob], claimedAt claim: ClockReading) async {
        let isShort = worker.clock.now().monotonic - claim.monotonic > options.lease.milliseconds / 3
        guard !jobs.isEmpty, isShort, !isStopping else { return }
        extendsBeforeStart = true
        defer { extendsBeforeStart = false }
        _ = await extend(jobs.map(\.lease).filter { lease in backlog[next...].contains { $0.lease == lease } })
    }

    /// - Returns: Whether the store has answered.
    private func extendLeases() async -> Bool {
        let held = backlog[next...].map(\.lease) + runningLeases + finished.map(\.lease)
        let tokens = Set(held.map(\.token))
        deadlines = deadlines.filter { tokens.contains($0.key) }
        let now = worker.clock.now()
        // A lease that has most of its time left needs no write.
        let soon = now.monotonic + options.lease.milliseconds * 2 / 3
        return await extend(held.filter { deadlines[$0.token, default: 0] <= soon })
    }

    private func extend(_ due: [Lease]) async -> Bool {
        guard !due.isEmpty, loss == nil else { return true }
        let now = worker.clock.now()
        do {
            let lost = Set(try await store.extend(due, by: options.lease))
            for token in Set(due.map(\.token)) { deadlines[token] = now.monotonic + options.lease.milliseconds }
            drop(lost, because: "it was reclaimed")
            return true
        } catch let error as StintError where error.code == .databaseBusy {
            // No process could write, so none has taken the jobs: running handlers continue.
            logger.error("the leases could not be extended; trying again", metadata: ["error": "\(error)"])
            return false
        } catch  where noteLoss() {
            return true
        } catch {
            logger.error("the leases could not be extended; trying again", metadata: ["error": "\(error)"])
            let past = due.filter { deadlines[$0.token, default: 0] <= worker.clock.now().monotonic }
            drop(Set(past), because: "it ran out while the store could not be written")
            return false
        }
    }

    /// Leases of running jobs, except those that their handler has settled itself.
    private var runningLeases: [Lease] {
        running.compactMap { $0.value.settlement.isSet ? nil : $0.key }
    }

    func isPast(_ lease: Lease, _ now: ClockReading) -> Bool { deadlines[lease.token, default: .max] <= now.monotonic }

    /// Drops waiting jobs whose lease ran out while this process was stopped or starved. They must not start, because
    /// another worker may have run them by now.
    func dropExpired(_ now: ClockReading) {
        drop(
            Set(backlog[next...].map(\.lease).filter { isPast($0, now) }),
            because: "it ran out before the job could be started")
    }

    /// Forgets waiting jobs whose lease is lost, and cancels running ones.
    private func drop(_ lost: Set<Lease>, because reason: String) {
        guard !lost.isEmpty else { return }
        // If only the store could not be written, the leases may still be valid: then the jobs are given back, and the
        // cancellation is no failure of theirs. On a lost lease a release changes nothing.
        for job in backlog[next...] where lost.contains(job.lease) { settle(job, .release(after: .zero)) }
        backlog = backlog[next...].filter { !lost.contains($0.lease) }
        next = 0
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
