/// A step of a store's schema.
package struct Migration: Sendable {
    /// From 1, without gaps.
    package let version: Int
    package let name: String
    package let sql: String

    package init(_ version: Int, _ name: String, _ sql: [UInt8]) {
        self.version = version
        self.name = name
        self.sql = String(decoding: sql, as: UTF8.self)
    }

    /// Whether a database has yet to be migrated.
    ///
    /// - Parameters:
    ///   - applied: The texts of the migrations that it was made with, oldest first.
    ///   - database: What people call it.
    ///   - remedy: What else helps if it was made with another text, as the rest of a sentence.
    /// - Throws: ``StintError`` with the code `databaseUnusable` if it was made by a newer Stint, or with another text.
    package static func isOlder(
        _ applied: [String], than known: [Migration], _ database: String, remedy: String = ""
    ) throws -> Bool {
        guard applied.count <= known.count else {
            throw StintError(
                .databaseUnusable,
                "\(database) was made by a newer Stint (schema \(applied.count), this one knows \(known.count)): upgrade this "
                    + "program")
        }
        for (text, migration) in zip(applied, known) where text != migration.sql {
            throw StintError(
                .databaseUnusable,
                "\(database) was made with another text of the migration \(migration.name) than this Stint has: use the Stint "
                    + "that made it\(remedy)")
        }
        return applied.count < known.count
    }
}
