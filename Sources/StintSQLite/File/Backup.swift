import GRDB
import StintCore

extension SQLiteStore {
    /// Copies the database, as of one moment, into a new file, while the database is in use. The copy appears whole or
    /// not at all.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` if the file exists, or `databaseUnusable` if it cannot be
    ///   created.
    public func backup(to destination: String) async throws {
        try await onOwnConnection("backup") { source in
            let file = DatabaseFile(path: destination)
            try file.checkIsNew()
            try file.create(orUseAnothers: false) { temporary in
                try translatingErrors(of: temporary) {
                    let target = try DatabaseQueue(path: temporary)
                    try target.writeWithoutTransaction { target in
                        try source.backup(to: target)
                        // This keeps SQLite from taking the log of this database for the copy's.
                        try FileMark.makeOwn(target)
                    }
                    try target.close()
                }
            }
        }
    }
}
