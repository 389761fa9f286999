import Stint
import StintCore
import StintSQLite
import TestSupport
import Testing

@testable import StintCore
@testable import StintWorker

@Suite("A worker holds no more bytes than it may, and one job in any case", .timeLimit(.minutes(2)))
struct WorkerBytesTests {
    private static let kilobyte = 1_024

    private func worker(
        _ queue: JobQueue<SQLiteStore>, _ handler: @escaping @Sendable (JobContext) async throws -> Void
    ) -> Worker {
        var options = Worker.Options()
        options.concurrency = 8
        options.batch = 64
        options.budget = ByteBudget(bytes: 1_000 * Self.kilobyte)
        var worker = Worker(queue, queues: ["q"], options: options)
        worker.registerOthers(handler: handler)
        return worker
    }

    @Test("what runs and what waits counts, and in the end all run once")
    func runningAndWaiting() async throws {
        try await withQueue { queue in
            let payload = [UInt8](repeating: 7, count: 400 * Self.kilobyte)
            for _ in 0..<12 { try await queue.enqueue(payload: payload, in: "q") }
            let (door, ran) = (Door(), Log<JobID>())
            let worker = worker(queue) { context in
                try await door.wait()
                ran.append(context.id)
            }
            try await running([worker]) {
                // Two fit into the budget, and a third one exceeds it.
                try await door.untilArrived(3)
                try await eventually("it has given back the rest") { try await queue.counts().leased == 3 }
                let leases = try await queue.store.leasesMade()
                try await queue.enqueue(payload: [1], in: "other")
                #expect(try await queue.store.leasesMade() == leases, "and it does not try again and again")
                door.open()
                try await eventually("all ran") { try await queue.counts().done == 12 }
            }
            #expect(Set(ran.all).count == 12 && ran.all.count == 12)
        }
    }

    @Test("a job larger than the budget runs too")
    func largeOne() async throws {
        try await withQueue { queue in
            let payload = [UInt8](repeating: 7, count: 3_000 * Self.kilobyte)
            for _ in 0..<3 { try await queue.enqueue(payload: payload, in: "q") }
            let (door, highest) = (Door(), Log<Int>())
            let worker = worker(queue) { _ in
                highest.append(try await queue.counts().leased)
                try await door.wait()
            }
            try await running([worker]) {
                try await door.untilArrived(1)
                try await eventually("the others were given back") { try await queue.counts().leased == 1 }
                door.open()
                try await eventually("all ran") { try await queue.counts().done == 3 }
            }
        }
    }

    @Test("after large jobs it claims few at once, and soon as many as before where none comes any more")
    func adapts() async throws {
        try await withQueue { queue in
            let loop = WorkerLoop(worker(queue) { _ in })
            await loop.ended(after: .zero)
            #expect(await loop.claimRequest()?.limit == 64)
            await loop.rememberSize(of: [job(400 * Self.kilobyte)])
            #expect(await loop.claimRequest()?.limit == 2)
            await loop.rememberSize(of: [job(3_000 * Self.kilobyte)])
            #expect(await loop.claimRequest()?.limit == 1)
            for _ in 0..<20 { await loop.rememberSize(of: [job(100)]) }
            #expect(await loop.claimRequest()?.limit == 64)
        }
    }

    @Test("follow-up jobs that wait to be enqueued count, and are not kept waiting")
    func followUps() async throws {
        try await withQueue { queue in
            var options = Worker.Options()
            options.ackDelay = .seconds(3_600)
            options.concurrency = 2
            options.budget = ByteBudget(bytes: 1_000)
            let loop = WorkerLoop(Worker(queue, queues: ["q"], options: options))
            func finish(_ bytes: Int) async throws {
                let followUp = try NewJob([UInt8](repeating: 0, count: bytes), in: "q")
                let settlement = Settlement(job(1).lease, .ack, followUps: [followUp])
                await loop.finish(FinishedJob(settlement: settlement, queue: "q"))
            }
            await loop.hold([job(1)])
            try await finish(600)
            #expect(await !loop.isTimeToSettle)
            try await finish(600)
            #expect(await loop.isTimeToSettle)
        }
    }

    private func job(_ bytes: Int) -> LeasedJob {
        LeasedJob(
            lease: Lease(job: JobID(rawValue: 1), token: FencingToken(rawValue: 1)), queue: "q",
            payload: [UInt8](repeating: 0, count: bytes), contentType: ContentType.bytes, headers: Headers(),
            priority: 1,
            attempt: 1, maxAttempts: 1, timeToRun: nil, enqueuedAt: 0, runsAlone: false)
    }
}
