import GRDB
import StintCore

/// A database that will be replaced.
struct ReplacedDatabase {
    /// The tables whose ids are never used again.
    static let tables = ["stint_jobs", "stint_leases", "stint_workers"]

    let file: DatabaseFile
    let options: SQLiteStore.Options

    /// The last ids that a database has given out.
    struct LastIDs {
        let byTable: [String: Int64]
        /// When the database was made that this one goes back to: copies and restored databases keep it.
        let origin: Int64?

        init(of database: Database) throws {
            let rows = try Row.fetchAll(database, sql: "SELECT name, seq FROM sqlite_sequence")
            byTable = Dictionary(rows.map { ($0["name"], $0["seq"]) }) { max($0, $1) }
            origin = try Int64.fetchOne(
                database, sql: "SELECT applied_at FROM stint_migrations ORDER BY version LIMIT 1")
        }
    }

    /// Runs `body` with the last ids that it has given out, while no process can write to it; with `nil` if there is
    /// none, or none that can be read.
    ///
    /// - Throws: What `body` throws; `invalidInput` if it is another program's database, and `databaseBusy`.
    func whileLocked<Value>(_ body: (_ lastIDs: LastIDs?) throws -> Value) throws -> Value {
        guard let connection = try connect() else { return try body(nil) }
        return try connection.runBlocking { database in
            let lastIDs: LastIDs
            do {
                try Statement("BEGIN IMMEDIATE", database).execute()
                lastIDs = try LastIDs(of: database)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                throw error
            } catch {
                rollBack(database)
                note(error)
                return try body(nil)
            }
            defer { rollBack(database) }
            return try body(lastIDs)
        }
    }

    private func connect() throws -> Connection? {
        guard file.size > 0 else { return nil }
        do {
            try WALOrigin(file: file).check()
            let connection = try SQLiteStore.connect(
                file, file.path, "restore.old", options, busyTimeout: .seconds(10))
            guard try connection.runBlocking({ try $0.tableExists("stint_jobs") }) else {
                throw StintError.invalidInput(
                    "\(quoted(file.path)) is a database of another program (it has no Stint tables), and is not replaced"
                )
            }
            return connection
        } catch let error as StintError where error.code == .databaseBusy || error.code == .invalidInput {
            throw error
        } catch {
            note(error)
            return nil
        }
    }

    private func rollBack(_ database: Database) {
        guard database.isInsideTransaction else { return }
        do { try database.rollback() } catch { options.logger.debug("after a restore: \(error)") }
    }

    private func note(_ error: any Error) {
        options.logger.debug("the database that is replaced cannot be read", metadata: ["error": "\(error)"])
    }
}
