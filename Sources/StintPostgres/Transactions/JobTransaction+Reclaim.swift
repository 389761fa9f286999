import StintCore

extension JobTransaction {
    /// - Returns: The report, and the workers with the names of their scoreboards: when a process ends, all of its workers
    ///   have ended, even if they were not named.
    func reclaim(
        from ids: [WorkerID], _ end: WorkerEnd
    ) async throws -> (report: ReapReport, workers: [WorkerID], scoreboards: [String]) {
        let all = try await workerRecords()
        let processes = Set(all.filter { ids.contains($0.id) }.map(\.registration.process))
        let workers = all.filter {
            ids.contains($0.id) || processes.contains($0.registration.process) && $0.liveness != .alive
        }
        guard !workers.isEmpty else { return (ReapReport(), [], []) }
        let ending = CrashAttribution.Ending(end, of: workers)
        let leases = try await run(
            "SELECT \(LeaseRow.columns) FROM stint.leases WHERE worker_id = ANY ($1) ORDER BY token FOR UPDATE",
            .ints(workers.map(\.id.rawValue))
        ).map { try LeaseRow($0) }
        let evidence = CrashEvidence(ending, of: workers)
        var report = ReapReport()
        for worker in workers {
            let attempt = LostAttempt(end, of: worker, isBlamed: ending == .diedByItself)
            for lease in leases where lease.workerID == worker.id.rawValue {
                try await self.end(lease, worker.registration.process, evidence, attempt, &report)
            }
        }
        return (report, workers.map(\.id), try await forget(workers.map(\.id)))
    }
}
