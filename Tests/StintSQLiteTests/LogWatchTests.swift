import Foundation
import GRDB
import Logging
import StintCore
import Testing

@testable import StintSQLite

@Suite("Commits of other processes are noticed", .timeLimit(.minutes(5)))
struct LogWatchTests {
    @Test("a commit that can be seen only long after the log was written to, as on a busy disk")
    func lateVisibility() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.resume("q")
        var signals = queue.store.wakeUps(in: ["q"]).makeAsyncIterator()
        // A transaction larger than the cache writes to the log long before its commit.
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: folder.database, configuration: configuration)
        let before = DatabaseFile(path: folder.database + "-wal").size
        try await other.writeWithoutTransaction { database in
            try SQLiteStore.prepareConnection(database)
            try database.execute(sql: "PRAGMA cache_size = 2; BEGIN IMMEDIATE")
            for _ in 0..<40 {
                try database.execute(
                    sql: "INSERT INTO stint_enqueue (queue, payload, delay_ms) VALUES ('q', zeroblob(9000), 3600000)")
            }
        }
        #expect(DatabaseFile(path: folder.database + "-wal").size > before, "nothing was written ahead")
        try await other.writeWithoutTransaction {
            try $0.execute(sql: "INSERT INTO stint_enqueue (queue, payload) VALUES ('q', 'x'); COMMIT")
        }
        while let next = await signals.next() { if next == .now { break } }
        #expect(try await queue.claim(1).map(\.payload) == [Array("x".utf8)])
    }

    @Test("where the kernel does not tell, by looking")
    func polling() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let watch = LogWatch(
            folder.path + "/no-such-log", signals: WakeUpSignals(), logger: Logger(label: "test")
        ) { queue.store.reader }
        var signals = watch.wakeUps(in: ["q"]).makeAsyncIterator()
        try await queue.enqueue(payload: [1], in: "q")
        while let next = await signals.next() { if next == .now { break } }
    }
}
