extension JobQueue {
    /// Takes back the jobs of workers that are dead, and ended leases, and prunes, until nothing is left to do or the
    /// task is cancelled; once, for cron.
    public func reap() async throws -> ReapReport {
        var total = try await takeBackFromTheDead()
        var hasLookedAgain = false
        while true {
            let step = try await store.reap(now: clock.now())
            total += step
            if Task.isCancelled { return total }
            guard step == ReapReport() else { continue }
            if step.spared == 0 || hasLookedAgain { return total }
            // Leases that are past their deadline and whose workers live, or may just have waited for the same lock.
            hasLookedAgain = true
            try await Task.sleep(for: ReapReport.secondLook + .milliseconds(50))
        }
    }

    /// Workers that are provably dead. One that has a supervisor is left to it as long as that lives: only the
    /// supervisor knows how its worker ended.
    private func takeBackFromTheDead() async throws -> ReapReport {
        var total = ReapReport()
        let dead = try await store.deadWorkers()
        // What died with one supervisor, or in one process, is taken back together.
        let groups = Dictionary(grouping: dead) {
            $0.registration.supervisorSign ?? "\($0.registration.process.boot) \($0.registration.process.namespaces) "
                + "\($0.registration.process.processID) \($0.registration.process.startTime)"
        }
        for workers in groups.values.sorted(by: { $0[0].id.rawValue < $1[0].id.rawValue }) {
            let now = clock.now()
            guard let end = WorkerEnd(ofUnseen: workers, boot: now.boot) else { continue }
            total += try await store.takeBack(from: workers.map(\.id), end, now: now)
        }
        return total
    }
}

extension WorkerEnd {
    /// Of workers that are dead, and whose end nobody saw; `nil`: their supervisor lives, and will see to their jobs.
    init?(ofUnseen workers: [WorkerRecord], boot: String) {
        // They ended together: an order to one of them was an order to all.
        guard let first = workers.first(where: \.isToldToStop) ?? workers.first,
            let ending = CrashAttribution.Ending(ofUnseen: first, boot: boot)
        else { return nil }
        switch ending {
        case .leaseRanOut: return nil
        case .stoppedByOrder: self = .stopped
        case .diedWithOthers: self = first.supervisorLiveness == nil ? .diedWithMachine : .diedWithSupervisor
        case .diedByItself: self = .died("died, and nobody saw how", nil)
        }
    }
}

extension ReapReport {
    package static func += (total: inout ReapReport, step: ReapReport) {
        total.requeued += step.requeued
        total.buried += step.buried
        total.pruned += step.pruned
    }

    /// How long a lease that is past its deadline is left to a worker that lives, so that it can extend it: it may have
    /// been frozen, or have waited for the same lock as whoever reaps.
    package static let secondLook: Duration = .milliseconds(250)
}
