import StintCore

@testable import StintPostgres

// Verbs that the store does not have yet. When this file has none any more, the conformance moves to Sources.

private func unfinished(_ verb: String = #function) -> StintError {
    StintError(.processFailed, "the PostgreSQL store has no \(verb) yet")
}

extension PostgresStore: JobStore {
    private func change(_ ids: [JobID], to change: JobChange) async throws {
        try await self.change { transaction in
            let all = ids.map(\.rawValue)
            let taken = try await transaction.take(all) { change.applies(to: $0.state) }
            for id in ids {
                if let other = taken.others[id.rawValue], !change.isDone(in: other.state) {
                    throw change.refusal(of: id, in: other.state)
                }
                if taken.taken[id.rawValue] == nil && taken.others[id.rawValue] == nil { throw StintError.notFound(id) }
            }
            for id in all {
                guard let job = taken.taken[id] else { continue }
                switch change {
                case .kick: try await transaction.makeWaiting([JobTransaction.Waiting(id: id, place: job.place)])
                case .runNow:
                    try await transaction.makeWaiting([
                        JobTransaction.Waiting(
                            id: id, place: job.place, attempts: job.attempts, crashes: job.crashes, suspect: job.suspect)
                    ])
                case .bury(let reason):
                    try await transaction.bury([
                        JobTransaction.Burial(
                            id: id, place: job.place, attempts: job.attempts, crashes: job.crashes, reason: reason)
                    ])
                case .cancel(let reason):
                    try await transaction.end([
                        JobTransaction.Ended(
                            id: id, place: job.place, state: .cancelled, attempts: job.attempts, crashes: job.crashes,
                            reason: reason)
                    ])
                case .delete: _ = try await transaction.run(JobTransaction.forget([id]))
                default: throw unfinished()
                }
            }
        }
    }

    public func kick(_ ids: [JobID]) async throws { try await change(ids, to: .kick) }
    public func bury(_ ids: [JobID], reason: String) async throws {
        try await change(ids, to: .bury(reason: reason))
    }
    public func cancel(_ ids: [JobID], reason: String) async throws {
        try await change(ids, to: .cancel(reason: reason))
    }
    public func delete(_ ids: [JobID]) async throws { try await change(ids, to: .delete) }
    public func runNow(_ ids: [JobID]) async throws { try await change(ids, to: .runNow) }

    public func configure(_ queue: QueueName, _ settings: QueueSettings) async throws {
        try settings.check()
        try await change { transaction in
            let id = try await transaction.queueID(queue)
            try await transaction.lock([id], exclusively: true)
            func set(_ column: String, _ value: PostgresValue) async throws {
                _ = try await transaction.run(
                    "UPDATE stint.queues SET \(column) = $2 WHERE id = $1", .int(id), value)
            }
            func set(_ column: String, _ limit: Limit<Int>?) async throws {
                if let limit { try await set(column, .int32(limit.value.map { Int32($0) })) }
            }
            func set(_ starts: String, _ window: String, _ limit: Limit<Rate>?) async throws {
                guard let limit else { return }
                try await set(starts, .int32(limit.value.map { Int32($0.starts) }))
                try await set(window, .int(limit.value?.window.milliseconds))
            }
            if let paused = settings.paused {
                try await set("paused", .bool(paused))
                try await set("pause_reason", .text(settings.pauseReason?.storable))
            }
            if let retention = settings.retention { try await set("retention_ms", .int(retention.milliseconds)) }
            try await set("concurrency", settings.concurrency)
            try await set("group_concurrency", settings.groupConcurrency)
            try await set("rate_starts", "rate_ms", settings.rate)
            try await set("group_rate_starts", "group_rate_ms", settings.groupRate)
            if let order = settings.groupOrder { try await set("is_loose", .bool(order == .loose)) }
            if let isFair = settings.isFair { try await set("is_fair", .bool(isFair)) }
            if settings.changesLimits {
                _ = try await transaction.run("UPDATE stint.groups SET resume_at = NULL WHERE queue_id = $1", .int(id))
            }
            transaction.change.wakes.insert(id)
        }
    }

