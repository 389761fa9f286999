import Foundation
import Stint
import StintCore
import StintPlatform
import TestSupport
import Testing

@testable import StintCore
@testable import StintSQLite
@testable import StintWorker

@Suite("After a cancel, a pause, a bury or a delete has returned, nothing of it starts", .timeLimit(.minutes(2)))
struct RevocationTests {
    /// A worker has claimed all of ten jobs ahead and runs the first one. Meanwhile `revoke` runs in another process,
    /// as far as the store can tell.
    private func whileFirstRuns(
        _ revoke: (JobQueue<SQLiteStore>, [JobID]) async throws -> Void
    ) async throws -> (started: [String], ids: [JobID], records: [JobRecord]) {
        var result: (started: [String], ids: [JobID], records: [JobRecord])?
        try await withQueue { queue in
            let other = try await JobQueue(.sqlite(queue.store.path))
            try await queue.retain(.seconds(3_600), in: "q")
            let ids = try await queue.enqueue(contentsOf: (0..<10).map { Greeting(name: "\($0)") }, in: "q").map(\.id)
            let (door, started) = (Door(), Log<String>())
            var options = Worker.Options()
            options.batch = 10
            var worker = Worker(queue, queues: ["q"], options: options)
            worker.registerJob(Greeting.self) { job, _ in
                started.append(job.name)
                try await door.wait()
            }
            try await running([worker]) {
                try await door.untilArrived()
                #expect(try await queue.counts().leased == 10)
                try await revoke(other, ids)
                door.open()
                try await eventually("the worker holds nothing") {
                    try await queue.store.list(JobFilter(queue: "q", state: .leased)).isEmpty
                }
            }
            result = (started.all, ids, try await queue.store.list(JobFilter(queue: "q")))
        }
        return try #require(result)
    }

    @Test("of a paused queue: what was claimed ahead is given back at no cost, and what runs is done")
    func pause() async throws {
        let after = try await whileFirstRuns { queue, _ in try await queue.pause("q") }
        #expect(after.started == ["0"])
        #expect(after.records.filter { $0.state == .done }.map(\.id) == [after.ids[0]])
        let rest = after.records.filter { $0.state == .ready }
        #expect(rest.count == 9 && rest.allSatisfy { $0.attempts == 0 && $0.crashes == 0 && !$0.suspect })
    }

    @Test("of buried and deleted jobs, and the others that were claimed with them run")
    func buryAndDelete() async throws {
        let after = try await whileFirstRuns { queue, ids in
            try await queue.store.bury([ids[2], ids[3]], reason: "no")
            try await queue.store.delete([ids[5]])
        }
        #expect(after.started == ["0", "1", "4", "6", "7", "8", "9"])
        #expect(after.records.filter { $0.state == .buried }.map(\.id) == Array(after.ids[2...3]))
        #expect(after.records.filter { $0.state == .done }.count == 7)
    }

    @Test("of cancelled jobs, whether one by one or by a selection")
    func cancel() async throws {
        let after = try await whileFirstRuns { queue, ids in
            try await queue.cancel([ids[2], ids[3]], reason: "no")
            #expect(try await queue.cancel(JobSelection("q", states: [.leased], enqueuedBefore: .now)) == 8)
        }
        #expect(after.started == ["0"])
        #expect(after.records.allSatisfy { $0.state == .cancelled })
    }

    @Test(
        "the handler of a running job is cancelled at once, not at the next heartbeat, and what it answers does not count",
        arguments: ["cancel", "delete", "bury"])
    func told(_ verb: String) async throws {
        try await withQueue { queue in
            let other = try await JobQueue(.sqlite(queue.store.path))
            try await queue.retain(.seconds(3_600), in: "q")
            let ids = try await queue.enqueue(contentsOf: [Greeting(name: "a"), Greeting(name: "b")], in: "q").map(\.id)
            let (door, ended, cancelled) = (Door(), Log<Duration>(), Log<String>())
            let start = ContinuousClock.now
            var options = Worker.Options()
            options.concurrency = 2
            options.lease = .seconds(600)
            var worker = Worker(queue, queues: ["q"], options: options)
            worker.registerJob(Greeting.self) { job, _ in
                do {
                    try await door.wait()
                } catch is CancellationError {
                    cancelled.append(job.name)
                    ended.append(ContinuousClock.now - start)
                }
            }
            try await running([worker]) {
                try await door.untilArrived(2)
                let before = ContinuousClock.now - start
                switch verb {
                case "cancel": try await other.cancel([ids[0]])
                case "delete": try await other.delete([ids[0]])
                default: try await other.bury([ids[0]], reason: "no")
                }
                try await eventually("the handler is told") { !cancelled.all.isEmpty }
                #expect(ended.all[0] - before < .seconds(2))
                door.open()
                try await eventually("the other one is done") { try await queue.counts().done == 1 }
            }
            #expect(cancelled.all == ["a"])
            #expect(try await queue.record(ids[1])?.state == .done)
            let states: [String: JobState] = ["cancel": .cancelled, "bury": .buried]
            #expect(try await queue.record(ids[0])?.state == states[verb])
        }
    }

    @Test("a queue that is paused and resumed loses nothing")
    func resume() async throws {
        let after = try await whileFirstRuns { queue, _ in
            try await queue.pause("q")
            try await queue.resume("q")
        }
        #expect(after.started.sorted() == (0..<10).map { "\($0)" })
        #expect(after.records.allSatisfy { $0.state == .done })
    }

    @Test(
        "a start is on the scoreboard before the mark is read: who revokes and then looks at the scoreboards knows all of them"
    )
    func order() async throws {
        try await withQueue { queue in
            let path = queue.store.path
            let notes = Log<Int>()
            var store = InterposedStore(base: queue.store)
            store.beforeRevocationsAreRead = {
                // As another process would see it at this moment.
                let scoreboards = Scoreboards(beside: path, clock: SystemClock())
                notes.append((1...9).reduce(0) { $0 + (scoreboards.read(WorkerID(rawValue: $1))?.started.count ?? 0) })
            }
            for name in ["1", "2", "3"] { try await queue.enqueue(Greeting(name: name), in: "q") }
            var options = Worker.Options()
            options.drains = true
            options.batch = 3
            let interposed = JobQueue(store: store)
            var worker = Worker(interposed, queues: ["q"], options: options)
            let before = Log<Int>()
            worker.registerJob(Greeting.self) { _, _ in before.append(notes.all.last ?? -1) }
            try await worker.run()
            #expect(before.all == [1, 1, 1], "with each start one job was on the scoreboard when the mark was read")
        }
    }
}
