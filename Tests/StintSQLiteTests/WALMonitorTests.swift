import Foundation
import GRDB
import Logging
import StintCore
import Synchronization
import TestSupport
import Testing

@testable import StintSQLite

@Suite("Commits of other processes are noticed", .timeLimit(.minutes(5)))
struct WALMonitorTests {
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

    /// Watches a file that nothing is written to: the kernel reports nothing.
    private func deafMonitor(
        _ folder: borrowing TemporaryFolder, _ store: SQLiteStore,
        checkStillThere: @escaping @Sendable () throws -> Void = {}, onLook: @escaping @Sendable () -> Void = {}
    ) throws -> WALMonitor {
        let (silent, path) = (folder.path + "/silent", folder.database)
        #expect(FileManager.default.createFile(atPath: silent, contents: nil))
        return WALMonitor(
            silent, signals: WakeUpSignals(), logger: Logger(label: "test"), safetyInterval: .milliseconds(20),
            checkStillThere: checkStillThere, connect: { try Self.connect(path, onLook: onLook) })
    }

    private static func connect(_ path: String, onLook: @escaping @Sendable () -> Void) throws -> Connection {
        let connection = try Connection(
            path, opening: path, purpose: "test", durability: .normal, busyTimeout: .seconds(1), readOnly: true)
        connection.runBlocking { database in database.trace { if "\($0)".hasPrefix("BEGIN") { onLook() } } }
        return connection
    }

