import GRDB
import Logging
import StintCore
import StintPlatform

/// Turns claimed jobs into the jobs that their holder receives. The claim is durable by then, and the write lock is
/// free: other processes claim while this one reads payloads, which never change.
///
/// It does not know the store, because the store must not be released on its own connection's thread.
struct PayloadLoader {
    let clock: any QueueClock
    let logger: Logger

    /// Never throws, since the caller's settlements are durable and must be answered. Jobs that cannot be read are
    /// given back. If that fails too, they come back when their lease ends.
    ///
    /// The size of a job is not known before it is read: a claim that looked it up would hold the write lock for
    /// longer, and nearly all claims are far from the budget. Jobs that exceed the budget are given back.
    func jobs(
        of claimed: [ClaimedJob], within budget: ByteBudget, _ database: Database
    ) -> (jobs: [LeasedJob], isCut: Bool) {
        guard !claimed.isEmpty else { return ([], false) }
        do {
            let found = try load(claimed, within: budget, database)
            if !found.refusals.isEmpty {
                _ = try JobTransaction.run(database, clock) { try $0.settle(found.refusals) }
            }
            giveBack(found.excess, database)
            return (found.jobs, !found.excess.isEmpty)
        } catch {
            logger.error(
                "claimed jobs cannot be read; they are given back",
                metadata: [
                    "error": "\(error)", "jobs": "\(claimed.map(\.lease.job.description).joined(separator: ", "))",
                ])
            giveBack(claimed.map(\.lease), database)
            return ([], false)
        }
    }

    private func giveBack(_ leases: [Lease], _ database: Database) {
        guard !leases.isEmpty else { return }
        do {
            let releases = leases.map { Settlement($0, .release(after: .zero)) }
            _ = try JobTransaction.run(database, clock) { try $0.settle(releases) }
        } catch {
            logger.error(
                "claimed jobs cannot be given back; they come back when their lease ends",
                metadata: ["error": "\(error)"])
        }
    }

    func load(_ claimed: [ClaimedJob], within budget: ByteBudget, _ database: Database) throws -> LoadedJobs {
        var loaded = LoadedJobs()
        var bytes = 0
        loaded.jobs.reserveCapacity(claimed.count)
        let select = try Statement(HotSQL.job, database)
        // One transaction for many reads, since each one takes and releases a lock. They need not all see the same
        // moment.
        if claimed.count > 1 { try Statement("BEGIN", database).execute() }
        defer { if claimed.count > 1 { endReading(database) } }
        for (index, claim) in claimed.enumerated() {
            // Absent: a person has just deleted it, and its lease with it.
            guard let row = try select.first(claim.lease.job.rawValue, read: JobRow.init) else { continue }
            do {
                let events = row.isDigest ? try self.events(of: claim.lease.job, after: row.payload, database) : nil
                let job = try row.leased(claim, events)
                guard budget.admits(job.bytes, beside: bytes) else {
                    loaded.excess = claimed[index...].map(\.lease)
                    return loaded
                }
                bytes += job.bytes
                loaded.jobs.append(job)
            } catch {
                loaded.refusals.append(
                    Settlement(claim.lease, .bury(reason: "its stored headers cannot be read: \(error)")))
            }
        }
        return loaded
    }

    /// All payloads of a digest. It was claimed, so no more come.
    private func events(of job: JobID, after first: [UInt8], _ database: Database) throws -> [[UInt8]] {
        [first] + (try Statement(HotSQL.events, database).rows(job.rawValue) { $0.bytes(0) })
    }

    private func endReading(_ database: Database) {
        do {
            try Statement("COMMIT", database).execute()
        } catch {
            logger.error("a transaction that read payloads could not be ended", metadata: ["error": "\(error)"])
        }
    }
}

/// A row of `HotSQL.job`.
private struct JobRow {
    let maxAttempts: Int64
    let timeToRun: Int64?
    let enqueuedAt: Timestamp
    let contentType: String
    let headers: String?
    let payload: [UInt8]
    let isDigest: Bool

    init(_ row: Statement.Row) {
        maxAttempts = row.int(0)
        timeToRun = row.optionalInt(1)
        enqueuedAt = row.int(2)
        contentType = row.text(3)
        headers = row.optionalText(4)
        payload = row.bytes(5)
        isDigest = row.int(6) != 0
    }

    /// - Parameter events: Those of a digest, with the first.
    func leased(_ claim: ClaimedJob, _ events: [[UInt8]]?) throws -> LeasedJob {
        LeasedJob(
            lease: claim.lease, queue: claim.queue, payload: payload, contentType: contentType,
            headers: try Headers(storedText: headers), priority: claim.priority, attempt: claim.attempt,
            maxAttempts: Int(maxAttempts), timeToRun: timeToRun.map { .milliseconds($0) }, enqueuedAt: enqueuedAt,
            runsAlone: claim.runsAlone, events: events, expiresAt: claim.expiresAt, expiresIn: claim.expiresIn)
    }
}
