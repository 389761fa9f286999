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
        let process = worker?.registration.process
        var evidence = CrashEvidence(ofExpiredLeaseOf: worker, among: process.map(registry.workers(of:)) ?? [])
        // The clock of the boot that granted it was ahead: that boot is over.
        if !isOverdue { evidence.ending = .diedWithOthers }
        if evidence.ending == .leaseRanOut, mayYetBeExtended(lease, worker), try !isSecondLook(lease) {
            report.spared += 1
            return
        }
        try end(lease, process, evidence, LostAttempt(evidence.ending, ofWorker: lease.worker), &report)
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
}
