import GRDB
import StintCore

extension SQLiteStore {
    /// Copies the database, as of one moment, into a new file, while it is in use. The copy appears whole or not at all.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` where the file exists, or `databaseUnusable` where it
    ///   cannot be made.
    public func backup(to destination: String) async throws {
        try await onOwnConnection("backup") { source in
            let file = DatabaseFile(path: destination)
            try file.checkIsNew()
            try file.create(orUseAnothers: false) { temporary in
                try translatingErrors(of: temporary) {
                    let target = try DatabaseQueue(path: temporary)
                    try target.writeWithoutTransaction { target in
                        try source.backup(to: target)
                        // So that the log of this database is never taken for the copy's.
                        try FileMark.makeOwn(target)
                    }
                    try target.close()
                }
            }
        }
    }
}
