import GRDB
import TestSupport

/// What another program does to Stint's tables, and to which jobs.
struct Corruption {
    /// The jobs whose own rows were changed; all others must come out of it.
    private(set) var touched: Set<Int64> = []
    /// Whether nothing is certain about any job: the schema itself, or the numbers that all new rows need, were
    /// changed.
    private(set) var touchesAll = false
    /// For a report.
    private(set) var statements: [String] = []

    /// The tables with the column that tells a row from the others.
    static let keys: [(table: String, key: String)] = [
        ("stint_queues", "id"), ("stint_jobs", "id"), ("stint_ready", "job_id"), ("stint_delayed", "job_id"),
        ("stint_leases", "token"), ("stint_leased", "job_id"), ("stint_buried", "job_id"), ("stint_done", "job_id"),
        ("stint_unique_keys", "job_id"), ("stint_failures", "id"), ("stint_workers", "id"),
        ("stint_digests", "job_id"), ("stint_events", "id"), ("stint_groups", "id"), ("stint_cancelled", "job_id"),
        ("stint_expired", "job_id"), ("stint_schedules", "id"), ("stint_error_groups", "error_group"),
        ("stint_webhooks", "id"), ("stint_webhook_states", "webhook_id"), ("stint_burials", "last"),
        ("stint_moves", "direction"), ("stint_move_notes", "note"), ("stint_forwarded", "job_id"),
    ]
    private static let states = ["stint_ready", "stint_delayed", "stint_leased", "stint_buried", "stint_done"]

    /// Changes one to four things.
    init(of database: Database, _ chance: inout SeededGenerator) throws {
        if chance.oneIn(4) { try loosen(database) }
        for _ in 0...chance.below(4) {
            // A change that breaks a constraint is one that no program can make.
            do {
                try database.inSavepoint {
                    try change(database, &chance)
                    return .commit
                }
            } catch let error as DatabaseError {
                statements.append("-- refused: \(error.message ?? "")")
            }
        }
    }

    /// Removes the types and `NOT NULL`, as a program may do that creates the tables again.
    private mutating func loosen(_ database: Database) throws {
        try database.execute(
            sql: """
                PRAGMA writable_schema = ON;
                UPDATE sqlite_schema SET sql = replace(replace(sql, 'NOT NULL', ''), 'STRICT, ', '')
                    WHERE type = 'table' AND name GLOB 'stint_*';
                UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')')
                    WHERE type = 'table' AND name GLOB 'stint_*';
                PRAGMA writable_schema = RESET;
                """)
        statements.append("-- without STRICT and NOT NULL")
    }

    private mutating func change(_ database: Database, _ chance: inout SeededGenerator) throws {
        switch chance.below(20) {
        case 0..<11: try setValue(database, &chance)
        case 11..<13: try delete(database, &chance)
        case 13..<15: try copyToAnotherState(database, &chance)
        case 15..<17: try addDangling(database, &chance)
        case 17: try setManyValues(database, &chance)
        case 18: try changeNumbers(database, &chance)
        default: try changeSchema(database, &chance)
        }
    }

    // MARK: - Changes

    private mutating func setValue(_ database: Database, _ chance: inout SeededGenerator) throws {
        let (table, key) = chance.pick(Self.keys)
        guard let row = try row(of: table, key, database, &chance) else { return }
        let column = chance.pick(try columns(of: table, database))
        let value = value(of: column.type, &chance)
        try touch(table, row, column.name, value, database)
        try run("UPDATE \(table) SET \(column.name) = \(value) WHERE \(key) = \(row)", database)
        try touch(table, row, column.name, value, database)
    }

