import StintCore

/// A queue that a claim may take jobs from, with its limits: a row of `HotSQL.claimableQueue`.
struct ClaimableQueue {
    static let columns = """
        id, ready, leased, concurrency, rate_starts, rate_ms, group_concurrency, group_rate_starts, group_rate_ms, is_loose,
        is_fair, ungrouped, turn
        """

    let name: QueueName
    let id: Int64
    var ready: Int64
    var leased: Int64
    let limits: QueueLimits
    /// The group of the jobs without one; `nil`: no job of the queue ever had a group.
    let ungrouped: Int64?
    /// Where the groups' turn is.
    let turn: Int64
    /// How many jobs the claim may take from it.
    var room = 0
    /// How many jobs of a group it takes in a row if very many groups wait.
    var quantum = 1

    init(_ name: QueueName, _ row: Statement.Row) {
        self.name = name
        id = row.int(0)
        ready = row.int(1)
        leased = row.int(2)
        limits = QueueLimits(stored: row, from: 3)
        ungrouped = row.optionalInt(11)
        turn = row.int(12)
    }

    var hasGroups: Bool { ungrouped != nil }
    var takesTurns: Bool { hasGroups && limits.isFair }
}

extension QueueLimits {
    static let columns = """
        concurrency, rate_starts, rate_ms, group_concurrency, group_rate_starts, group_rate_ms, is_loose, is_fair
        """

    /// Reads the columns of ``columns``.
    init(stored row: Statement.Row, from first: Int32) {
        func rate(_ column: Int32) -> Rate? {
            guard let starts = row.optionalInt(column), let window = row.optionalInt(column + 1) else { return nil }
            return Rate(Int(clamping: starts), per: .milliseconds(window))
        }
        self.init()
        concurrency = row.optionalInt(first).map { Int(clamping: $0) }
        self.rate = rate(first + 1)
        groupConcurrency = row.optionalInt(first + 3).map { Int(clamping: $0) }
        groupRate = rate(first + 4)
        groupOrder = row.int(first + 6) == 0 ? .strict : .loose
        isFair = row.int(first + 7) != 0
    }
}
