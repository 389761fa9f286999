import Logging
import StintCore

/// Looks up what this worker holds when its own state may be wrong: jobs were revoked, or the outcome of a transaction
/// is unknown.
extension WorkerLoop {
    var needsLook: Bool { isRevocationUnseen || doubtful != nil }

    func look() async {
        guard let place else { return }
        // Read before the store: a later revocation changes the mark again.
        let mark = place.revocations.read()
        do {
            let held = try await store.leases(heldBy: place.id)
            try await settleDoubts(held)
            dropRevoked(held)
            seenRevocations = mark
            // One that was heard of meanwhile would be forgotten here.
            isRevocationUnseen = place.revocations.read() != mark
            failedVisits = 0
        } catch {
            await tryLater("the store cannot be read, so no job starts, as it may have been revoked", error)
        }
    }

    /// After a transaction of unknown outcome: counts what was settled, settles the rest again, and gives back jobs
    /// that were claimed without this worker's knowledge.
    private func settleDoubts(_ held: [HeldJob]) async throws {
        guard let doubtful else { return }
        let leases = Set(held.map(\.lease))
        var answers: [Lease: Settlement.Answer] = [:]
        for ended in finished.all where doubtful.contains(ended.lease) && !leases.contains(ended.lease) {
            let state = try await store.job(ended.lease.job)?.record.state
            answers[ended.lease] = ended.settlement.answer(isHeld: false, state: state)
        }
        for ended in finished.removeAll(where: { answers[$0.lease] != nil }) {
            if let answer = answers[ended.lease] { record(answer, of: ended) }
        }
        self.doubtful = nil

        let known = Set(backlog.leases).union(running.keys).union(finished.leases)
        let unknown = held.filter { !known.contains($0.lease) }
        for job in unknown {
            finish(FinishedJob(settlement: Settlement(job.lease, .release(after: .zero)), queue: job.queue))
        }
        listener.mayFindJobs = true
        logger.notice(
            "the outcome of the unknown change was looked up",
            metadata: ["settled": "\(answers.count) of \(doubtful.count)", "given-back": "\(unknown.count)"])
    }

    // MARK: - Revoked jobs

    /// Jobs that run are looked up as soon as anything was revoked, by whatever process: their handlers are told at once
    /// and not at the next heartbeat. Jobs that do not run yet are looked up before they start in any case.
    func listenToRevocations() async {
        guard let place else { return }
        let changes = place.revocations.changes()
        // One that came before this worker listened.
        await lookAtOrder()
        for await _ in changes {
            if !running.isEmpty || !backlog.isEmpty {
                isRevocationUnseen = true
                wake.yield()
            }
            await lookAtOrder()
        }
    }

    /// Forgets waiting jobs that were cancelled, buried or deleted, and gives back those of paused queues. Cancels the
    /// handlers of running jobs that are not held any more.
    private func dropRevoked(_ held: [HeldJob]) {
        let standing = Dictionary(held.map { ($0.lease, $0) }) { $1 }
        let lost = running.keys.filter { standing[$0] == nil && running[$0]?.isReleased == false }
        drop(Set(lost), because: "the job was cancelled, buried or deleted, or reclaimed")
        for job in backlog.removeAll(where: { standing[$0.lease]?.isPaused != false }) {
            if standing[job.lease] == nil { metrics.leaseLost(job) } else { finish(job, .release(after: .zero)) }
        }
    }
}
