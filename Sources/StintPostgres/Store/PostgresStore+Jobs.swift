import StintCore

/// What people ask about jobs and queues, and do with them: each verb is one transaction with the verb of the same name.
extension PostgresStore {
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
        try await read { transaction in
            try await transaction.select(selection, selection.possibleStates, from: cursor, limit: limit).step
        }
    }

    public func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        try await self.change { try await $0.change(selection, change, from: cursor, limit: limit) }
    }

    // MARK: - Queues and groups

    public func configure(_ queue: QueueName, _ settings: QueueSettings) async throws {
        try settings.check()
        try await change { try await $0.configure(queue, settings) }
    }

    public func setWeight(_ weight: Int, ofGroup group: String, in queue: QueueName) async throws {
        try GroupStats.check(weight: weight, ofGroup: group)
        try await change { try await $0.setWeight(weight, ofGroup: group, in: queue) }
    }

    public func groups(of queue: QueueName, limit: Int) async throws -> [GroupStats] {
        try await read { try await $0.groups(of: queue, limit: max(0, limit)) }
    }

    public func queue(_ name: QueueName) async throws -> QueueDetails? { try await read { try await $0.queue(name) } }

    public func stats() async throws -> [QueueStats] { try await read { try await $0.stats() } }

    public func activity(of queues: [QueueName]?, last: Duration) async throws -> [QueueActivity] {
        try await read { try await $0.activity(of: queues, last: last) }
    }

    // MARK: - Jobs

    public func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage {
        try await read { try await $0.page(filter, after: cursor) }
    }

    public func count(_ query: JobQuery, after cursor: JobCursor?) async throws -> JobCount {
        try await read { try await $0.count(query, after: cursor) }
    }

    public func errorGroups(
        _ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?
    ) async throws -> ErrorGroupPage {
        try await read { try await $0.errorGroups(filter, after: cursor) }
    }

    public func job(_ id: JobID) async throws -> JobDetails? { try await read { try await $0.job(id) } }

    public func exportJobs(of queues: [QueueName]?, after id: JobID?, limit: Int) async throws -> ExportedJobs {
        try await read { try await $0.exportJobs(of: queues, after: id, limit: limit) }
    }

    public func importJobs(_ jobs: [StoredJob]) async throws -> ImportedJobs {
        try StoredJob.check(jobs)
        return try await change { try await $0.importJobs(jobs) }
    }

    public func failures(limit: Int) async throws -> [FailedJob] {
        try await read { try await $0.failures(limit: limit) }
    }

    public func deaths(limit: Int) async throws -> [FailedJob] { try await read { try await $0.deaths(limit: limit) } }
}
