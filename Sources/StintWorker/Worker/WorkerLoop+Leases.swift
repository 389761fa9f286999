import Logging
import StintCore

/// Keeping up the leases of the jobs that this worker holds.
extension WorkerLoop {
    /// It looks at the database's files as well: a worker with a long job has no other reason to. An idle one does so with
    /// each of its polls.
    func keepUpLeases() async {
        var due = ContinuousClock.now + options.lease / 3
        while !Task.isCancelled {
            await pause(min(due - .now, options.pollInterval * 2))
            if noteLoss() { return }
            guard .now >= due else { continue }
            due = .now + options.lease / 3
            // A store that refused is asked again soon: a lease must not run out for want of a word.
            while await !extendLeases() && !Task.isCancelled { await pause(min(options.lease / 10, .seconds(1))) }
            await renewRegistration()
        }
    }

    /// The wait for the store's lock has eaten a good part of the time that this worker counts with, which is counted from
    /// before the claim: before a job starts its lease is extended. One that another worker has taken meanwhile is dropped.
    func extendIfShort(_ jobs: [LeasedJob], claimedAt claim: Moment) async {
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
            let lost = Set(try await store.extend(due, by: options.lease, now: now))
            for token in Set(due.map(\.token)) { deadlines[token] = now.monotonic + options.lease.milliseconds }
            drop(lost, because: "it was taken back")
            return true
        } catch let error as StintError where error.code == .databaseBusy {
            // Nobody could write, so nobody has taken the jobs: what runs, runs on.
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

    /// Without those whose handler has settled its job already and is about to end.
    private var runningLeases: [Lease] {
        running.compactMap { $0.value.settlement.isSet ? nil : $0.key }
    }

    func isPast(_ lease: Lease, _ now: Moment) -> Bool { deadlines[lease.token, default: .max] <= now.monotonic }

    /// Waiting jobs whose lease ran out here unnoticed, since this process was stopped or starved: another worker may have
    /// done them by now, so they must not start.
    func dropExpired(_ now: Moment) {
        drop(
            Set(backlog[next...].map(\.lease).filter { isPast($0, now) }),
            because: "it ran out before the job could be started")
    }

    /// Jobs whose lease is lost: those that wait are forgotten, those that run are cancelled.
    private func drop(_ lost: Set<Lease>, because reason: String) {
        guard !lost.isEmpty else { return }
        // The leases may stand after all, where only the store could not be written: then the jobs are given back, and
        // cancelling their handlers is no failure of theirs. On a lost lease that changes nothing.
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