    public func stats() async throws -> [QueueStats] {
        try await read { transaction in
            try await transaction.run(
                """
                SELECT s.name, s.ready, s.delayed, s.leased, s.buried, s.done, s.cancelled, s.expired, s.paused,
                       s.pause_reason, \(QueueLimits.columns)
                FROM stint.queue s JOIN stint.queues q ON q.id = s.id ORDER BY s.name
                """
            ).map { row in
                QueueStats(
                    name: QueueName(stored: try row.text(0)), ready: Int(try row.int(1)), delayed: Int(try row.int(2)),
                    leased: Int(try row.int(3)), buried: Int(try row.int(4)), done: Int(try row.int(5)),
                    cancelled: Int(try row.int(6)), expired: Int(try row.int(7)), paused: try row.bool(8),
                    pauseReason: try row.bool(8) ? try row.optionalText(9) : nil,
                    limits: try QueueLimits(stored: row, from: 10))
            }
        }
    }

    public func setWeight(_ weight: Int, ofGroup group: String, in queue: QueueName) async throws {
        try GroupStats.check(weight: weight, ofGroup: group)
        try await change { transaction in
            let id = try await transaction.groupID(group, in: try await transaction.queueID(queue))
            _ = try await transaction.run(
                "UPDATE stint.groups SET weight = $2 WHERE id = $1", .int(id), .int(Int64(weight)))
        }
    }

    public func groups(of queue: QueueName, limit: Int) async throws -> [GroupStats] { throw unfinished() }
    public func queue(_ name: QueueName) async throws -> QueueDetails? { throw unfinished() }

    public func job(_ id: JobID) async throws -> JobDetails? {
        try await read { transaction in
            guard
                let row = try await transaction.run(
                    """
                    SELECT id, queue, state, priority, attempts, max_attempts, crashes, max_crashes, suspect, content_type,
                           headers, payload_bytes::bigint, time_to_run_ms, unique_key, enqueued_at, run_at, worker, token,
                           lease_expires_at, buried_at, reason, done_at, "group", expires_at, cancelled_at, expired_at,
                           events, (SELECT payload FROM stint.jobs WHERE id = $1)
                    FROM stint.job WHERE id = $1
                    """, .int(id.rawValue)
                ).first
            else { return nil }
            var record = JobRecord(
                id: id, queue: QueueName(stored: try row.text(1)), state: JobState(rawValue: try row.text(2))!,
                priority: UInt32(clamping: try row.int(3)), attempts: Int(try row.int(4)),
                maxAttempts: Int(try row.int(5)), crashes: Int(try row.int(6)), maxCrashes: Int(try row.int(7)),
                suspect: try row.bool(8), contentType: try row.text(9),
                headers: Headers(readable: try row.optionalText(10)), payloadBytes: Int(try row.int(11)),
                timeToRunMilliseconds: try row.optionalInt(12), uniqueKey: try row.optionalText(13),
                enqueuedAt: try row.int(14))
            record.runAtMilliseconds = try row.optionalInt(15)
            record.worker = try row.optionalText(16)
            record.token = try row.optionalInt(17).map(FencingToken.init(rawValue:))
            record.leaseExpiresAtMilliseconds = try row.optionalInt(18)
            record.buriedAtMilliseconds = try row.optionalInt(19)
            record.reason = try row.optionalText(20)
            record.doneAtMilliseconds = try row.optionalInt(21)
            record.group = try row.optionalText(22)
            record.expiresAtMilliseconds = try row.optionalInt(23)
            record.cancelledAtMilliseconds = try row.optionalInt(24)
            record.expiredAtMilliseconds = try row.optionalInt(25)
            record.events = try row.optionalInt(26).map { Int($0) }
            let payload = try row.bytes(27)
            var events: [[UInt8]]?
            if record.events != nil {
                events = [payload]
                for event in try await transaction.run(
                    "SELECT payload FROM stint.events WHERE job_id = $1 ORDER BY id", .int(id.rawValue))
                {
                    events!.append(try event.bytes(0))
                }
            }
            let failures = try await transaction.run(
                """
                SELECT attempt, at, kind, error, worker, exit_code, signal, peak_memory_bytes, run_time_ms, standard_error
                FROM stint.failures WHERE job_id = $1 ORDER BY id
                """, .int(id.rawValue)
            ).map { row in
                let diagnostics = AttemptDiagnostics(
                    exitCode: try row.optionalInt(5).map { Int32(clamping: $0) }, signal: try row.optionalText(6),
                    peakMemoryBytes: try row.optionalInt(7), runTimeMilliseconds: try row.optionalInt(8),
                    standardError: try row.optionalText(9))
                return JobFailure(
                    attempt: Int(try row.int(0)), at: try row.int(1), kind: JobFailure.Kind(rawValue: try row.text(2))!,
                    error: try row.text(3), worker: try row.optionalText(4),
                    diagnostics: diagnostics == AttemptDiagnostics() ? nil : diagnostics)
            }
            return JobDetails(record: record, payload: payload, events: events, failures: failures)
        }
    }

