import Foundation
import GRDB
import Stint

/// The folder of a site, and the connections to the file in it that has the site's tables and the queue's.
struct SiteDatabase: Sendable {
    let folder: String
    let pool: DatabasePool
    let queue: JobQueue<SQLiteStore>

    var path: String { folder + "/community.db" }

    /// - Parameter folder: Created if it does not exist, for this user alone.
    init(folder: String) async throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        self.folder = folder
        queue = try await JobQueue(.sqlite(folder + "/community.db"))
        var configuration = Configuration()
        configuration.prepareDatabase { try SQLiteStore.prepareConnection($0) }
        pool = try DatabasePool(path: folder + "/community.db", configuration: configuration)
        try await pool.write { try Schema.create($0) }
    }
}
