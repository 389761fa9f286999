import GRDB
import StintCore
import StintSQLiteMigrations
import Synchronization

/// Notices that a newer Stint has migrated the database while this process had it open. What this process would write
/// from then on could be wrong, so it is refused, as it would be at opening. It also checks that the file still exists.
final class SchemaWatch: Sendable {
    private let schema: Schema
    let file: FileWatch
    /// SQLite's own number of the schema, which changes whenever a program creates or changes a table.
    private let checked = Mutex<Int64?>(nil)

    init(_ schema: Schema, _ file: FileWatch) {
        self.schema = schema
        self.file = file
    }

    /// Checks within a transaction, on any connection to the file.
    ///
    /// - Throws: ``StintError`` with the code `databaseUnusable`.
    func check(_ database: Database) throws {
        try file.check()
        let version = try Statement("PRAGMA schema_version", database).first { $0.int(0) }
        guard checked.withLock({ $0 != version }) else { return }
        try schema.checkStillKnown(database)
        checked.withLock { $0 = version }
    }
}
