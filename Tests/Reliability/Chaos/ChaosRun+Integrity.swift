import GRDB
import StintSQLite

extension ChaosRun {
    /// What `stint doctor`, and SQLite itself, report as wrong with the file.
    func integrity() async throws -> [String] {
        let findings = try await SQLiteStore(path: database).examine().filter { !$0.isGood }
        let damages = try await DatabaseQueue(path: database, configuration: .waiting).read { database in
            try String.fetchAll(database, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
        }
        return findings.map { "\($0.subject): \($0.description)" } + damages
    }
}