    public func select(_ selection: JobSelection, from cursor: SelectionCursor?, limit: Int) async throws
        -> SelectionStep
    { throw unfinished() }
    public func change(_ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int)
        async throws -> SelectionStep
    { throw unfinished() }
    public func activity(of queues: [QueueName]?, last: Duration) async throws -> [QueueActivity] {
        throw unfinished()
    }
    public func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage { throw unfinished() }
    public func count(_ query: JobQuery, after cursor: JobCursor?) async throws -> JobCount { throw unfinished() }
    public func errorGroups(_ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?) async throws
        -> ErrorGroupPage
    { throw unfinished() }
    public func register(_ worker: WorkerRegistration, as id: WorkerID?) async throws -> RegisteredWorker {
        throw unfinished()
    }
    public func deregister(_ worker: WorkerID) async throws { throw unfinished() }
    public func leases(heldBy worker: WorkerID) async throws -> [HeldJob] { throw unfinished() }
    public func workers() async throws -> [WorkerRecord] { throw unfinished() }
    public func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport { throw unfinished() }
    public func requestRestart() async throws { throw unfinished() }
    public func latestRestartRequest() async throws -> Int64 { throw unfinished() }
    public func order(_ order: WorkerOrder?, to worker: WorkerID) async throws { throw unfinished() }
    public func order(of worker: WorkerID) async throws -> WorkerOrder? { throw unfinished() }
    public func failures(limit: Int) async throws -> [FailedJob] { throw unfinished() }
    public func deaths(limit: Int) async throws -> [FailedJob] { throw unfinished() }
    public func change(_ ids: [JobID], _ change: JobChange, by actor: String?) async throws { throw unfinished() }
    public func begin(_ operation: NewOperation) async throws -> BulkOperation { throw unfinished() }
    public func beginRestore(of operation: OperationID, by actor: String?) async throws -> BulkOperation {
        throw unfinished()
    }
    public func step(by driver: OperationDriver) async throws -> OperationStep { throw unfinished() }
    public func control(_ operation: OperationID, _ control: OperationControl) async throws -> BulkOperation {
        throw unfinished()
    }
    public func operation(_ id: OperationID) async throws -> BulkOperation? { throw unfinished() }
    public func operations(limit: Int, before id: OperationID?) async throws -> [BulkOperation] {
        throw unfinished()
    }
    public func setSchedule(_ schedule: Schedule) async throws -> ScheduleSetting { throw unfinished() }
    public func schedules() async throws -> [ScheduleRecord] { throw unfinished() }
    public func schedule(_ name: String) async throws -> ScheduleDetails? { throw unfinished() }
    public func changeSchedule(_ name: String, _ change: ScheduleChange) async throws { throw unfinished() }
    public func runSchedule(_ name: String) async throws -> Enqueued { throw unfinished() }
    public func tick() async throws -> TickReport { throw unfinished() }
    public func setWebhook(_ webhook: Webhook, keepsSecret: Bool) async throws -> WebhookSetting {
        throw unfinished()
    }
    public func webhooks() async throws -> [WebhookRecord] { throw unfinished() }
    public func webhook(_ name: String) async throws -> Webhook? { throw unfinished() }
    public func deleteWebhook(_ name: String) async throws { throw unfinished() }
    public func testWebhook(_ name: String) async throws -> Enqueued { throw unfinished() }
    public func notifyWebhooks() async throws -> Int { throw unfinished() }
    public func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) async throws { throw unfinished() }
}
