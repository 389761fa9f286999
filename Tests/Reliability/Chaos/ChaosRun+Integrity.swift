import GRDB

extension ChaosRun {
    /// What SQLite itself reports as wrong with the file.
    func integrity() throws -> [String] {
        try DatabaseQueue(path: database).inDatabase { database in
            try String.fetchAll(database, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
        }
    }
}
