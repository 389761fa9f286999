import GRDB

/// All rows of Stint's tables, as text.
package struct Contents: Equatable {
    /// By table; the values of each row by column.
    package private(set) var tables: [String: [[String: String]]] = [:]

    /// - Throws: GRDB's errors.
    package init(of path: String) throws {
        let database = try DatabaseQueue(path: path, configuration: .waiting)
        tables = try database.read { database in
            let names = try String.fetchAll(
                database, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'stint_*'")
            return try Dictionary(uniqueKeysWithValues: names.map { ($0, try Self.rows(of: $0, database)) })
        }
        try database.close()
    }

    private static func rows(of table: String, _ database: Database) throws -> [[String: String]] {
        let columns = try String.fetchAll(database, sql: "SELECT name FROM pragma_table_info('\(table)')")
        let values = columns.map { "quote(\($0))" }.joined(separator: ", ")
        return try Row.fetchAll(
            database, sql: "SELECT \(values) FROM \(table) ORDER BY \(columns.joined(separator: ", "))"
        )
        .map { row in Dictionary(uniqueKeysWithValues: zip(columns, row.databaseValues.map { "\($0)" })) }
    }

    /// What is here and not in `later`, which may have more tables, columns and migrations.
    package func missing(in later: Contents) -> [String] {
        tables.sorted { $0.key < $1.key }.flatMap { table, rows -> [String] in
            guard let found = later.tables[table] else { return ["the table \(table)"] }
            let columns = Set(rows.first.map { $0.keys } ?? [:].keys)
            let kept = found.map { row in row.filter { columns.contains($0.key) } }
            let lost = rows.filter { !kept.contains($0) }.map { "\(table): \($0)" }
            return kept.count < rows.count || !lost.isEmpty
                ? lost + ["\(table): \(rows.count) rows, \(kept.count) left"] : []
        }
    }
}
