import Foundation
import Stint
import StintCore
import TestSupport
import Testing

@testable import StintSQLite
@testable import StintWorker

@Suite("A worker follows the order of a person", .timeLimit(.minutes(2)))
struct OrderTests {
    private func id(of queue: JobQueue<SQLiteStore>) async throws -> WorkerID {
        try await eventually("it has registered") { try await queue.workers().count == 1 }
        return try #require(try await queue.workers().first?.id)
    }

    /// One that no poll tells of anything soon.
    private func worker(_ queue: JobQueue<SQLiteStore>, batch: Int = 1) -> Worker {
        var options = Worker.Options()
        options.batch = batch
        options.pollInterval = .seconds(3_600)
        return Worker(queue, queues: ["q"], options: options)
    }

    @Test("a quiet one finishes its job, gives back what it has not started, and claims no more until it is told to")
    func quiet() async throws {
        try await withQueue(safetyLookInterval: .seconds(3_600)) { queue in
            let other = try await JobQueue(.sqlite(queue.store.path))
            let (door, started) = (Door(), Log<String>())
            var worker = worker(queue, batch: 10)
            worker.registerJob(Greeting.self) { job, _ in
                started.append(job.name)
                try await door.wait()
            }
            try await queue.enqueue(contentsOf: (0..<10).map { Greeting(name: "\($0)") }, in: "q")
            try await running([worker]) {
                try await door.untilArrived()
                #expect(try await queue.counts().leased == 10)
                let id = try await id(of: queue)
                try await other.order(.quiet, to: id)
                try await eventually("the others are given back") { try await queue.counts().ready == 9 }
                door.open()
                try await eventually("the job is done") { try await queue.counts().done == 1 }
                // An enqueue would wake a worker that claims.
                try await other.enqueue(Greeting(name: "late"), in: "q")
                #expect(try await queue.workers().first?.order == .quiet)
                #expect(started.all == ["0"])
                try await other.order(nil, to: id)
                try await eventually("all are done") { try await queue.counts().done == 11 }
            }
        }
    }

    @Test("an idle one is told within a second, without a poll: it stops, and is registered no more")
    func stopIdle() async throws {
        try await withQueue(safetyLookInterval: .seconds(3_600)) { queue in
            let other = try await JobQueue(.sqlite(queue.store.path))
            let worker = worker(queue)
            let run = Task { try await worker.work() }
            let id = try await id(of: queue)
            let before = ContinuousClock.now
            try await other.order(.stop, to: id)
            #expect(try await run.value == .dismissed)
            #expect(ContinuousClock.now - before < .seconds(10))
            #expect(try await queue.workers().isEmpty)
        }
    }

    @Test("one that is ordered to stop finishes its job within the grace period and starts no other")
    func stopBusy() async throws {
        try await withQueue { queue in
            let door = Door()
            var worker = worker(queue, batch: 10)
            worker.registerJob(Greeting.self) { _, _ in try await door.wait() }
            try await queue.enqueue(contentsOf: (0..<3).map { Greeting(name: "\($0)") }, in: "q")
            let run = Task { [worker] in try await worker.work() }
            try await door.untilArrived()
            try await queue.order(.stop, to: try await id(of: queue))
            try await eventually("the others are given back") { try await queue.counts().ready == 2 }
            door.open()
            #expect(try await run.value == .dismissed)
            let counts = try await queue.counts()
            #expect((counts.ready, counts.leased, counts.done) == (2, 0, 1))
            #expect(try await queue.list().jobs.allSatisfy { $0.attempts == 0 && $0.crashes == 0 })
        }
    }

    @Test("an order that came before the worker listened is followed")
    func early() async throws {
        try await withQueue { queue in
            var store = InterposedStore(base: queue.store)
            let ordered = Once()
            store.afterRegisterAsync = { id in
                if ordered() { try await queue.order(.stop, to: id) }
            }
            var options = Worker.Options()
            options.pollInterval = .seconds(3_600)
            let worker = Worker(JobQueue(store: store), queues: ["q"], options: options)
            let ending = try await worker.work()
            #expect(ending == .dismissed)
        }
    }

    @Test("a reaper goes on with an operation, whoever began it")
    func reaper() async throws {
        try await withQueue { queue in
            try await queue.enqueue(contentsOf: (0..<10).map { Greeting(name: "\($0)") }, in: "q")
            try await running([Reaper(queue, every: .milliseconds(10))]) {
                let operation = try await queue.begin(.bury(reason: "no"), on: JobSelection("q"))
                try await eventually("it has ended") { try await queue.operation(operation.id)?.state == .done }
            }
            #expect(try await queue.counts().buried == 10)
        }
    }
}
