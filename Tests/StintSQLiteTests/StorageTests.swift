import Foundation
import GRDB
import GRDBSQLite
import StintCore
import Testing

@testable import StintSQLite

@Suite("Space on the disk")
struct StorageTests {
    /// The log's length in bytes.
    private func logSize(_ path: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int ?? 0
    }

    @Test("a claim, a failure and an ack do not rewrite the payload")
    func payloadIsWrittenOnce() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let large = [UInt8](repeating: 7, count: 4_000_000)
        try await queue.enqueue(payload: large, in: "q", options: JobOptions(maxAttempts: 2))
        let afterEnqueue = try logSize(folder.database)
        #expect(afterEnqueue > large.count)
        // What follows goes to a fresh log or behind; either way each transaction writes a few pages.
        var before = try await queue.store.writer.run { try Self.pagesWritten($0) }
        func pages() async throws -> Int {
            let now = try await queue.store.writer.run { try Self.pagesWritten($0) }
            defer { before = now }
            return now - before
        }
        let first = try await queue.claim()
        #expect(try await pages() < 20)
        _ = try await queue.store.settle(
            [Settlement(first[0].lease, .fail(error: "e", retryAfter: .zero))])
        #expect(try await pages() < 20)
        let second = try await queue.claim()
        #expect(second[0].payload == large)
        #expect(try await pages() < 20)
        _ = try await queue.store.settle([Settlement(second[0].lease, .bury(reason: "r"))])
        #expect(try await pages() < 20)
    }

    /// A connection that may hold a transaction open, like that of another program.
    private func otherProgram(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// SQLite's own count of the pages that this connection has written so far.
    private static func pagesWritten(_ database: Database) throws -> Int {
        var (current, highest): (CInt, CInt) = (0, 0)
        sqlite3_db_status(database.sqliteConnection, SQLITE_DBSTATUS_CACHE_WRITE, &current, &highest, 0)
        return Int(current)
    }

    @Test("the log is checkpointed: it stays bounded under load, and short when the load is over")
    func logIsBounded() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        var longest = 0
        for _ in 0..<60 {
            try await queue.enqueue(
                jobs: try (0..<100).map { _ in try NewJob([UInt8](repeating: 1, count: 5_000), in: "q") })
            try await queue.ack(try await queue.claim(100))
            longest = max(longest, try logSize(folder.database))
        }
        // 30 MB of payloads went through: a log that is never checkpointed would have them all.
        #expect(longest < 12_000_000)
    }

    @Test("a reader that stays open pins the log, and when it goes the log is checkpointed")
    func pinnedLog() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        try await queue.enqueue(payload: [1], in: "q")
        let reader = try otherProgram(folder.database)
        try await reader.writeWithoutTransaction { try $0.execute(sql: "BEGIN; SELECT * FROM stint_jobs") }
        func load() async throws {
            for _ in 0..<12 {
                try await queue.enqueue(
                    jobs: try (0..<100).map { _ in try NewJob([UInt8](repeating: 1, count: 5_000), in: "q") })
            }
        }
        try await load()
        #expect(try logSize(folder.database) > 6_000_000)
        try await reader.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        try await load()
        try await load()
        let before = try logSize(folder.database)
        try await load()
        try await load()
        #expect(try logSize(folder.database) <= before, "the log still grows")
        try await expectSound(queue.store)
    }

    @Test("draining and refilling uses free pages again")
    func freePagesAreUsed() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        func pages() async throws -> Int {
            try await queue.store.reader.run { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 }
        }
        var peaks: [Int] = []
        for _ in 0..<5 {
            for _ in 0..<5 {
                try await queue.enqueue(
                    jobs: try (0..<1_000).map { _ in try NewJob([UInt8](repeating: 1, count: 300), in: "q") })
            }
            peaks.append(try await pages())
            while true {
                let jobs = try await queue.claim(500)
                if jobs.isEmpty { break }
                try await queue.ack(jobs)
            }
        }
        #expect(Double(peaks.max()!) <= Double(peaks[0]) * 1.1, "\(peaks)")
    }

    @Test(
        "at its page limit (max_page_count) a database refuses an enqueue whole, reads and acks go on, and space brings all back"
    )
    func full() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let kept = try await queue.enqueue(payload: Array("kept".utf8), in: "q").id
        let limit = try await queue.store.writer.run { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(pages + 4)")
            return pages + 4
        }
        let before = try await queue.store.stats()
        let jobs = try (0..<50).map { _ in try NewJob([UInt8](repeating: 1, count: 10_000), in: "q") }
        let error = await #expect(throws: StintError.self) { try await queue.enqueue(jobs: jobs) }
        #expect(error?.code == .storageFailed)
        #expect(error?.description.contains("full") == true)
        #expect(try await queue.store.stats() == before, "a part of the enqueue stayed")
        #expect(try await queue.store.job(kept)?.payload == Array("kept".utf8))

        let job = try #require(try await queue.claim().first)
        try await queue.ack([job])

        try await queue.store.writer.run { try $0.execute(sql: "PRAGMA max_page_count = \(limit + 1_000)") }
        #expect(try await queue.enqueue(jobs: jobs).count == 50)
        try await expectSound(queue.store)
    }

    @Test(
        "a log of which a sync has failed, in another process, is written anew with the next write, and doctor says so")
    func logInDoubt() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        func log() async throws -> Finding {
            try #require(try await queue.store.examineSurroundings().first { $0.subject == "log" })
        }
        try await queue.enqueue(payload: [1], in: "q")
        #expect(try await log().isGood)
        let mark = folder.database + "-lock"
        try Data([0]).write(to: URL(filePath: mark))
        // It writes too, to measure how long that takes; that does not prove that it sees the mark.
        #expect(try await log().description.contains("the disk failed"))
        try await queue.enqueue(payload: [2], in: "q")
        let size = try FileManager.default.attributesOfItem(atPath: mark)[.size] as? Int
        #expect(size == 0)
        #expect(try await log().isGood)
        try await expectSound(queue.store)
    }

    @Test("the reserve is made with the first enqueue, and made whole again by another")
    func reserve() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let path = folder.database + "-reserve"
        func size() throws -> Int? { try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int }
        #expect(try size() == 0)
        try await queue.enqueue(payload: [1], in: "q")
        let whole = try #require(try size())
        #expect(whole == 4_194_304, "on a disk of less than 64 MiB it is smaller")
        #expect(truncate(path, 1_000_000) == 0)
        let finding = try #require(try await queue.store.examineSurroundings().first { $0.subject == "reserve" })
        #expect(finding.isGood && finding.description.contains("976 of 4096 KiB"))
        try await queue.ack(try await queue.claim())
        try await queue.enqueue(payload: [2], in: "q")
        #expect(try size() == whole)
        // It is really allocated, and not a hole.
        var facts = stat()
        #expect(stat(path, &facts) == 0 && Int(facts.st_blocks) * 512 >= whole)
    }

    @Test("a row that another program made unreadable is buried and stops nobody")
    func unreadableRow() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let bad = try await queue.enqueue(payload: [1], in: "q").id
        let good = try await queue.enqueue(payload: [2], in: "q").id
        try await queue.store.writer.run {
            try $0.execute(
                sql: "UPDATE stint_jobs SET headers = 'no colon here' WHERE id = ?", arguments: [bad.rawValue])
        }
        #expect(try await queue.claim(9).map(\.id) == [good])
        let stats = try #require(try await queue.store.stats().first)
        #expect(stats.buried == 1 && stats.leased == 1)
        // It can still be read, and shows why it was buried.
        let record = try #require(try await queue.store.list(JobFilter(state: .buried)).first)
        #expect(record.id == bad && record.reason?.contains("headers cannot be read") == true)
    }

    @Test("absurd numbers that another program wrote stop nobody")
    func absurdNumbers() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let id = try await queue.enqueue(payload: [1], in: "q").id
        for number in [Int64.max, Int64.min] {
            try await queue.store.writer.run {
                try $0.execute(sql: "UPDATE stint_ready SET attempts = ?1, crashes = ?1", arguments: [number])
            }
            let job = try #require(try await queue.claim().first)
            #expect(job.id == id)
            _ = try await queue.store.settle([Settlement(job.lease, .release(after: .zero))])
        }
    }

    @Test("an application that writes its own tables makes the log grow, and a reap takes it over")
    func applicationsLog() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        var configuration = Configuration()
        configuration.prepareDatabase { try SQLiteStore.prepareConnection($0, durability: .normal) }
        let application = try DatabaseQueue(path: folder.database, configuration: configuration)
        try await application.write { try $0.execute(sql: "CREATE TABLE notes (text BLOB)") }
        func write(_ megabytes: Int) async throws {
            for _ in 0..<megabytes {
                try await application.write { try $0.execute(sql: "INSERT INTO notes VALUES (zeroblob(1000000))") }
            }
        }
        try await write(20)
        #expect(try logSize(folder.database) > 20_000_000)
        _ = try await queue.reap()
        try await write(1)
        #expect(try logSize(folder.database) <= 16_777_216, "the log was not started again")
    }

    @Test("a lock that another program holds is an error after the timeout, and nothing was changed")
    func busy() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, options: .init(busyTimeout: .milliseconds(50))))
        try await queue.enqueue(payload: [1], in: "q")
        let other = try otherProgram(folder.database)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        let error = await #expect(throws: StintError.self) { try await queue.enqueue(payload: [2], in: "q") }
        #expect(error?.code == .databaseBusy)
        #expect(try await queue.store.stats().first?.ready == 1)
        try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        #expect(try await queue.claim(9).count == 1)
    }
}
