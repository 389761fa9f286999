import GRDB
import StintCore

/// The verbs of a ``JobStore``: each is one transaction with the verb of the same name.
extension SQLiteStore {
    public func enqueue(_ jobs: [NewJob]) async throws -> [Enqueued] {
        guard !jobs.isEmpty else { return [] }
        return try await write(weight: jobs.count, diskFull: .refuse, fence: .enqueue) { try $0.enqueue(jobs) }
    }

    public func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease] {
        guard !leases.isEmpty else { return [] }
        return try await write(diskFull: .useReserve) { try $0.extend(leases, by: duration) }
    }

    public func kick(_ ids: [JobID]) async throws { try await change(ids, .kick, by: nil) }

    public func bury(_ ids: [JobID], reason: String) async throws {
        try await change(ids, .bury(reason: reason), by: nil)
    }

    public func cancel(_ ids: [JobID], reason: String) async throws {
        try await change(ids, .cancel(reason: reason), by: nil)
    }

    public func delete(_ ids: [JobID]) async throws { try await change(ids, .delete, by: nil) }

    public func runNow(_ ids: [JobID]) async throws { try await change(ids, .runNow, by: nil) }

    public func select(
        _ selection: JobSelection, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        try await read { try $0.select(selection, selection.possibleStates, from: cursor, limit: limit).step }
    }

    public func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        return try await write(weight: JobTransaction.rowsPerStep, diskFull: Self.diskFull(of: change)) {
            try $0.change(selection, change, from: cursor, limit: limit)
        }
    }

    public func reap() async throws -> ReapReport {
        try await checkpointLongLog()
        let looksForUnheld = unheldLooks.isTime(clock.now())
        let scoreboards = try open.scoreboards
        let isNeeded = try await look {
            try $0.needsReap(scoreboards, looksForUnheld: looksForUnheld)
        }
        let groups = try await sweepGroups()
        guard isNeeded || groups != nil else { return ReapReport() }
        let report = try await write(diskFull: .useReserve) { transaction in
            // First: it compares counts, and the reap's are written at the end.
            var swept = ReapReport()
            if let groups { try transaction.act(on: groups, &swept) }
            var report = try transaction.reap(scoreboards, looksForUnheld: looksForUnheld)
            (report.repairedGroups, report.prunedGroups) = (swept.repairedGroups, swept.prunedGroups)
            return report
        }
        if let groups {
            groupSweep.goOn(after: groups, hasChanged: report.repairedGroups + report.prunedGroups > 0)
        }
        return report
    }

    public func indexText() async throws -> Int {
        guard try await look({ try $0.needsIndexing() }) else { return try await sweepIndex() }
        return try await write(weight: JobTransaction.rowsPerStep, diskFull: .refuse) { transaction in
            do {
                return try transaction.index()
            } catch let error as DatabaseError where JobTransaction.isOfIndex(error) {
                throw StintError(
                    .storageFailed,
                    "the index of free text cannot be built (\(error.message ?? "error \(error.resultCode.rawValue)")), and queries "
                        + "read the jobs instead: see `stint doctor`")
            }
        }
    }

    /// Removes jobs from the index that are gone.
    ///
    /// - Returns: How many.
    private func sweepIndex() async throws -> Int {
        guard let start = indexSweep.begin(clock.now()) else { return 0 }
        var place = start
        // A pass through few jobs is one call.
        for _ in 0..<10 {
            let (gone, last) = try await look { [place] in try $0.goneFromIndex(after: place) }
            indexSweep.goOn(after: last)
            if !gone.isEmpty {
                return try await write(weight: JobTransaction.rowsPerStep, diskFull: .refuse) {
                    try $0.removeFromIndex(gone)
                }
            }
            guard let last else { break }
            place = last
        }
        return 0
    }

    /// - Returns: What is to be done; `nil`: nothing now.
    private func sweepGroups() async throws -> GroupSweep.Findings? {
        guard let place = groupSweep.begin(clock.now()) else { return nil }
        let findings = try await look { try $0.sweep(from: place) }
        if !findings.isEmpty { return findings }
        groupSweep.goOn(after: findings)
        return nil
    }

    /// Checkpoints now, as far as possible; for tests. Otherwise this happens when the log is long enough.
    package func checkpointLog() async {
        let checkpoint = lifecycle.withLock { $0.open?.checkpoint }
        await checkpoint?.run()
    }

    /// If an application writes its own tables to this file, the log grows while Stint itself commits nothing.
    private func checkpointLongLog() async throws {
        guard file.logSize > Checkpointer.longLog else { return }
        let open = try beginCall()
        defer { endCall() }
        await open.checkpoint?.run()
    }

    public func configure(_ queue: QueueName, _ settings: QueueSettings) async throws {
        try settings.check()
        try await write { try $0.configure(queue, settings) }
        if settings.paused == false || settings.changesLimits { signals.send() }
    }

    public func setWeight(_ weight: Int, ofGroup group: String, in queue: QueueName) async throws {
        try GroupStats.check(weight: weight, ofGroup: group)
        try await write { try $0.setWeight(weight, ofGroup: group, in: queue) }
    }

    public func groups(of queue: QueueName, limit: Int) async throws -> [GroupStats] {
        try await read { try $0.groups(of: queue, limit: max(0, limit)) }
    }

    public func queue(_ name: QueueName) async throws -> QueueDetails? {
        try await read { try $0.queue(name) }
    }

    public func waitReason(of job: JobID) async throws -> WaitReason? {
        try await read { try $0.waitReason(of: job) }
    }

    public func stats() async throws -> [QueueStats] {
        try await read { try $0.stats() }
    }

    public func activity(of queues: [QueueName]?, last: Duration) async throws -> [QueueActivity] {
        try await read { try $0.activity(of: queues, last: last) }
    }

    public func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage {
        try await read { try $0.page(filter, after: cursor) }
    }

    public func count(_ query: JobQuery, after cursor: JobCursor?) async throws -> JobCount {
        try await read { try $0.count(query, after: cursor) }
    }

    public func errorGroups(
        _ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?
    ) async throws -> ErrorGroupPage {
        try await read { try $0.errorGroups(filter, after: cursor) }
    }

    public func job(_ id: JobID) async throws -> JobDetails? {
        try await read { try $0.job(id) }
    }

    public func exportJobs(of queues: [QueueName]?, after id: JobID?, limit: Int) async throws -> ExportedJobs {
        try await read { try $0.exportJobs(of: queues, after: id, limit: limit) }
    }

    public func importJobs(_ jobs: [StoredJob]) async throws -> ImportedJobs {
        try StoredJob.check(jobs)
        return try await write(weight: jobs.count, diskFull: .refuse) { try $0.importJobs(jobs) }
    }
}
