import StintCore
import StintSQLite
import Testing

@testable import StintWorker

@Suite("A worker claims ahead, and not more than is good for others", .timeLimit(.minutes(5)))
struct PrefetchTests {
    @Test(
        "it claims the next batch while half of the last one still waits, or all of it if jobs are short, so that handlers never wait for the store",
        arguments: [
            (Duration.zero, [4, 4, 4, 4, 4, nil]),
            // Four such jobs start within 240 ms, and more of them do not start within the 250 ms for which a job may wait.
            (.milliseconds(60), [4, 4, 4, nil, nil, nil]),
        ])
    func ahead(runTime: Duration, limits: [Int?]) async throws {
        try await withQueue { queue in
            try await queue.enqueue(jobs: try (0..<5).map { try NewJob([$0], in: "q") })
            let request = ClaimRequest(queues: ["q"], limit: 5, lease: .seconds(60), worker: "test:1")
            let jobs = try await queue.store.claim(request)
            try #require(jobs.count == 5)
            var options = Worker.Options()
            options.batch = 4
            let loop = WorkerLoop(Worker(queue, queues: ["q"], options: options))
            await loop.hold(Array(jobs.prefix(1)))
            #expect(await loop.claimRequest() == nil, "before it is known how long jobs take")
            await loop.ended(after: runTime)
            for (waiting, expected) in limits.enumerated() {
                await loop.hold(Array(jobs.prefix(waiting)))
                let next = await loop.claimRequest()
                #expect(next?.limit == expected, "with \(waiting) waiting")
                #expect(next == nil || next?.idleSlots == (waiting == 0 ? 1 : 0))
            }
        }
    }

    @Test("what it claimed ahead goes to another worker when a job takes longer than those before")
    func givesBack() async throws {
        try await withQueue { queue in
            let door = Door()
            var slow = Worker(queue, queues: ["q"])
            slow.registerJob(Greeting.self) { job, _ in if job.name == "slow" { try await door.wait() } }
            // Fast ones first, so that it claims ahead; the worker has all of them before the slow one starts.
            for name in ["1", "2", "3", "slow", "4", "5", "6"] {
                try await queue.enqueue(Greeting(name: name), in: "q")
            }
            let (stream, ran) = AsyncStream.makeStream(of: String.self)
            try await running([slow]) {
                try await door.untilArrived(1)
                var fast = Worker(queue, queues: ["q"])
                fast.registerJob(Greeting.self) { job, _ in ran.yield(job.name) }
                try await running([fast]) {
                    var names = stream.makeAsyncIterator()
                    for name in ["4", "5", "6"] { #expect(await names.next() == name) }
                }
                door.open()
            }
            #expect(try await queue.counts().done == 7)
        }
    }

    @Test("a batch is as large as what can be started in a part of the lease, as jobs took lately")
    func size() async throws {
        try await withQueue { queue in
            func limit(
                concurrency: Int, batch: Int? = nil, lease: Duration = .seconds(30), after runTime: Duration?
            ) async -> Int? {
                var options = Worker.Options()
                options.concurrency = concurrency
                options.batch = batch
                options.lease = lease
                let loop = WorkerLoop(Worker(queue, queues: ["q"], options: options))
                if let runTime { await loop.ended(after: runTime) }
                return await loop.claimRequest()?.limit
            }
            // Not known yet: the limit is what starts at once, or what the user sets.
            #expect(await limit(concurrency: 2, after: nil) == 2)
            #expect(await limit(concurrency: 2, batch: 10, after: nil) == 10)
            #expect(await limit(concurrency: 2, after: .zero) == 64)
            #expect(await limit(concurrency: 2, batch: 10, after: .zero) == 10)
            #expect(await limit(concurrency: 2, after: .milliseconds(50)) == 10)
            #expect(await limit(concurrency: 2, after: .seconds(60)) == 2)
            #expect(await limit(concurrency: 2, batch: 100, after: .seconds(60)) == 2)
            #expect(await limit(concurrency: 2, lease: .milliseconds(100), after: .milliseconds(1)) == 20)
            #expect(await limit(concurrency: 100, batch: 10, after: .zero) == 10)
        }
    }
}

extension WorkerLoop {
    func hold(_ jobs: [LeasedJob]) {
        backlog = Backlog()
        backlog.append(jobs)
    }

    func ended(after runTime: Duration) { pace.ended(after: runTime) }
}
