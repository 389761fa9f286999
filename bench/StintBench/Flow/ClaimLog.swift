import Stint
import StintCore

/// Claims as the transactions that made them saw them: triggers write down each lease, in its own transaction.
struct ClaimLog {
    private let database: String

    /// Of a database that exists.
    init(_ database: String) throws {
        self.database = database
        try Self.connection(database).execute(
            """
            CREATE TABLE bench_claims (number INTEGER PRIMARY KEY, token INTEGER, at INTEGER, jobs INTEGER);
            CREATE TRIGGER bench_claims_insert AFTER INSERT ON stint_leases BEGIN
                INSERT INTO bench_claims (token, at, jobs) VALUES (NEW.token, NEW.deadline - NEW.duration_ms, NEW.jobs);
            END;
            """)
    }

    /// Also writes down where in the order of the claims the jobs of this group come: their enqueues, as a row without
    /// a token, and the lease of each.
    func follow(group: String) throws {
        try Self.connection(database).execute(
            """
            CREATE TABLE bench_jobs (token INTEGER, claims INTEGER);
            CREATE TRIGGER bench_jobs_ready AFTER INSERT ON stint_ready
            WHEN (SELECT name FROM stint_groups WHERE id = NEW.group_id) = '\(group)' BEGIN
                INSERT INTO bench_jobs VALUES (NULL, (SELECT coalesce(max(number), 0) FROM bench_claims));
            END;
            CREATE TRIGGER bench_jobs_leased AFTER INSERT ON stint_leased
            WHEN (SELECT name FROM stint_groups WHERE id = NEW.group_id) = '\(group)' BEGIN
                INSERT INTO bench_jobs VALUES (NEW.token, (SELECT max(number) FROM bench_claims));
            END;
            """)
    }

    /// The millisecond of each claimed job's claim, by the monotonic clock.
    func times() throws -> [Int64] {
        let connection = try Self.connection(database)
        let at = try connection.integers("SELECT at FROM bench_claims ORDER BY number")
        let jobs = try connection.integers("SELECT jobs FROM bench_claims ORDER BY number")
        return zip(at, jobs).flatMap { Array(repeating: $0, count: Int($1)) }.sorted()
    }

    /// After how many claims, counted from its enqueue, each job of the group was claimed: 1 for the next one.
    func claimsUntilClaimed() throws -> [Int] {
        let connection = try Self.connection(database)
        let before = try connection.integer("SELECT min(claims) FROM bench_jobs WHERE token IS NULL")
        return try connection.integers("SELECT claims FROM bench_jobs WHERE token IS NOT NULL ORDER BY claims")
            .map { Int($0 - before) }
    }

    private static func connection(_ path: String) throws -> SQLiteConnection {
        try SQLiteConnection(path, durability: .normal, busyTimeout: 30_000)
    }
}

extension [Int64] {
    /// The most of these sorted times in any window that begins with one of them and is shorter than this.
    func most(within length: Int64) -> Int {
        var (first, most) = (0, 0)
        for (index, time) in enumerated() {
            while time - self[first] >= length { first += 1 }
            most = Swift.max(most, index - first + 1)
        }
        return most
    }
}
