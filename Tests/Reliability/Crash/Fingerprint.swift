import Foundation
import GRDB

/// The whole contents of a database as text to compare: every row of Stint's tables and of the application's, without
/// the time of migrations, which is the machine's own.
package struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    /// One line for each row, after one line for its table. `nil` if there is no file.
    private let lines: [String]?

    /// Reads it without Stint. The file is complete by itself, or its log is beside it.
    package init(of path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            lines = nil
            return
        }
        let database = try DatabaseQueue(path: path, configuration: .waiting)
        lines = try database.inDatabase { database in
            let tables = try String.fetchAll(
                database,
                sql: """
                    SELECT name FROM sqlite_schema WHERE type = 'table' AND (name = 'sqlite_sequence'
                        OR name NOT LIKE 'sqlite%') AND name <> 'stint_file' -- a token by chance
                    ORDER BY name
                    """)
            return try tables.flatMap { table in
                let columns = try database.columns(in: table).map(\.name).filter { $0 != "applied_at" }
                let row = columns.map { "quote(\($0))" }.joined(separator: " || '|' || ")
                return ["\(table) (\(columns.joined(separator: "|")))"]
                    + (try String.fetchAll(database, sql: "SELECT \(row) FROM \(table) ORDER BY 1"))
            }
        }
        try database.close()
    }

    package var description: String { lines.map { "\($0.count) lines" } ?? "no file" }

    /// The difference between two of them, for people.
    package func difference(from other: Fingerprint) -> String {
        guard let lines, let others = other.lines else { return "\(self) instead of \(other)" }
        return lines.difference(from: others).prefix(20).map { change in
            switch change {
            case .insert(_, let line, _): "+ \(line.prefix(200))"
            case .remove(_, let line, _): "- \(line.prefix(200))"
            }
        }.joined(separator: "\n")
    }
}

/// What the files of a ``ScriptedWorkload`` hold at one moment.
package struct Fingerprints: Hashable, Sendable {
    package let files: [Fingerprint]

    package init(in folder: String) throws {
        files = try ScriptedWorkload.files.map { try Fingerprint(of: "\(folder)/\($0)") }
    }
}
