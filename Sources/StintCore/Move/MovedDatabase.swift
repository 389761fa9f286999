import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A database that was moved. Whoever opens it goes on with the one to which it was moved, after
/// ``open(_:)`` and ``forward(to:)``.
package struct MovedDatabase {
    private let source: any MovableStore
    private let move: MoveID

    /// How many jobs are forwarded at a time.
    private static let batch = 500

    package init(_ source: any MovableStore, _ move: MoveID) {
        self.source = source
        self.move = move
    }

    /// Opens the target, if the mover could not.
    package func open(_ target: any MovableStore) async throws {
        guard let state = try await target.moveState(.in), state.move == move else {
            throw StintError(
                .databaseUnusable,
                "the database to which this one was moved has no mark of that: it was replaced; give its address with --db if it is "
                    + "the right one")
        }
        if state.phase == .arriving { try await target.endArrival(move) }
    }

    /// Enqueues in the target what was enqueued in the source after the move, each job once, whatever dies meanwhile, and however
    /// many processes do it: a job is deleted here after its number is noted there, in the transaction that enqueues it.
    @discardableResult
    package func forward(to target: any MovableStore) async throws -> Int {
        var forwarded = 0
        while true {
            let changes = try await source.notedChanges(limit: Self.batch)
            guard !changes.notes.isEmpty else { return forwarded }
            let jobs = try changes.jobs.map { ForwardedJob(id: $0.id, jobs: try Self.newJobs($0)) }
            try await target.enqueueForwarded(jobs, of: move)
            try await source.removeForwarded(jobs.map(\.id), notes: changes.notes)
            forwarded += jobs.count
        }
    }

    /// What enqueues it again. Each event of a digest is one of its own, which joins the digest in the target, if there is one.
    private static func newJobs(_ job: StoredJob) throws -> [NewJob] {
        let record = job.record
        let now = StoredTime.timestamp(Date())
        var options = JobOptions(
            priority: record.priority, maxAttempts: record.maxAttempts, maxCrashes: record.maxCrashes,
            timeToRun: record.timeToRun, headers: record.headers, uniqueKey: record.uniqueKey, group: record.group,
            onConflict: job.events == nil || record.uniqueKey == nil ? .keep : .collect)
        if let time = record.runAtMilliseconds, time > now { options.delay = .milliseconds(time - now) }
        // One that has expired meanwhile expires there.
        if let time = record.expiresAtMilliseconds { options.expires = .milliseconds(max(1, time - now)) }
        return try (job.events ?? [job.payload]).map {
            try NewJob($0, in: record.queue, contentType: record.contentType, options: options)
        }
    }
}

extension MovedDatabase {
    /// How often the source is read, if nothing tells of a change.
    private static let interval: Duration = .seconds(2)
    private static let reminder: Duration = .seconds(60)

    /// Forwards what is enqueued in the source, until the task is cancelled. An error is logged, at most once a minute, and
    /// it goes on.
    package func forwardAll(to target: any MovableStore, logger: Logger) async {
        var lastTold: ContinuousClock.Instant?
        for await _ in source.changes().andEvery(Self.interval) {
            do { try await forward(to: target) } catch is CancellationError { return } catch {
                if let lastTold, .now - lastTold < Self.reminder { continue }
                lastTold = .now
                logger.error(
                    "jobs that were enqueued in the database that was moved could not be forwarded; they stay there and it is tried again",
                    metadata: ["error": "\(error)"])
            }
        }
    }
}
