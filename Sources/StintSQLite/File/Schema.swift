import GRDB
import StintCore
import StintPlatform
import StintSQLiteMigrations

/// Migrates a database to this Stint's schema, or reports why it cannot.
///
/// Applied migrations are kept in `stint_migrations` with their whole text. That is more than a checksum, and a person
/// can read which statements created the tables.
struct Schema {
    let file: String
    /// Whether another program's database may get Stint's tables, as an application's own does.
    let mayInstall: Bool
    /// The migrations that this Stint knows.
    let migrations: [Migration]

    /// Reads first and writes only if there is something to do; all in one transaction under the write lock.
    func prepare(_ database: Database) throws {
        try requireUTF8(database)
        guard try isNewer(than: try applied(database)) else { return }
        try database.inTransaction(.immediate) {
            // Another process may have been faster while this one waited for the lock.
            let applied = try applied(database)
            guard try isNewer(than: applied) else { return .rollback }
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS stint_migrations (
                        version    INTEGER PRIMARY KEY,
                        name       TEXT    NOT NULL,
                        sql        TEXT    NOT NULL,
                        applied_at INTEGER NOT NULL
                    ) STRICT
                    """)
            for migration in migrations.dropFirst(applied.count) {
                try database.execute(sql: migration.sql)
                try database.execute(
                    sql: "INSERT INTO stint_migrations (version, name, sql, applied_at) VALUES (?, ?, ?, ?)",
                    arguments: [migration.version, migration.name, migration.sql, SystemClock().now().wall])
            }
            return .commit
        }
    }

    /// Checks a backup, which may be from an older Stint.
    func checkIsStint(_ database: Database) throws {
        let applied = try applied(database)
        guard !applied.isEmpty else {
            throw StintError(
                .databaseUnusable, "\(quoted(file)) has no Stint tables: name a backup of a Stint database")
        }
        _ = try isNewer(than: applied)
    }

    /// Checks a database that cannot be written to.
    func checkCurrent(_ database: Database) throws {
        let applied = try applied(database)
        guard !applied.isEmpty, try !isNewer(than: applied) else {
            throw StintError(
                .databaseUnusable,
                "\(quoted(file)) \(applied.isEmpty ? "has no Stint tables" : "was made by an older Stint"), and may not be "
                    + "written to: copy it to where it may, or open it once as a user who may write to it")
        }
    }

    /// In a UTF-16 database a text has another length in bytes, and a text that becomes a payload in SQL has other
    /// bytes. SQLite fixes the encoding when it creates the file, so this can only be the database of another program.
    private func requireUTF8(_ database: Database) throws {
        let encoding = try String.fetchOne(database, sql: "PRAGMA encoding") ?? "unknown"
        guard encoding == "UTF-8" else {
            throw StintError(
                .databaseUnusable,
                "\(quoted(file)) keeps its text as \(encoding), and Stint needs UTF-8: copy it into a new file with "
                    + "`sqlite3 OLD .dump | sqlite3 NEW`, or keep the jobs in a file of their own")
        }
    }

    /// Repeats the check later on; it installs and migrates nothing.
    func checkStillKnown(_ database: Database) throws {
        let applied = try applied(database)
        guard applied.count <= migrations.count else {
            throw StintError(
                .databaseUnusable,
                "\(quoted(file)) was migrated by a newer Stint while this program had it open (schema \(applied.count), this "
                    + "one knows \(migrations.count)); nothing was changed: restart this program with that version")
        }
        _ = try isNewer(than: applied)
    }

    /// The texts of the applied migrations, oldest first.
    private func applied(_ database: Database) throws -> [String] {
        let tables = try String.fetchAll(database, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
        guard tables.contains("stint_migrations") else {
            guard mayInstall || tables.isEmpty else {
                throw StintError(
                    .databaseUnusable,
                    "\(quoted(file)) is an SQLite database of another program (it has no Stint tables): "
                        + "name another file", advice: .nameAnotherDatabase)
            }
            guard !tables.contains(where: { $0.hasPrefix("stint_") }) else {
                throw StintError(
                    .databaseUnusable,
                    "\(quoted(file)) has tables named stint_… that Stint did not make: rename them, or use another file"
                )
            }
            return []
        }
        return try String.fetchAll(database, sql: "SELECT sql FROM stint_migrations ORDER BY version")
    }

    private func isNewer(than applied: [String]) throws -> Bool {
        try Migration.isOlder(
            applied, than: migrations, quoted(file), remedy: ", or put a backup in its place (`stint restore`)")
    }
}
