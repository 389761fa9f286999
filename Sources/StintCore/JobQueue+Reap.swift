extension JobQueue {
    /// Takes back the jobs of workers that are gone, and ended leases, and prunes, until nothing is left to do or the
    /// task is cancelled; once, for cron.
    public func reap() async throws -> ReapReport {
        var total = try await takeBackFromTheDead()
        while true {
            let step = try await store.reap(now: clock.now())
            total += step
            if step == ReapReport() || Task.isCancelled { return total }
        }
    }

    /// Workers whose processes are provably gone. One that has a supervisor is left to it as long as that lives: only the
    /// supervisor knows how its worker ended. When it has died too, that may have been the end of its
    /// workers.
    private func takeBackFromTheDead() async throws -> ReapReport {
        var total = ReapReport()
        let workers = try await store.workers()
        let groups = Dictionary(grouping: workers) { $0.registration.supervisor ?? $0.registration.process }
        for (head, members) in groups.sorted(by: { $0.value[0].id.rawValue < $1.value[0].id.rawValue }) {
            guard head.existence() == .gone else { continue }
            let dead = members.filter { $0.registration.process.existence() == .gone }
            guard !dead.isEmpty else { continue }
            let end: WorkerEnd =
                dead[0].registration.supervisor == nil ? .died("died, and nobody saw how", nil) : .diedWithSupervisor
            total += try await store.takeBack(from: dead.map(\.id), end, now: clock.now())
        }
        return total
    }
}

extension ReapReport {
    package static func += (total: inout ReapReport, step: ReapReport) {
        total.requeued += step.requeued
        total.buried += step.buried
        total.pruned += step.pruned
    }
}
