import Dispatch
import StintCore

extension SQLiteStore {
    /// What ``restore(_:to:options:)`` did.
    public struct Restoration: Sendable {
        /// The number of jobs in the database now, including the done ones that are kept.
        public let jobs: Int
        /// The number of jobs that were running when the backup was made. They are ready again, without a lost attempt.
        public let released: Int
        /// The path of the old database; `nil` if there was none.
        public let keptAside: String?
        /// Whether the ids that the old database gave out are known; otherwise a billion ids are left free.
        public let isOldOneRead: Bool
    }

    /// Replaces a database with a backup. The database may be in use, broken, or missing.
    ///
    /// The backup is first copied and checked completely. Then it takes the place of the database in one step, and the
    /// old one is kept beside it with its log. Programs that have the old one open notice this with their next
    /// transaction, or within seconds, and fail with `databaseUnusable`. Start them again, and they use the new one.
    ///
    /// The new database has no leases. Ids of jobs and fencing tokens continue behind the last ones of the old
    /// database, or, if it cannot be read, a billion behind those of the backup, so that none is given out twice.
    ///
    /// - Parameters:
    ///   - backup: A file made by ``backup(to:)``, or another whole copy. It is only read.
    ///   - destination: The database; its folder must exist.
    ///   - options: Its `permissions` count if there is no database yet, `migrations` always.
    /// - Throws: ``StintError``: `databaseUnusable` for a backup that is no Stint database, of a newer Stint, or not
    ///   sound, and for a destination that cannot be a database; `databaseBusy` while another process holds the old
    ///   one's write lock. Nothing was changed then.
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
