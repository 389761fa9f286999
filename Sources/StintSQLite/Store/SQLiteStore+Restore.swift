import Dispatch
import StintCore

extension SQLiteStore {
    /// What ``restore(_:to:options:)`` did.
    public struct Restoration: Sendable {
        /// How many jobs the database has now, done ones that are kept included.
        public let jobs: Int
        /// How many of them were running when the backup was made. They are ready again, without a lost attempt.
        public let released: Int
        /// What was there before; `nil`: nothing.
        public let keptAside: String?
        /// Whether it is known which ids the old database gave out; otherwise a billion is left free.
        public let isOldOneRead: Bool
    }

    /// Puts a backup in the place of a database, which may be in use, broken, or missing.
    ///
    /// The backup is copied and checked first, all of it. Then it takes the place of the database in one step, and the old
    /// one is kept beside it with its log. Programs that have the old one open notice it with their next transaction, or
    /// within seconds, and fail with `databaseUnusable`; start them again, and they use the new one.
    ///
    /// Nobody holds a lease in the new database. Ids of jobs and fencing tokens go on behind the last ones of the old
    /// database, or, if it cannot be read, a billion behind those of the backup, so that none is given out twice.
    ///
    /// - Parameters:
    ///   - backup: A file made by ``backup(to:)``, or another whole copy. It is only read.
    ///   - destination: The database; its folder must exist.
    ///   - options: Its `permissions` count where there is no database yet, `migrations` always.
    /// - Throws: ``StintError``: `databaseUnusable` for a backup that is no Stint database, of a newer Stint, or not sound,
    ///   and for a destination that cannot be one; `databaseBusy` while somebody holds the old one's write lock. Nothing was
    ///   changed then.
    public static func restore(
        _ backup: String, to destination: String, options: Options = Options()
    ) async throws -> Restoration {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "stint.restore").async {
                continuation.resume(
                    with: Result {
                        try Restore(
                            source: DatabaseFile(path: backup), target: DatabaseFile(path: destination),
                            options: options
                        ).run()
                    })
            }
        }
    }
}
