extension JobQueue {
    /// Reclaims the jobs of dead workers and of ended leases, ends jobs that have expired, prunes jobs that are over,
    /// enqueues the jobs of schedules that are due and the messages of webhooks, goes on with the running operations, and
    /// indexes free text, until nothing is left to do or the task is cancelled. For cron; a `Reaper` does it repeatedly.
    ///
    /// - Returns: What was done.
    public func reap() async throws -> ReapReport {
        var report = try await store.reapAll(waitsLong: true)
        report.ticked = try await store.tickAll().ticks
        report.changed = try await store.runOperations()
        report.notified = try await store.notifyWebhooks()
        // The first index of a large queue takes minutes.
        report.indexed = try await store.indexAllText()
        return report
    }
}

extension JobStore {
    /// See ``JobQueue/reap()``.
    ///
    /// - Parameter waitsLong: Whether to wait for a second look that is seconds away. Not for a caller who comes again by
    ///   himself: he would notice dead workers late.
    package func reapAll(waitsLong: Bool = false) async throws -> ReapReport {
        var total = try await reclaimDead()
        var hasLookedAgain = false
        while true {
            let step = try await reap()
            total += step
            if Task.isCancelled { return total }
            guard step == ReapReport(), step.repairedGroups + step.prunedGroups + step.purged == 0 else { continue }
            if step.spared == 0 || hasLookedAgain { return total }
            if step.nextLook > SecondLook.delay && !waitsLong { return total }
            // Workers of leases past their deadline live, or may just have waited for the same lock or server.
            hasLookedAgain = true
            do { try await sleep(for: step.nextLook + .milliseconds(50)) } catch { return total }
        }
    }

    /// Indexes text until nothing is left to do or the task is cancelled. It pauses after each step, for as long as that
    /// may have held the write lock, so that workers go on.
    ///
    /// - Returns: How many jobs it went through.
    package func indexAllText() async throws -> Int {
        var total = 0
        while !Task.isCancelled {
            let count = try await indexText()
            guard count > 0 else { break }
            total += count
            do { try await sleep(for: .milliseconds(20)) } catch { break }
        }
        return total
    }
}

extension ReapReport {
    package static func += (total: inout ReapReport, step: ReapReport) {
        total.requeued += step.requeued
        total.buried += step.buried
        total.pruned += step.pruned
        total.expired += step.expired
        total.repairedGroups += step.repairedGroups
        total.prunedGroups += step.prunedGroups
        total.purged += step.purged
    }
}
