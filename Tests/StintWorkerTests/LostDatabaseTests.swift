import Foundation
import Logging
import ServiceLifecycle
import Stint
import StintCore
import Testing

@Suite("An embedded worker whose database is deleted", .timeLimit(.minutes(2)))
struct LostDatabaseTests {
    private func withLostQueue(
        _ body: (_ queue: JobQueue<SQLiteStore>, _ lose: () throws -> Void) async throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory() + "stint-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let queue = try await JobQueue(.sqlite(folder + "/stint.db"))
        try await body(queue) { try remove(folder) }
    }

    /// A file may come into it meanwhile; then again.
    private func remove(_ folder: String) throws {
        for _ in 0..<100 where FileManager.default.fileExists(atPath: folder) {
            do { try FileManager.default.removeItem(atPath: folder) } catch { continue }
        }
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test("lets its handlers finish and throws out of run()")
    func worker() async throws {
        try await withLostQueue { queue, lose in
            try await queue.enqueue(Greeting(name: "x"), in: "q")
            let (door, finished) = (Door(), Log<Int>())
            var options = Worker.Options()
            options.pollInterval = .milliseconds(20)
            var worker = Worker(queue, queues: ["q"], options: options)
            worker.registerJob(Greeting.self) { _, _ in
                try await door.wait()
                finished.append(1)
            }
            let task = Task { [worker] in try await worker.run() }
            try await door.untilArrived(1)
            try lose()
            door.open()
            let error = await #expect(throws: StintError.self) { try await task.value }
            #expect(error?.code == .databaseUnusable)
            #expect(finished.all == [1])
        }
    }

    @Test("in a service group ends the group with the reason, and so does a reaper")
    func group() async throws {
        for isReaper in [false, true] {
            try await withLostQueue { queue, lose in
                var options = Worker.Options()
                options.pollInterval = .milliseconds(20)
                let service: any Service =
                    isReaper
                    ? Reaper(queue, every: .milliseconds(20)) : Worker(queue, queues: ["q"], options: options)
                let group = ServiceGroup(services: [service], logger: Logger(label: "test"))
                let task = Task { try await group.run() }
                try await queue.enqueue(payload: [1], in: "other")
                try lose()
                let error = await #expect(throws: StintError.self) { try await task.value }
                #expect(error?.code == .databaseUnusable)
            }
        }
    }
}