    @Test("a commit that the kernel did not report is found by the safety look, and so is a time that has come since")
    func unreported() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.resume("q")
        let watch = try deafMonitor(folder, queue.store)
        #expect(watch.safetyLookInterval == nil, "there is no thread that looks")
        var signals = watch.wakeUps(in: ["q"]).makeAsyncIterator()
        #expect(watch.safetyLookInterval == .milliseconds(20))
        while let next = await signals.next() { if next == .unknown { break } }
        try await queue.enqueue(payload: [1], in: "q", delay: .milliseconds(300))
        while let next = await signals.next() { if next == .now { break } }
        await watch.close()
        #expect(watch.safetyLookInterval == nil, "the thread has ended")
    }

    @Test("the safety look always reads the queues, also if nothing was committed since the last one")
    func safetyLooks() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.resume("q")
        let looks = Mutex(0)
        let watch = try deafMonitor(folder, queue.store, onLook: { looks.withLock { $0 += 1 } })
        let signals = watch.wakeUps(in: ["q"])
        try await eventually("it reads again and again") { looks.withLock { $0 } > 5 }
        await watch.close()
        var told = 0
        for await _ in signals { told += 1 }
        #expect(told <= 1, "a listener was woken although nothing has changed")
    }

    @Test("when the database is gone, the safety look wakes the workers, so that they notice it")
    func gone() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.resume("q")
        let isGone = Mutex(false)
        let watch = try deafMonitor(folder, queue.store) {
            if isGone.withLock(\.self) { throw StintError(.databaseUnusable, "gone") }
        }
        var signals = watch.wakeUps(in: ["q"]).makeAsyncIterator()
        while let next = await signals.next() { if next == .unknown { break } }
        isGone.withLock { $0 = true }
        #expect(await signals.next() == .now)
    }

    @Test("where the kernel does not tell, by looking")
    func polling() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let watch = WALMonitor(
            folder.path + "/no-such-log", signals: WakeUpSignals(), logger: Logger(label: "test"),
            safetyInterval: .seconds(3_600), checkStillThere: {}, connect: { try queue.store.reader })
        var signals = watch.wakeUps(in: ["q"]).makeAsyncIterator()
        try await queue.enqueue(payload: [1], in: "q")
        while let next = await signals.next() { if next == .now { break } }
    }

    @Test("the header of the shared memory changes with each commit by anybody, and with nothing else")
    func header() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        func header() async throws -> WALIndexHeader {
            try #require(try await queue.store.reader.run { WALIndexHeader(of: $0) })
        }
        try await queue.resume("q")
        let first = try await header()
        _ = try await queue.store.stats()
        #expect(try await header() == first)
        try await queue.enqueue(payload: [1], in: "q")
        let second = try await header()
        #expect(second != first)
        let other = try DatabaseQueue(path: folder.database)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE; ROLLBACK") }
        #expect(try await header() == second)
        try await other.writeWithoutTransaction { database in
            try SQLiteStore.prepareConnection(database)
            try database.execute(sql: "INSERT INTO stint_enqueue (queue, payload) VALUES ('q', 'x')")
        }
        #expect(try await header() != second)
    }

    @Test("looks while nothing is committed run no statement: the header of the shared memory is enough")
    func cheapLooks() async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        let queue = try await JobQueue(.sqlite(path))
        try await queue.resume("q")
        let begun = Mutex(0)
        let watch = WALMonitor(
            path + "-wal", signals: WakeUpSignals(), logger: Logger(label: "test"), safetyInterval: .seconds(3_600),
            checkStillThere: {}, connect: { try Self.connect(path) { begun.withLock { $0 += 1 } } })
        var signals = watch.wakeUps(in: ["q"]).makeAsyncIterator()
        while let next = await signals.next() { if next == .unknown { break } }
        // As in the test above: the log is written to, and nothing can be seen.
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: path, configuration: configuration)
        try await other.writeWithoutTransaction { database in
            try SQLiteStore.prepareConnection(database)
            try database.execute(sql: "PRAGMA cache_size = 2; BEGIN IMMEDIATE")
            for _ in 0..<40 {
                try database.execute(sql: "INSERT INTO stint_enqueue (queue, payload) VALUES ('q', zeroblob(9000))")
            }
        }
        let end = ContinuousClock.now + .milliseconds(300)
        try await eventually("300 ms are over") { ContinuousClock.now >= end }
        try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        while let next = await signals.next() { if next == .now { break } }
        #expect(begun.withLock { $0 } < 10)
    }

    @Test("looks after a write come at once, then less and less often, and go on for longer than a disk may take")
    func pace() {
        let start = ContinuousClock.now
        var pace = LookPace(writtenAt: start)
        var now = start
        var looks: [Duration] = []
        while let pause = pace.next(at: now) {
            switch pause {
            case .yield: now += .microseconds(1)
            case .microseconds(let time): now += .microseconds(Int(time))
            case .milliseconds(let time): now += .milliseconds(Int(time))
            }
            looks.append(now - start)
        }
        #expect(looks.filter { $0 < .milliseconds(1) }.count > 30)
        #expect(looks.count < 250)
        // No commit is found later than an eighth of that time later than it could have been.
        for (one, next) in zip(looks, looks.dropFirst()) where one > .milliseconds(8) {
            #expect(next - one <= one / 8 + .milliseconds(1))
        }
        #expect(looks.last! >= .seconds(19))
        // What follows a commit that was found is not awaited without sleep.
        pace.written(at: now)
        #expect(pace.found(isNews: true, at: now) == LookPace.rest)
        #expect(pace.next(at: now) == .milliseconds(10))
    }

    @Test("commits that follow each other and bring nothing are looked for less often, until one brings something")
    func fruitless() {
        var now = ContinuousClock.now
        var pace = LookPace(writtenAt: now)
        func rest(isNews: Bool, after pause: Duration) -> Duration {
            now += pause
            pace.written(at: now)
            return pace.found(isNews: isNews, at: now)
        }
        let rests = (0..<20).map { _ in rest(isNews: false, after: .milliseconds(10)) }
        #expect(rests.first == LookPace.rest && rests.last == LookPace.longRest)
        #expect(rest(isNews: true, after: .milliseconds(10)) == LookPace.rest)
        for _ in 0..<20 { _ = rest(isNews: false, after: .milliseconds(10)) }
        #expect(rest(isNews: false, after: .milliseconds(200)) == LookPace.rest)
        // Commits that come now and then are found at once.
        for _ in 0..<20 { #expect(rest(isNews: false, after: .milliseconds(150)) == LookPace.rest) }
    }

    @Test("who has heard that nothing is known to come does not hear it again, and hears all else")
    func repeated() async throws {
        let clock = TestClock()
        let signals = WakeUpSignals(clock: clock)
        var stream = signals.stream(["q"]).makeAsyncIterator()
        var told: [NextReady] = []
        let time = clock.now().wall + 5
        for next in [NextRun.unknown, .at(time), .at(time), .unknown, .unknown, .now, .now, .at(0), .unknown] {
            let isRepeated = next == .unknown && told.last == .unknown
            #expect(signals.send { _ in next } == !isRepeated)
            if isRepeated { continue }
            told.append(try #require(await stream.next()))
        }
        let later = NextReady.after(.milliseconds(5))
        #expect(told == [.unknown, later, later, .unknown, .now, .now, .now, .unknown])
    }
}