    /// Writes the same nonsense in all rows of a column that must not harm any job.
    private mutating func setManyValues(_ database: Database, _ chance: inout SeededGenerator) throws {
        let (table, column) = chance.pick([
            ("stint_queues", "ready"), ("stint_queues", "delayed"), ("stint_queues", "leased"),
            ("stint_queues", "buried"), ("stint_queues", "done"), ("stint_leases", "jobs"), ("stint_leases", "shared"),
            ("stint_leases", "worker_id"), ("stint_workers", "concurrency"), ("stint_workers", "pid"),
            ("stint_workers", "seen"), ("stint_workers", "writes_through_supervisor"),
            ("stint_jobs", "enqueued_at"), ("stint_jobs", "max_attempts"),
        ])
        let value = Hostile.number(&chance)
        if column == "max_attempts" { touchesAll = true }
        try run("UPDATE \(table) SET \(column) = \(value)", database)
    }

    private mutating func delete(_ database: Database, _ chance: inout SeededGenerator) throws {
        let (table, key) = chance.pick(Self.keys)
        guard let row = try row(of: table, key, database, &chance) else { return }
        try touch(table, row, key, "", database)
        try run("DELETE FROM \(table) WHERE \(key) = \(row)", database)
    }

    private mutating func copyToAnotherState(_ database: Database, _ chance: inout SeededGenerator) throws {
        guard let job = try row(of: "stint_jobs", "id", database, &chance) else { return }
        try addState(
            chance.pick(Self.states), job, queue: "(SELECT queue_id FROM stint_jobs WHERE id = \(job))", database,
            &chance)
        touched.insert(job)
    }

    private mutating func addDangling(_ database: Database, _ chance: inout SeededGenerator) throws {
        let job: Int64 = chance.pick([0, -1, 999, .max, .min, 500_000])
        try addState(chance.pick(Self.states), job, queue: chance.pick(["1", "3", "4", "99", "-1"]), database, &chance)
        touched.insert(job)
    }

    private mutating func addState(
        _ table: String, _ job: Int64, queue: String, _ database: Database, _ chance: inout SeededGenerator
    ) throws {
        let number = Hostile.number(&chance)
        switch table {
        case "stint_ready":
            let priority = chance.pick(["(SELECT coalesce(max(priority), 0) FROM stint_jobs WHERE id = \(job))", "-1"])
            try run(
                """
                INSERT INTO stint_ready (queue_id, priority, job_id, attempts, crashes, suspect)
                VALUES (\(queue), \(priority), \(job), \(number), 0, 0)
                """, database)
        case "stint_delayed":
            try run("INSERT INTO stint_delayed VALUES (\(job), \(queue), \(number), 0, 0, 0, NULL, NULL, 0)", database)
        case "stint_leased":
            let token = chance.pick([
                "(SELECT min(token) FROM stint_leases)", "(SELECT max(token) FROM stint_leases)", "77",
            ])
            try run("INSERT INTO stint_leased VALUES (\(job), \(token), \(number), 0, 0, NULL, NULL, 0)", database)
        case "stint_buried":
            let group = chance.pick(["NULL", "7"])
            try run(
                "INSERT INTO stint_buried VALUES (\(job), \(queue), \(number), 0, 0, 'why', NULL, NULL, \(group), 0)",
                database)
        default: try run("INSERT INTO stint_done VALUES (\(job), \(queue), \(number), 0, 0, NULL)", database)
        }
    }

    /// The numbers from which ids and tokens are made.
    private mutating func changeNumbers(_ database: Database, _ chance: inout SeededGenerator) throws {
        let table = chance.pick(["stint_jobs", "stint_leases", "stint_workers"])
        let value = Hostile.number(&chance)
        if value > 1 << 60 { touchesAll = true }
        try run("UPDATE sqlite_sequence SET seq = \(value) WHERE name = '\(table)'", database)
    }

    private mutating func changeSchema(_ database: Database, _ chance: inout SeededGenerator) throws {
        touchesAll = true
        try run(
            chance.pick([
                "DROP VIEW stint_job", "DROP TABLE stint_failures", "DROP TABLE stint_ready",
                "DROP TABLE stint_workers",
                "DROP TABLE stint_leases", "ALTER TABLE stint_jobs DROP COLUMN headers",
                "DROP INDEX stint_delayed_due", "DELETE FROM stint_migrations",
                "UPDATE stint_migrations SET sql = CAST(x'FF00' AS TEXT) WHERE version = 2",
                "UPDATE stint_migrations SET version = \(Int64.max) WHERE version = 1",
                "CREATE TRIGGER foreign_trigger BEFORE DELETE ON stint_ready BEGIN SELECT RAISE(ABORT, 'no'); END",
                "CREATE TRIGGER foreign_trigger AFTER INSERT ON stint_leased BEGIN DELETE FROM stint_leased; END",
            ]), database)
    }

