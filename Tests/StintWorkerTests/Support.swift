import Foundation
import GRDB
import Logging
import ServiceLifecycle
import Stint
import StintCore
import StintPlatform
import Synchronization
import TestSupport
import Testing

struct Greeting: JobParameters {
    static let jobName = "greeting"
    var name: String
}

struct Oops: Error, CustomStringConvertible {
    var description = "oops"
}

/// Runs `body` with a queue on a real file that is removed after the test.
func withQueue(
    safetyLookInterval: Duration = .seconds(5), _ body: (JobQueue<SQLiteStore>) async throws -> Void
) async throws {
    let folder = try TemporaryFolder()
    var options = SQLiteStore.Options(durability: .normal)
    options.safetyLookInterval = safetyLookInterval
    let queue = try await JobQueue(.sqlite(folder.database, options: options))
    try await body(queue)
    for finding in try await queue.store.examine() { #expect(finding.isGood, "\(finding)") }
}

extension JobQueue where Store == SQLiteStore {
    func record(_ id: JobID) async throws -> JobRecord? { try await store.job(id)?.record }

    func counts(_ queue: QueueName = "q") async throws -> QueueStats {
        try #require(try await store.stats().first { $0.name == queue })
    }

    /// A worker on 'q' that ends when the queue is empty.
    func drainingWorker(_ change: (inout Worker.Options) -> Void = { _ in }) -> Worker {
        var options = Worker.Options()
        options.drains = true
        options.pollInterval = .milliseconds(5)
        change(&options)
        return Worker(self, queues: ["q"], options: options)
    }
}

/// Runs services until `body` is done with them, then stops them in order.
func running(_ services: [any Service], _ body: () async throws -> Void) async throws {
    let group = ServiceGroup(services: services, logger: Logger(label: "test"))
    let task = Task { try await group.run() }
    do {
        try await body()
    } catch {
        await group.triggerGracefulShutdown()
        throw error
    }
    await group.triggerGracefulShutdown()
    // A worker that does not stop must not outlast the time limit of its test.
    try await withTaskCancellationHandler {
        try await task.value
    } onCancel: {
        task.cancel()
    }
}

/// What handlers saw, in order.
final class Log<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])
    func append(_ element: Element) { elements.withLock { $0.append(element) } }
    var all: [Element] { elements.withLock { $0 } }
}

/// A door that handlers wait at until the test opens it; waiting ends with the task's cancellation too.
final class Door: Sendable {
    private let opened: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    /// How many handlers arrived that the test has not yet waited for.
    private let arrivals = Mutex(0)

    init() {
        (opened, continuation) = AsyncStream.makeStream()
    }

    func open() { continuation.finish() }

    /// For handlers.
    func wait() async throws {
        arrivals.withLock { $0 += 1 }
        for await _ in opened {}
        try Task.checkCancellation()
    }

    /// For the test: waits until this many handlers have arrived since the last call.
    func untilArrived(_ count: Int = 1) async throws {
        try await eventually("\(count) handlers are at the door") {
            arrivals.withLock { arrived in
                guard arrived >= count else { return false }
                arrived -= count
                return true
            }
        }
    }
}

extension SQLiteStore {
    /// Another program holds the write lock while `body` runs.
    func holdingWriteLock(_ body: () async throws -> Void) async throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .timeout(20)
        let other = try DatabaseQueue(path: path, configuration: configuration)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        do {
            try await body()
        } catch {
            try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
            throw error
        }
        try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    }

    /// How many leases were ever made.
    func leasesMade() async throws -> Int {
        let file = try DatabaseQueue(path: path)
        return try await file.read { database in
            try Int.fetchOne(database, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'stint_leases'") ?? 0
        }
    }
}

/// The machine's clock, which goes on and which a test can move forward. `TestClock` stands still.
final class LateClock: QueueClock {
    /// In milliseconds.
    let lateness = Atomic<Int64>(0)

    func now() -> ClockReading {
        var moment = SystemClock().now()
        moment.wall += lateness.load(ordering: .relaxed)
        moment.monotonic += lateness.load(ordering: .relaxed)
        return moment
    }
}
