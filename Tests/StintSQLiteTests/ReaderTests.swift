import Foundation
import StintCore
import Synchronization
import TestSupport
import Testing

@testable import StintSQLite

@Suite("Long reads delay no other call", .timeLimit(.minutes(5)))
struct ReaderTests {
    @Test("a worker's look does not wait for long reads, and another long read waits until one of them is over")
    func looks() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.enqueue(payload: [1], in: "q")
        let store = queue.store
        let begun = Counter()
        let over = DispatchSemaphore(value: 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<ReaderPool.limit {
                group.addTask {
                    try await store.read { _ in
                        begun.add()
                        over.wait()
                    }
                }
            }
            try await eventually("all readers are busy") { begun.value == ReaderPool.limit }
            #expect(try await store.nextReady(in: ["q"]) == .now)
            #expect(try await store.reap() == ReapReport())
            group.addTask {
                let ready = try await store.stats().first?.ready
                #expect(ready == 1)
            }
            for _ in 0..<ReaderPool.limit { over.signal() }
            try await group.waitForAll()
        }
        #expect(try await store.list(JobFilter()).count == 1)
    }

    @Test("a connection that cannot be opened is an error for its read alone")
    func cannotOpen() async throws {
        let folder = try TemporaryFolder()
        _ = try await JobQueue(.sqlite(folder.database))
        let tries = Counter()
        let pool = ReaderPool(BlockingExecutor.threads) {
            if tries.add().isMultiple(of: 2) {
                return try Connection(
                    folder.database, opening: folder.database, purpose: "test", durability: .normal,
                    busyTimeout: .seconds(1), readOnly: true)
            }
            throw StintError(.databaseUnusable, "no connection today")
        }
        let results = await withTaskGroup(of: Bool.self, returning: [Bool].self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do { return try await pool.run { _ in true } } catch { return false }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count == 20 && results.contains(true) && results.contains(false))
        #expect(try await pool.run { _ in true })
    }

    #if os(Linux)
        @Test("a backup and a look at the database's health open their connection on threads of their own")
        func ownThreads() async throws {
            let folder = try TemporaryFolder()
            let path = folder.database
            /// How often this process has the database open whenever work is handed to a thread.
            let open = TimesOpen()
            var options = SQLiteStore.Options()
            options.executors = { label, _ in
                .simulated { work in
                    open.note(label, Self.timesOpen(path))
                    Thread.detachNewThread(work)
                }
            }
            let store = try SQLiteStore(path: path, options: options)
            let before = Self.timesOpen(path)
            try await store.backup(to: path + ".copy")
            // SQLite keeps some files that it no longer needs open for a while.
            let later = Self.timesOpen(path)
            _ = try await store.examine()
            let seen = open.all
            #expect(seen["stint.backup"] == [before] && seen["stint.doctor"]?.first == later, "\(seen)")
        }

        private static func timesOpen(_ path: String) -> Int {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
            return files.count {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
            }
        }
    #endif

    private final class Counter: Sendable {
        private let count = Atomic(0)
        var value: Int { count.load(ordering: .relaxed) }
        @discardableResult func add() -> Int { count.add(1, ordering: .relaxed).newValue }
    }

    private final class TimesOpen: Sendable {
        private let times = Mutex<[String: [Int]]>([:])
        var all: [String: [Int]] { times.withLock { $0 } }
        func note(_ label: String, _ count: Int) { times.withLock { $0[label, default: []].append(count) } }
    }

    // MARK: - Lists

    @Test("a list ends where its records grow too long, and goes on there")
    func bytes() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let headers = try Headers(["x": String(repeating: "y", count: 60_000)])
        let count = 2 * JobFilter.maximumBytes / 60_000 + 5
        let job = try NewJob([], in: "q", options: JobOptions(headers: headers))
        try await queue.enqueue(jobs: Array(repeating: job, count: count))
        var (cursor, pages): (JobCursor?, [Int]) = (nil, [])
        repeat {
            let page = try await queue.store.page(JobFilter(queue: "q", limit: 1_000), after: cursor)
            pages.append(page.jobs.count)
            cursor = page.next
        } while cursor != nil
        #expect(pages.reduce(0, +) == count)
        #expect(pages.count == 3 && pages.allSatisfy { $0 * 60_000 <= JobFilter.maximumBytes + 60_200 }, "\(pages)")
    }

    @Test("a page has at most a thousand jobs, whatever was asked for")
    func rows() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        try await queue.enqueue(jobs: Array(repeating: try NewJob([], in: "q"), count: 1_500))
        let page = try await queue.store.page(JobFilter(limit: 1_000_000), after: nil)
        #expect(page.jobs.count == JobFilter.maximumLimit)
        let rest = try await queue.store.page(JobFilter(limit: 1_000_000), after: page.next)
        #expect(rest.jobs.map(\.id.rawValue) == Array(1_001...1_500) && rest.next == nil)
    }
}