    // MARK: - Whom it touches

    private mutating func touch(
        _ table: String, _ row: Int64, _ column: String, _ value: String, _ database: Database
    ) throws {
        switch table {
        case "stint_jobs":
            touched.insert(row)
            if column == "id" { try touchID(value) }
        case "stint_ready", "stint_delayed", "stint_leased", "stint_buried", "stint_done", "stint_cancelled",
            "stint_expired":
            touched.insert(row)
            if column == "job_id", let job = Int64(value) { touched.insert(job) }
        case "stint_digests": touched.insert(row)
        case "stint_events":
            touched.formUnion(try Int64.fetchAll(database, sql: "SELECT job_id FROM stint_events WHERE id = \(row)"))
            if column == "job_id", let job = Int64(value) { touched.insert(job) }
        case "stint_leases" where ["token", "deadline", "queue_id"].contains(column):
            touched.formUnion(
                try Int64.fetchAll(database, sql: "SELECT job_id FROM stint_leased WHERE token = \(row)"))
            if column == "token" { try touchID(value) }
        case "stint_queues" where Self.decidesOnClaims(column):
            touched.formUnion(
                try Int64.fetchAll(database, sql: "SELECT id FROM stint_jobs WHERE queue_id = \(row)"))
        case "stint_workers" where column == "id": try touchID(value)
        // A key that is taken sends an enqueue away, which is what a key is for.
        default: break
        }
    }

    /// Whether a column of `stint_queues` decides whether jobs of the queue are claimed.
    private static func decidesOnClaims(_ column: String) -> Bool {
        [
            "id", "name", "paused", "concurrency", "rate_starts", "rate_ms", "group_concurrency", "group_rate_starts",
            "group_rate_ms", "is_loose", "is_fair", "ungrouped", "turn",
        ].contains(column)
    }

    /// SQLite gives no number after the largest.
    private mutating func touchID(_ value: String) throws {
        if let number = Int64(value), number > 1 << 60 { touchesAll = true }
    }

    // MARK: - SQL

    private mutating func run(_ sql: String, _ database: Database) throws {
        statements.append(sql)
        try database.execute(sql: sql)
    }

    private func row(of table: String, _ key: String, _ database: Database, _ chance: inout SeededGenerator) throws
        -> Int64?
    {
        let rows = try Int64.fetchAll(database, sql: "SELECT \(key) FROM \(table) ORDER BY \(key)")
        return rows.isEmpty ? nil : chance.pick(rows)
    }

    private func columns(of table: String, _ database: Database) throws -> [(name: String, type: String)] {
        try Row.fetchAll(database, sql: "SELECT name, type FROM pragma_table_info('\(table)')").map {
            ($0["name"], $0["type"])
        }
    }

    /// As SQL. Now and then of another type, which only a table without STRICT takes.
    private func value(of type: String, _ chance: inout SeededGenerator) -> String {
        func blob(_ bytes: [UInt8]) -> String {
            "x'" + bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + "'"
        }
        let type = chance.oneIn(5) ? chance.pick(["INTEGER", "TEXT", "BLOB", "REAL", "NULL"]) : type
        switch type {
        case "INTEGER": return "\(Hostile.number(&chance))"
        case "TEXT": return "CAST(\(blob(Hostile.text(&chance))) AS TEXT)"
        case "REAL": return chance.pick(["1e308", "-1e308", "9e999", "0.5", "9.3e18", "-0.0"])
        case "BLOB": return blob(Hostile.text(&chance))
        default: return "NULL"
        }
    }
}
