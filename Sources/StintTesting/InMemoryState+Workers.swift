import StintCore
import Synchronization

/// The workers, and what happens to the jobs of dead ones.
extension InMemoryState {
    /// There are no waits for a lock here, so only a worker that lives, or whose supervisor lives, gets a second check.
    private static let leasesPerReap = 100
    private static let jobsPerReap = 1_000
    private static let prunesPerReap = 1_000

    mutating func register(
        _ worker: WorkerRegistration, as id: WorkerID?, _ clock: @escaping @Sendable () -> StoreTime, _ now: StoreTime
    ) -> (WorkerID, InMemoryScoreboard) {
        if let id, let known = workers[id] {
            workers[id]!.seen = now.monotonic
            return (id, known.scoreboard)
        }
        lastWorker = max(lastWorker + 1, id?.rawValue ?? 0)
        let scoreboard = InMemoryScoreboard { clock().monotonic }
        let id = id ?? WorkerID(rawValue: lastWorker)
        workers[id] = Worker(
            registration: worker, registeredAt: now.wall, seen: now.monotonic, scoreboard: scoreboard,
            liveness: provesDeaths ? .alive : .unknown)
        return (id, scoreboard)
    }

    func workerRecords() -> [WorkerRecord] {
        workers.keys.sorted { $0.rawValue < $1.rawValue }.map { record($0) }
    }

    private func record(_ id: WorkerID) -> WorkerRecord {
        let worker = workers[id]!
        let (started, hasOrderToStop) = worker.scoreboard.read()
        let supervisor: Liveness? =
            worker.registration.supervisorSign.map { supervisors.contains($0) ? .alive : .dead }
            ?? worker.registration.supervisor.map { _ in .unknown }
        return WorkerRecord(
            id: id, registration: worker.registration, registeredAt: worker.registeredAt, started: started,
            liveness: worker.liveness, hostLiveness: .alive, supervisorLiveness: supervisor,
            hasOrderToStop: hasOrderToStop, order: worker.order)
    }

    mutating func order(_ order: WorkerOrder?, to id: WorkerID) throws {
        guard let worker = workers[id] else { throw StintError.noWorker(id) }
        try order?.check(id, hasSupervisor: worker.registration.supervisor != nil)
        workers[id]!.order = order
        revokes = true
    }

    // MARK: - Ends

    mutating func reclaim(from ids: [WorkerID], _ end: WorkerEnd, _ now: StoreTime) -> ReapReport {
        let named = ids.filter { workers[$0] != nil }
        let processes = Set(named.map { workers[$0]!.registration.process })
        let records = workerRecords().filter {
            ids.contains($0.id) || processes.contains($0.registration.process) && $0.liveness != .alive
        }
        let ending = CrashAttribution.Ending(end, of: records)
        let held = leases.values.filter { lease in records.contains { $0.id == lease.registration } }
        let evidence = CrashEvidence(ending, of: records)
        var report = ReapReport()
        for worker in records {
            let attempt = LostAttempt(end, of: worker, isBlamed: ending == .diedByItself)
            for lease in held.filter({ $0.registration == worker.id }).sorted(by: { $0.token < $1.token }) {
                self.end(lease, worker.registration.process, evidence, attempt, now, &report)
            }
            workers[worker.id] = nil
        }
        return report
    }

    private mutating func end(
        _ lease: GrantedLease, _ process: WorkerProcess?, _ evidence: CrashEvidence, _ attempt: LostAttempt,
        _ now: StoreTime, _ report: inout ReapReport
    ) {
        for id in lease.jobs.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let job = jobs[id] else { continue }
            let mine = Lease(job: id, token: lease.token)
            let (start, started) = evidence.start(of: mine, isSuspect: job.isSuspect, in: process)
            let transition = Transition.after(
                evidence.ending, start, job.held, attempt.failure,
                earlierLosses: CrashAttribution.lossesInARow(job.failures.reversed().map(\.kind)),
                maxAttempts: started?.maxAttempts)
            let state = move(
                id, transition, worker: lease.worker, attempt.ran(started).diagnostics, now)
            if state == .buried { report.buried += 1 } else { report.requeued += 1 }
        }
        leases[lease.token] = nil
    }

    // MARK: - Leases that ran out

    mutating func reap(_ now: StoreTime) -> ReapReport {
        var report = ReapReport()
        let ended = leases.values.filter { lease in
            lease.deadline <= now.monotonic
        }.sorted { $0.token < $1.token }
        for lease in ended.prefix(Self.leasesPerReap) where report.requeued + report.buried < Self.jobsPerReap {
            endExpired(lease, now, &report)
        }
        let lifetime = WorkerRegistration.lifetime.wholeMilliseconds
        let held = Set(leases.values.compactMap(\.registration))
        for (id, worker) in workers where worker.liveness != .alive && !held.contains(id) {
            if worker.seen <= now.monotonic - lifetime { workers[id] = nil }
        }
        for job in jobs.values where job.place.state.isWaiting && job.isExpired(now) {
            expire(job, now)
            report.expired += 1
        }
        let past = jobs.values.filter { job in
            guard job.place.state.isOver, let queue = queues[job.queue] else { return false }
            return Self.order(of: job) <= now.wall - queue.retention.wholeMilliseconds
        }
        for job in past.prefix(Self.prunesPerReap) {
            forget(job.id)
            report.pruned += 1
        }
        report.purged = purgeDeleted(now)
        pruneOperations(now)
        return report
    }

    private mutating func endExpired(_ lease: GrantedLease, _ now: StoreTime, _ report: inout ReapReport) {
        let worker = lease.registration.flatMap { workers[$0] == nil ? nil : record($0) }
        let evidence = CrashEvidence(ofExpiredLeaseOf: worker, among: workerRecords())
        let mayYetBeExtended = worker?.liveness == .alive || worker?.liveness == .dead
        if evidence.ending == .leaseRanOut, mayYetBeExtended, !isSecondLook(lease, now) {
            report.spared += 1
            return
        }
        let attempt = LostAttempt(evidence.ending, ofWorker: lease.worker)
        end(lease, worker?.registration.process, evidence, attempt, now, &report)
    }

    private mutating func isSecondLook(_ lease: GrantedLease, _ now: StoreTime) -> Bool {
        if let since = lease.overdueSince, since <= now.monotonic {
            return now.monotonic - since >= SecondLook.delay.wholeMilliseconds
        }
        leases[lease.token]?.overdueSince = now.monotonic
        return false
    }
}
