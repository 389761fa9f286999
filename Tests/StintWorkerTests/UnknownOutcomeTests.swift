import Logging
import Stint
import StintCore
import StintSQLite
import Synchronization
import TestSupport
import Testing

@testable import StintCore
@testable import StintWorker

@Suite("After a transaction of unknown outcome a worker looks before it goes on", .timeLimit(.minutes(2)))
struct UnknownOutcomeTests {
    private let lines = Log<String>()

    private func unknown() -> StintError { StintError(.outcomeUnknown, "the disk failed in the last moment") }

    private func worker(
        _ store: InterposedStore, _ handler: @escaping @Sendable (String, JobContext) async throws -> Void
    ) -> Worker {
        var options = Worker.Options()
        options.drains = true
        options.batch = 5
        // Longer than this test may take: a job that is not looked for comes back much too late.
        options.lease = .seconds(3_600)
        var logger = Logger(label: "test") { [lines] _ in LineLog(lines: lines) }
        logger.logLevel = .info
        var worker = Worker(JobQueue(store: store), queues: ["q"], options: options, logger: logger)
        worker.registerJob(Greeting.self, retry: .immediate()) { job, context in try await handler(job.name, context) }
        return worker
    }

    @Test("a claim that has happened: the jobs are given back at no cost, and run")
    func claim() async throws {
        try await withQueue { queue in
            try await queue.enqueue(contentsOf: (0..<5).map { Greeting(name: "\($0)") }, in: "q")
            let (once, ran) = (Once(), Log<Int>())
            var store = InterposedStore(base: queue.store)
            store.afterExchange = { _, exchange in if !exchange.jobs.isEmpty, once() { throw unknown() } }
            try await worker(store) { _, context in ran.append(context.attempt) }.run()
            #expect(ran.all == [1, 1, 1, 1, 1])
            #expect(try await queue.counts().done == 5)
        }
    }

    @Test("acks that have happened are done, and no word is said of a lost lease", arguments: [false, true])
    func acks(areKept: Bool) async throws {
        try await withQueue { queue in
            if areKept { try await queue.retain(.seconds(60), in: "q") }
            try await queue.enqueue(contentsOf: (0..<5).map { Greeting(name: "\($0)") }, in: "q")
            let (once, settled) = (Once(), Log<Lease>())
            var store = InterposedStore(base: queue.store)
            store.afterExchange = { settlements, _ in
                for settlement in settlements { settled.append(settlement.lease) }
                if !settlements.isEmpty, once() { throw unknown() }
            }
            try await worker(store) { _, _ in }.run()
            #expect(settled.all.count == 5 && Set(settled.all).count == 5, "each was settled once")
            #expect(!lines.all.contains { $0.contains("lease") }, "\(lines.all)")
            #expect(try await queue.counts().done == 5)
        }
    }

    @Test("a registration: the worker registers again, works, and leaves only the one that nobody knows")
    func registration() async throws {
        try await withQueue { queue in
            try await queue.enqueue(Greeting(name: "x"), in: "q")
            let once = Once()
            var store = InterposedStore(base: queue.store)
            store.afterRegister = { _ in if once() { throw unknown() } }
            try await worker(store) { _, _ in }.run()
            #expect(try await queue.counts().done == 1)
            #expect(!lines.all.contains { $0.hasPrefix("error") || $0.hasPrefix("critical") }, "\(lines.all)")
            let left = try await queue.workers()
            #expect(left.count == 1)
            #expect(try await queue.store.leases(heldBy: left[0].id).isEmpty)
            // Its process lives. When it has ended, a reap removes it, as every worker of a dead process.
            queue.store.abandon(left[0].id)
            // A process that another test starts just now holds its lock too, until it runs its own program.
            try await eventually("it is removed") {
                #expect(try await queue.reap() == ReapReport())
                return try await queue.workers().isEmpty
            }
        }
    }

    @Test("the end of a registration: the worker deregisters again, and nothing is left", arguments: [1, 2])
    func deregistration(failures: Int) async throws {
        try await withQueue { queue in
            try await queue.enqueue(Greeting(name: "x"), in: "q")
            let calls = Mutex(0)
            var store = InterposedStore(base: queue.store)
            store.afterDeregister = {
                let call = calls.withLock { calls in
                    calls += 1
                    return calls
                }
                if call <= failures { throw unknown() }
            }
            try await worker(store) { _, _ in }.run()
            #expect(calls.withLock { $0 } == failures + 1)
            #expect(!lines.all.contains { $0.hasPrefix("error") || $0.hasPrefix("critical") }, "\(lines.all)")
            #expect(try await queue.workers().isEmpty)
        }
    }

    @Test("what has not happened is settled again")
    func again() async throws {
        try await withQueue { queue in
            try await queue.enqueue(contentsOf: (0..<5).map { Greeting(name: "\($0)") }, in: "q")
            let (once, ran) = (Once(), Log<String>())
            var store = InterposedStore(base: queue.store)
            store.beforeExchange = { settlements, _ in if !settlements.isEmpty, once() { throw unknown() } }
            try await worker(store) { name, _ in ran.append(name) }.run()
            #expect(ran.all.sorted() == ["0", "1", "2", "3", "4"])
            #expect(try await queue.counts().done == 5)
        }
    }

    @Test("a handler whose own ack has happened has not failed", arguments: [true, false])
    func handlersAck(hasHappened: Bool) async throws {
        try await withQueue { queue in
            try await queue.retain(.seconds(60), in: "q")
            let id = try await queue.enqueue(Greeting(name: "x"), in: "q").id
            let (once, ran, returned) = (Once(), Log<Int>(), Log<Bool>())
            var store = InterposedStore(base: queue.store)
            store.beforeExchange = { settlements, _ in
                if settlements.contains(where: { !$0.followUps.isEmpty }), !hasHappened, once() { throw unknown() }
            }
            store.afterExchange = { settlements, _ in
                if settlements.contains(where: { !$0.followUps.isEmpty }), hasHappened, once() { throw unknown() }
            }
            try await worker(store) { name, context in
                ran.append(context.attempt)
                guard name == "x" else { return }
                returned.append(false)
                try await context.ack(enqueueing: [NewJob(Greeting(name: "follow-up"), in: "q")])
                returned.append(true)
            }.run()
            let expected = hasHappened ? [false, true] : [false, false, true]
            #expect(returned.all == expected, "the handler hears the truth")
            #expect(!lines.all.contains { $0.contains("lease") }, "\(lines.all)")
            let job = try #require(try await queue.store.job(id))
            #expect(job.record.state == .done && job.failures.count == (hasHappened ? 0 : 1))
            #expect(ran.all == (hasHappened ? [1, 1] : [1, 2, 1]))
            #expect(try await queue.counts().done == 2, "with one follow-up")
        }
    }
}

/// Keeps the level and the text of what is logged.
struct LineLog: LogHandler {
    let lines: Log<String>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(lines: Log<String>) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.append("\(event.level): \(event.message)") }
}
