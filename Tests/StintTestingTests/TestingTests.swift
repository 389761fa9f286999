import Stint
import StintCore
import StintTesting
import Testing

private struct SendReceipt: JobParameters, Equatable {
    static let jobName = "receipt.send"
    var order: Int
}

private struct NoConnection: Error {}

@Suite("A queue for tests")
struct TestingTests {
    private let queue = JobQueue.inMemory()

    private func worker(_ handler: @escaping @Sendable (SendReceipt, JobContext) async throws -> Void) -> Worker {
        var worker = Worker(queue, queues: ["mail"])
        worker.registerJob(SendReceipt.self, retry: .constant(.seconds(60)), handler: handler)
        return worker
    }

    @Test("returns what was enqueued of a type, in order, ready and delayed")
    func enqueued() async throws {
        try await queue.enqueue(SendReceipt(order: 7), in: "mail", delay: .seconds(5))
        try await queue.enqueue(SendReceipt(order: 8), in: "mail")
        try await queue.enqueue(payload: [1, 2], in: "mail")
        try await queue.enqueue(SendReceipt(order: 9), in: "other")
        #expect(
            try await queue.enqueued(SendReceipt.self, in: "mail") == [SendReceipt(order: 7), SendReceipt(order: 8)])
    }

    @Test("drain runs what is ready, also what handlers enqueue, and leaves what waits for a time")
    func drain() async throws {
        try await queue.enqueue(SendReceipt(order: 1), in: "mail")
        try await queue.enqueue(SendReceipt(order: 9), in: "mail", delay: .seconds(60))
        let worker = worker { [queue] job, _ in
            if job.order < 3 { try await queue.enqueue(SendReceipt(order: job.order + 1), in: "mail") }
        }
        #expect(try await queue.drain(worker) == DrainReport(done: 3, buried: 0, delayed: 1))
        queue.advance(by: .seconds(60))
        #expect(try await queue.drain(worker) == DrainReport(done: 1, buried: 0, delayed: 0))
    }

    @Test("a failed job runs again when its delay has passed, and no time passes for that")
    func retry() async throws {
        try await queue.enqueue(SendReceipt(order: 1), in: "mail")
        let worker = worker { _, context in
            if context.attempt == 1 { throw NoConnection() }
        }
        #expect(try await queue.drain(worker) == DrainReport(done: 0, buried: 0, delayed: 1))
        queue.advance(by: .seconds(59))
        #expect(try await queue.drain(worker).done == 0)
        queue.advance(by: .seconds(1))
        #expect(try await queue.drain(worker).done == 1)
    }

    @Test("limits and weights are set, what is not given stays, and the queue tells why a job waits")
    func limits() async throws {
        try await queue.setLimits(
            of: "mail", concurrency: 2, rate: .to(50, per: .seconds(1)), groupConcurrency: 1,
            groupRate: .to(9, per: .seconds(60)), groupOrder: .loose, fair: false)
        try await queue.setLimits(of: "mail", rate: .unlimited, groupOrder: .strict, fair: true)
        try await queue.setWeight(3, ofGroup: "acme", in: "mail")
        let details = try #require(try await queue.details(of: "mail"))
        var expected = QueueLimits()
        expected.concurrency = 2
        expected.groupConcurrency = 1
        expected.groupRate = Rate(9, per: .seconds(60))
        #expect(details.limits == expected && details.groups == 1)
        let options = JobOptions(group: "acme")
        let first = try await queue.enqueue(SendReceipt(order: 1), in: "mail", options: options).id
        let second = try await queue.enqueue(SendReceipt(order: 2), in: "mail", options: options).id
        let worker = worker { _, context in
            if context.attempt == 1 { throw NoConnection() }
        }
        // The first one fails, and its group waits for its retry.
        #expect(try await queue.drain(worker) == DrainReport(done: 0, buried: 0, delayed: 1))
        #expect(try await queue.waitReason(of: second) == .groupWaits(group: "acme", for: first))
        #expect(
            try await queue.groups(of: "mail") == [
                GroupStats(
                    name: "acme", weight: 3, ready: 1, running: 0, waitReason: .groupWaits(group: "acme", for: first))
            ])
        await #expect(throws: StintError.self) { try await queue.setLimits(of: "mail", concurrency: 0) }
        await #expect(throws: StintError.self) { try await queue.setWeight(1, ofGroup: "", in: "mail") }
        #expect(try await queue.details(of: "mail")?.limits == expected)
    }

    @Test("drain runs jobs that have become due, however late its worker begins")
    func due() async throws {
        let worker = worker { _, _ in }
        for order in 1...100 {
            try await queue.enqueue(SendReceipt(order: order), in: "mail", delay: .seconds(60))
            queue.advance(by: .seconds(60))
            #expect(try await queue.drain(worker).done == 1)
        }
    }

    @Test("drain does not wait for a job that a lost worker holds")
    func abandoned() async throws {
        for order in 1...2 { try await queue.enqueue(SendReceipt(order: order), in: "mail") }
        try await queue.abandonNextJob(in: "mail")
        #expect(try await queue.drain(worker { _, _ in }).done == 1)
    }

    @Test("drain ends with a worker that ends before nothing is left")
    func endsEarly() async throws {
        for order in 1...3 { try await queue.enqueue(SendReceipt(order: order), in: "mail") }
        var options = Worker.Options()
        options.recycling.maxJobs = 1
        var worker = Worker(queue, queues: ["mail"], options: options)
        worker.registerJob(SendReceipt.self) { _, _ in }
        #expect(try await queue.drain(worker).done == 1)
        #expect(try await queue.drain(worker).done == 1)
    }

    @Test("drain ends when the test is cancelled")
    func cancelled() async throws {
        try await queue.enqueue(SendReceipt(order: 1), in: "mail")
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let worker = worker { _, _ in
            start.yield()
            try await Task.sleep(for: .seconds(600))
        }
        let drain = Task { [queue] in try await queue.drain(worker) }
        for await _ in started { break }
        drain.cancel()
        await #expect(throws: CancellationError.self) { try await drain.value }
    }

    @Test("a job that crashes its process is buried after its crashes")
    func crash() async throws {
        let id = try await queue.enqueue(
            SendReceipt(order: 1), in: "mail", options: JobOptions(maxCrashes: 2)
        ).id
        #expect(try await queue.crashNextJob(in: "mail") == id)
        #expect(try await queue.crashNextJob(in: "mail", signal: "SIGKILL") == id)
        #expect(try await queue.crashNextJob(in: "mail") == nil)
        let job = try #require(try await queue.store.job(id))
        #expect(job.record.state == .buried && job.failures.last?.diagnostics?.signal == "SIGKILL")
    }

    @Test("a job that crashes its process is buried after as many attempts as its handler allows")
    func crashOfHandler() async throws {
        var worker = Worker(queue, queues: ["mail"])
        worker.registerJob(SendReceipt.self, retry: .immediate(maxAttempts: 1)) { _, _ in }
        let id = try await queue.enqueue(SendReceipt(order: 1), in: "mail").id
        #expect(try await queue.crashNextJob(in: "mail", of: worker) == id)
        let record = try #require(try await queue.job(id)?.record)
        #expect(record.state == .buried && record.reason?.contains("of the worker's 1") == true, "\(record)")
        // A job that the worker has no handler for has its own limit only.
        let other = try await queue.enqueue(payload: [1], in: "mail").id
        #expect(try await queue.crashNextJob(in: "mail", of: worker) == other)
        #expect(try await queue.job(other)?.record.state == .ready)
    }

    @Test("the second look of a reap at a living worker's lease passes on the queue's clock")
    func secondLook() async throws {
        let worker = WorkerRegistration(
            name: "w", process: WorkerProcess(name: "w", id: "w"), queues: ["mail"], concurrency: 1)
        let place = try await queue.store.register(worker, as: nil)
        try await queue.enqueue(SendReceipt(order: 1), in: "mail")
        let request = ClaimRequest(
            queues: ["mail"], limit: 1, lease: .seconds(30), worker: "w", registration: place.id)
        #expect(try await queue.store.claim(request).count == 1)
        queue.advance(by: .seconds(30))
        #expect(try await queue.reap() == ReapReport(requeued: 1))
    }

    @Test("a lease that is not extended ends, and the job is reclaimed")
    func lease() async throws {
        let id = try await queue.enqueue(SendReceipt(order: 1), in: "mail").id
        #expect(try await queue.abandonNextJob(in: "mail", lease: .seconds(20)) == id)
        #expect(try await queue.abandonNextJob(in: "mail") == nil)
        queue.advance(by: .seconds(19))
        #expect(try await queue.reap() == ReapReport())
        queue.advance(by: .seconds(1))
        #expect(try await queue.reap() == ReapReport(requeued: 1))
        let worker = worker { _, context in #expect(context.attempt == 1) }
        #expect(try await queue.drain(worker).done == 1)
    }
}
