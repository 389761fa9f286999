import Logging
import Stint
import StintCore
import StintTesting
import Synchronization
import TestSupport
import Testing

@testable import StintSQLite
@testable import StintWorker

@Suite("Jobs whose time is over, and jobs of kinds that the worker does not know", .timeLimit(.minutes(2)))
struct EndTests {
    struct Novelty: JobParameters {
        static let jobName = "novelty"
        var number: Int
    }

    @Test("a job that was claimed ahead and not started in time expires and is never started")
    func claimedAhead() async throws {
        try await withQueue { onTime in
            let clock = LateClock()
            var storeOptions = SQLiteStore.Options(durability: .normal)
            storeOptions.clock = clock
            let queue = try await JobQueue(.sqlite(onTime.store.path, options: storeOptions))
            try await queue.retain(.seconds(3_600), in: "q")
            let options = JobOptions(expires: .seconds(60))
            let first = try await queue.enqueue(Greeting(name: "first"), in: "q", options: options).id
            let rest = try await queue.enqueue(
                contentsOf: (1...5).map { Greeting(name: "\($0)") }, in: "q", options: options
            ).map(\.id)
            let (door, started) = (Door(), Log<String>())
            var workerOptions = Worker.Options()
            workerOptions.batch = 10
            workerOptions.lease = .seconds(3_600)
            workerOptions.clock = { .now + .milliseconds(clock.lateness.load(ordering: .relaxed)) }
            var worker = Worker(queue, queues: ["q"], options: workerOptions)
            worker.registerJob(Greeting.self) { job, _ in
                started.append(job.name)
                try await door.wait()
            }
            try await running([worker]) {
                try await door.untilArrived()
                #expect(try await queue.counts().leased == 6)
                clock.lateness.add(60_000, ordering: .relaxed)
                door.open()
                try await eventually("all have ended") { try await queue.counts().unfinished == 0 }
            }
            #expect(started.all == ["first"])
            #expect(try await queue.record(first)?.state == .done)
            for id in rest {
                let record = try #require(try await queue.record(id))
                #expect(record.state == .expired && record.attempts == 0)
                #expect(record.reason == "its time was over before it was started")
            }
            #expect(try await queue.counts().expired == 5)
        }
    }

    @Test("during a deploy an old worker gives back what it does not know, and one of the new version runs it")
    func deploy() async throws {
        try await withQueue { queue in
            let id = try await queue.enqueue(Novelty(number: 7), in: "q", options: JobOptions(maxAttempts: 1)).id
            let log = WarningLog()
            func worker(_ change: (inout Worker) -> Void) -> Worker {
                var worker = Worker(queue, queues: ["q"], logger: log.logger)
                worker.registerJob(Greeting.self) { _, _ in }
                change(&worker)
                return worker
            }
            try await running([worker { _ in }]) {
                for number in 1...3 {
                    try await eventually("it is given back") { try await queue.record(id)?.state == .delayed }
                    #expect(try await queue.record(id)?.attempts == 0)
                    let failures = try #require(try await queue.store.job(id)).failures
                    #expect(failures.map(\.kind) == [.refused])
                    #expect(failures[0].error == "no handler is registered for 'novelty'; the worker runs 'greeting'")
                    if number < 3 { try await queue.runNow([id]) }
                    if number < 3 {
                        try await eventually("it was claimed again") {
                            try await queue.store.leasesMade() > number
                        }
                    }
                }
            }
            // Once a minute for each kind.
            #expect(log.warnings.count == 1 && log.warnings[0].contains("no handler"))
            let ran = Log<Int>()
            try await queue.runNow([id])
            try await running([worker { $0.registerJob(Novelty.self) { job, _ in ran.append(job.number) } }]) {
                try await eventually("it is done") { try await queue.counts().done == 1 }
            }
            #expect(ran.all == [7])
        }
    }

    @Test("a job that no worker knows is buried after a quarter of an hour, with a reason that says so")
    func buried() async throws {
        let queue = JobQueue.inMemory()
        let id = try await queue.enqueue(Novelty(number: 7), in: "q", delay: .seconds(86_400)).id
        queue.advance(by: .seconds(86_400))
        var worker = Worker(queue, queues: ["q"], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        worker.registerJob(Greeting.self) { _, _ in }
        #expect(try await queue.drain(worker) == DrainReport(done: 0, buried: 0, delayed: 1))
        queue.advance(by: .seconds(899))
        #expect(try await queue.drain(worker) == DrainReport(done: 0, buried: 0, delayed: 1))
        queue.advance(by: .seconds(60))
        #expect(try await queue.drain(worker) == DrainReport(done: 0, buried: 1, delayed: 0))
        let reason = try await queue.job(id)?.record.reason ?? ""
        #expect(reason.contains("'novelty'") && reason.contains("no worker had one for 900"))
    }
}

/// Keeps warnings.
final class WarningLog: Sendable {
    private let texts = Mutex<[String]>([])
    var warnings: [String] { texts.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: WarningLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { log.texts.withLock { $0.append("\(event.message)") } }
    }
}
