import Stint
import StintCore
import Synchronization
import TestSupport
import Testing

@testable import StintWorker

@Suite("Workers and the limits of queues and groups", .timeLimit(.minutes(2)))
struct LimitTests {
    /// Jobs that run now, and for each start how many ran then, itself included.
    private final class Gauge: Sendable {
        private struct Counts { var (running, starts): (Int, [Int]) = (0, []) }
        private let counts = Mutex(Counts())

        var starts: [Int] { counts.withLock { $0.starts } }

        func run(_ body: () async throws -> Void) async rethrows {
            counts.withLock {
                $0.running += 1
                $0.starts.append($0.running)
            }
            defer { counts.withLock { $0.running -= 1 } }
            try await body()
        }
    }

    @Test(
        "after a limit was lowered nothing starts over it, also of the jobs that were claimed ahead; they cost nothing",
        arguments: [QueueSettings(concurrency: .to(1)), QueueSettings(groupConcurrency: .to(1))])
    func lowered(settings: QueueSettings) async throws {
        try await withQueue { queue in
            let other = try await JobQueue(.sqlite(queue.store.path))
            try await queue.retain(.seconds(3_600), in: "q")
            let jobs = (0..<20).map { Greeting(name: "\($0)") }
            let ids = try await queue.enqueue(contentsOf: jobs, in: "q", options: JobOptions(group: "acme")).map(\.id)
            let (door, gauge) = (Door(), Gauge())
            var options = Worker.Options()
            (options.concurrency, options.batch) = (4, 20)
            var worker = Worker(queue, queues: ["q"], options: options)
            worker.registerJob(Greeting.self) { _, _ in try await gauge.run { try await door.wait() } }
            try await running([worker]) {
                try await door.untilArrived(4)
                #expect(try await queue.counts().leased == 20)
                try await other.store.configure("q", settings)
                door.open()
                try await eventually("all are done") { try await queue.counts().done == 20 }
            }
            #expect(gauge.starts == [1, 2, 3, 4] + Array(repeating: 1, count: 16))
            for id in ids {
                let record = try #require(try await queue.record(id))
                #expect(record.attempts == 1 && record.crashes == 0)
            }
        }
    }

    @Test(
        "a worker behind a limit sleeps, and starts the next job when another process ends one",
        arguments: [QueueSettings(concurrency: .to(1)), QueueSettings(groupConcurrency: .to(1))])
    func sleeps(settings: QueueSettings) async throws {
        try await withQueue { queue in
            let other = try await JobQueue(.sqlite(queue.store.path))
            try await queue.store.configure("q", settings)
            let jobs = (0..<3).map { Greeting(name: "\($0)") }
            try await queue.enqueue(contentsOf: jobs, in: "q", options: JobOptions(group: "acme"))
            let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(3_600), worker: "other:1")
            let held = try #require(try await other.store.claim(request).first)
            let (claims, started) = (Log<Int>(), Log<String>())
            var store = InterposedStore(base: queue.store)
            store.beforeExchange = { _, request in if let request { claims.append(request.limit) } }
            var options = Worker.Options()
            options.pollInterval = .seconds(600)
            var worker = Worker(JobQueue(store: store), queues: ["q"], options: options)
            worker.registerJob(Greeting.self) { job, _ in started.append(job.name) }
            try await running([worker]) {
                try await eventually("it has looked") { !claims.all.isEmpty }
                let end = ContinuousClock.now + .milliseconds(500)
                try await eventually("half a second is over") { ContinuousClock.now >= end }
                #expect(claims.all.count <= 2 && started.all.isEmpty)
                let looks = claims.all.count
                try await other.store.settle(Settlement(held.lease, .ack))
                try await eventually("it has run the others") { started.all.count == 2 }
                // At most one that finds nothing and one that finds a job, for each.
                #expect(claims.all.count <= looks + 4)
            }
        }
    }

    @Test("a worker behind a rate sleeps until its next start")
    func rate() async throws {
        try await withQueue { queue in
            try await queue.store.configure("q", QueueSettings(rate: .to(Rate(2, per: .milliseconds(400)))))
            try await queue.enqueue(contentsOf: (0..<6).map { Greeting(name: "\($0)") }, in: "q")
            let (claims, starts) = (Log<Int>(), Log<ContinuousClock.Instant>())
            var store = InterposedStore(base: queue.store)
            store.beforeExchange = { _, request in if request != nil { starts.append(.now) } }
            store.afterExchange = { _, exchange in claims.append(exchange.jobs.count) }
            var options = Worker.Options()
            options.pollInterval = .seconds(600)
            options.concurrency = 6
            var worker = Worker(JobQueue(store: store), queues: ["q"], options: options)
            let ran = Log<ContinuousClock.Instant>()
            worker.registerJob(Greeting.self) { _, _ in ran.append(.now) }
            try await running([worker]) {
                try await eventually("all have run") { ran.all.count == 6 }
            }
            #expect(claims.all.filter { $0 > 0 }.allSatisfy { $0 <= 2 })
            #expect(claims.all.count <= 20, "it does not poll")
            // A claim is between its call and its first handler, so the third job is claimed 400 ms after the first.
            #expect(ran.all[2] - starts.all[0] >= .milliseconds(400))
            #expect(ran.all[4] - starts.all[0] >= .milliseconds(800))
        }
    }
}
