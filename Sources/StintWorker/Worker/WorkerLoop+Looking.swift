import Logging
import StintCore

/// Looking up what this worker holds, where what it remembers may be wrong: something was revoked, or nobody knows whether
/// a transaction has happened.
extension WorkerLoop {
    var needsLook: Bool { isRevocationUnseen || doubtful != nil }

    func look() async {
        guard let place else { return }
        // Before the look: what is revoked after it changes the mark again.
        let mark = place.revocations.read()
        do {
            let held = try await store.leases(heldBy: place.id)
            try await settleDoubts(held)
            dropRevoked(held)
            seenRevocations = mark
            isRevocationUnseen = false
            failedVisits = 0
        } catch {
            await tryLater("the store cannot be read, and what waits to start may have been revoked", error)
        }
    }

    /// After a transaction of unknown outcome: what was settled is counted as that, what was not is settled again, and jobs
    /// that were claimed unknown to this worker are given back.
    private func settleDoubts(_ held: [HeldJob]) async throws {
        guard let doubtful else { return }
        let leases = Set(held.map(\.lease))
        var answers: [Lease: Settlement.Answer] = [:]
        for ended in finished where doubtful.contains(ended.lease) && !leases.contains(ended.lease) {
            let state = try await store.job(ended.lease.job)?.record.state
            answers[ended.lease] = ended.settlement.answer(isHeld: false, state: state)
        }
        for ended in finished { if let answer = answers[ended.lease] { record(answer, of: ended) } }
        finished.removeAll { answers[$0.lease] != nil }
        finishedBytes = finished.reduce(0) { $0 + $1.bytes }
        if finished.isEmpty { oldestFinished = nil }
        self.doubtful = nil

        let known = Set(backlog.leases).union(running.keys).union(finished.map(\.lease))
        let unknown = held.filter { !known.contains($0.lease) }
        for job in unknown {
            settle(Finished(settlement: Settlement(job.lease, .release(after: .zero)), queue: job.queue))
        }
        listener.mayFindJobs = true
        logger.notice(
            "the change whose outcome was not known has been looked up",
            metadata: ["settled": "\(answers.count) of \(doubtful.count)", "given-back": "\(unknown.count)"])
    }

    /// Waiting jobs that somebody has buried or deleted are forgotten, those of paused queues given back.
    private func dropRevoked(_ held: [HeldJob]) {
        let standing = Dictionary(held.map { ($0.lease, $0) }) { $1 }
        for job in backlog.removeAll(where: { standing[$0.lease]?.isPaused != false }) {
            if standing[job.lease] == nil { metrics.leaseLost(job) } else { settle(job, .release(after: .zero)) }
        }
    }
}
