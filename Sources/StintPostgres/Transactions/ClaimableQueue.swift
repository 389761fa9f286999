import StintCore

/// A queue that a claim may take jobs from, with its limits.
struct ClaimableQueue: Sendable {
    static let columns = "id, name, paused, has_groups, \(QueueLimits.columns)"

    let id: Int64
    let name: QueueName
    let isPaused: Bool
    let hasGroups: Bool
    let limits: QueueLimits
    /// How many jobs the claim may take from it.
    var room = 0

    init(_ row: PostgresRow) throws {
        id = try row.int(0)
        name = QueueName(stored: try row.text(1))
        isPaused = try row.bool(2)
        hasGroups = try row.bool(3)
        limits = try QueueLimits(stored: row, from: 4)
    }

    var takesTurns: Bool { hasGroups && limits.isFair }
    /// Whether a claim holds the queue's lock alone: it counts what runs, or moves turns.
    var isClaimedAlone: Bool { limits.isLimited || hasGroups }
}

extension QueueLimits {
    static let columns = """
        concurrency, rate_starts, rate_ms, group_concurrency, group_rate_starts, group_rate_ms, is_loose, is_fair
        """

    /// Reads the columns of ``columns``.
    init(stored row: PostgresRow, from first: Int) throws {
        func rate(_ column: Int) throws -> Rate? {
            guard let starts = try row.optionalInt(column), let window = try row.optionalInt(column + 1) else {
                return nil
            }
            return Rate(Int(clamping: starts), per: .milliseconds(window))
        }
        self.init()
        concurrency = try row.optionalInt(first).map { Int(clamping: $0) }
        self.rate = try rate(first + 1)
        groupConcurrency = try row.optionalInt(first + 3).map { Int(clamping: $0) }
        groupRate = try rate(first + 4)
        groupOrder = try row.bool(first + 6) ? .loose : .strict
        isFair = try row.bool(first + 7)
    }
}

extension JobTransaction {
    /// Queues by their names, each once; those that do not exist are left out.
    func queues(_ names: [QueueName]) async throws -> [ClaimableQueue] {
        let queues = try await run(
            "SELECT \(ClaimableQueue.columns) FROM stint.queues WHERE name = ANY ($1) ORDER BY id",
            .texts(names.map(\.description))
        ).map { try ClaimableQueue($0) }
        for queue in queues { newQueues[queue.name] = queue.id }
        return queues
    }

    /// The same by id.
    func queue(_ id: Int64) async throws -> ClaimableQueue? {
        try await run("SELECT \(ClaimableQueue.columns) FROM stint.queues WHERE id = $1", .int(id))
            .first.map { try ClaimableQueue($0) }
    }
}
