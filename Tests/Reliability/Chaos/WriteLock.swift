import Foundation
import GRDB

/// The write lock of a database, held by somebody who knows no gate and changes nothing.
struct WriteLock {
    private let database: DatabaseQueue

    /// Waits for it.
    init(of path: String) async throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let deadline = ContinuousClock.now + .seconds(90)
        // SQLite's own handler soon sleeps for 100 ms at a time, and never gets its turn under load.
        configuration.busyMode = .callback { _ in
            usleep(500)
            return ContinuousClock.now < deadline
        }
        database = try DatabaseQueue(path: path, configuration: configuration)
        try await database.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            try $0.execute(sql: "BEGIN IMMEDIATE")
        }
    }

    func release() async throws {
        try await database.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try database.close()
    }
}
