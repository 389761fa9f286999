import StintCore

/// What a transaction changes of the counts of a queue, and what happened in it; see `stint.tallies`.
struct Tally: Sendable, Equatable {
    /// Changes of the numbers of jobs in these states.
    var ready = 0
    var delayed = 0
    var leased = 0
    var buried = 0
    var activity = ActivityCounts()

    var isEmpty: Bool { self == Tally() }

    /// How long a row counts, in milliseconds.
    static let period: Int64 = 10_000

    /// The row of this connection. It is locked until the commit is on disk, so two connections must not have the same
    /// one: with one in sixteen, sixteen workers waited for one another. Those from -1 on are of others.
    static let slot = "-2 - pg_backend_pid() % 30000"

    /// The row of a time begins then.
    static func start(of time: Timestamp) -> Timestamp { time - (time % period + period) % period }

    /// Adds it to the row of these ten seconds and this connection.
    func statement(_ queue: Int64, at time: Timestamp) -> PostgresStatement {
        let numbers = [
            ready, delayed, leased, buried, activity.enqueued, activity.started, activity.done, activity.failed,
            activity.crashed, activity.lost, activity.buried, activity.cancelled, activity.expired,
            activity.timeInQueue.totalMilliseconds, activity.runTime.totalMilliseconds,
        ]
        return PostgresStatement(
            Self.add,
            [.int(queue), .int(Self.start(of: time))] + numbers.map { .int(Int64($0)) } + [
                .ints(activity.timeInQueue.counts.map(Int64.init)), .ints(activity.runTime.counts.map(Int64.init)),
            ])
    }

    static let numberColumns = """
        ready, delayed, leased, buried, enqueued, started, done, failed, crashed, lost, burials, cancelled, expired, waits_ms,
        runs_ms
        """
    /// The end of an INSERT INTO stint.tallies AS t of all columns.
    static let onConflict = """
        ON CONFLICT (queue_id, start, slot) DO UPDATE SET
            ready = t.ready + excluded.ready, delayed = t.delayed + excluded.delayed, leased = t.leased + excluded.leased,
            buried = t.buried + excluded.buried, enqueued = t.enqueued + excluded.enqueued,
            started = t.started + excluded.started, done = t.done + excluded.done, failed = t.failed + excluded.failed,
            crashed = t.crashed + excluded.crashed, lost = t.lost + excluded.lost, burials = t.burials + excluded.burials,
            cancelled = t.cancelled + excluded.cancelled, expired = t.expired + excluded.expired,
            waits_ms = t.waits_ms + excluded.waits_ms, runs_ms = t.runs_ms + excluded.runs_ms,
            waits = stint.add_counts(t.waits, excluded.waits), runs = stint.add_counts(t.runs, excluded.runs)
        """
    private static let add = """
        INSERT INTO stint.tallies AS t (queue_id, start, slot, \(numberColumns), waits, runs)
        VALUES ($1, $2, \(slot), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
        \(onConflict)
        """
}
