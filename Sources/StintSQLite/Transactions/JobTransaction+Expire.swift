import StintCore

/// Leases that ran out. A deadline proves no death: the worker may hang, may have been frozen, or may wait for the same
/// lock as the reaper.
extension JobTransaction {
    /// A wait of this length for the lock is worth a second look at leases whose workers cannot be proved dead.
    private static let longWait: Duration = .milliseconds(100)

    func endExpired(_ lease: EndedLease, _ registry: WorkersOfReap, _ report: inout ReapReport) throws {
        let worker = lease.workerID.flatMap { registry.worker(WorkerID(rawValue: $0)) }
        let isOverdue = lease.deadline <= now.monotonic
        // Its deadline is from another clock than ours, and the kernel proves that its worker lives.
        if !isOverdue && worker?.liveness == .alive { return }
        let ending = ending(of: worker, isOverdue: isOverdue)
        if ending == .leaseRanOut, mayYetBeExtended(lease, worker), try !isSecondLook(lease) {
            report.spared += 1
            return
        }
        let process = worker?.registration.process
        let workers = process.map(registry.workers(of:)) ?? []
        let evidence = CrashEvidence(ending, of: workers, heldOne: try !isShared(lease))
        try end(lease, process, evidence, LostAttempt(ending, ofWorker: lease.worker), &report)
    }

    private func ending(of worker: WorkerRecord?, isOverdue: Bool) -> CrashAttribution.Ending {
        // The clock of the boot that granted it was ahead: that boot is over.
        guard isOverdue else { return .diedWithOthers }
        guard let worker else { return .leaseRanOut }
        return CrashAttribution.Ending(ofUnseen: worker) ?? .leaseRanOut
    }

    // MARK: - The second look

    /// A living worker extends its leases as soon as it can. A worker that may be alive may wait for the lock that this
    /// transaction waited for.
    private func mayYetBeExtended(_ lease: EndedLease, _ worker: WorkerRecord?) -> Bool {
        switch worker?.liveness {
        case .alive: true
        // Its supervisor lives, and will reclaim its jobs.
        case .dead: true
        case .unknown, nil: waited >= Self.longWait
        }
    }

    /// Whether the lease was found past its deadline some time ago, in another transaction, and still is. Extending the
    /// lease removes the mark.
    private func isSecondLook(_ lease: EndedLease) throws -> Bool {
        if let since = lease.overdueSince, since <= now.monotonic {
            return now.monotonic - since >= SecondLook.delay.milliseconds
        }
        try statement("UPDATE stint_leases SET overdue_since = ?2 WHERE token = ?1").execute(lease.token, now.monotonic)
        return false
    }

    // MARK: - What else the worker held

    /// The leases of a worker, by its name, and of all registered workers of its process.
    static let sameHolder = """
        boot_id = ?1 AND (worker = ?2 OR worker_id IN (
            SELECT w.id FROM stint_workers w JOIN stint_workers mine ON mine.id = ?3
            WHERE (w.host, w.boot_id, w.namespaces, w.pid, w.process_start)
                = (mine.host, mine.boot_id, mine.namespaces, mine.pid, mine.process_start)))
        """

    /// Whether the worker held more than one job, in this lease or others: then it is not known which job ended it. Its
    /// other leases are marked, since the last of them must not look like its only one.
    private func isShared(_ lease: EndedLease) throws -> Bool {
        func bound(_ sql: String) throws -> Statement {
            let statement = try statement(sql)
            statement.bind(1, lease.boot)
            statement.bind(2, lease.worker)
            statement.bind(3, lease.workerID)
            return statement
        }
        // The mark is read again: the same transaction may have set it after it found this lease.
        let select = try bound(
            """
            SELECT max(CASE token WHEN ?4 THEN shared END), sum(jobs > 0) + sum(jobs > 1) FROM stint_leases
            WHERE \(Self.sameHolder)
            """)
        select.bind(4, lease.token)
        guard let (shared, jobs) = try select.first(read: { ($0.int(0), $0.int(1)) }) else { return false }
        if shared != 0 { return true }
        guard jobs > 1 else { return false }
        try bound("UPDATE stint_leases SET shared = 1 WHERE \(Self.sameHolder)").execute()
        return true
    }
}
