import Foundation
import GRDB
import StintCore
import StintSQLite
import StintWorker
import Synchronization
import TestSupport

/// Every verb of the store on one corrupted database, then a worker and a reaper until nothing is left.
final class CorruptedRun {
    private static let deadline: Duration = .seconds(12)

    private let queues: [QueueName]
    private let path: String
    private let corruption: Corruption
    private let innocents: [Int64: [UInt8]]
    private var chance: SeededGenerator
    private(set) var problems: [String] = []
    private let clock = TestClock()

    init(
        path: String, queues: [QueueName], corruption: Corruption, innocents: [Int64: [UInt8]], chance: SeededGenerator
    ) {
        self.path = path
        self.queues = queues
        self.corruption = corruption
        self.innocents = innocents
        self.chance = chance
    }

    func all() async throws {
        var options = SQLiteStore.Options(durability: .normal, busyTimeout: .seconds(10), logger: RowFuzz.quiet)
        options.clock = clock
        let queue = try await JobQueue(.sqlite(path, options: options))
        for _ in 0..<12 { await verb(queue) }
        await readAll(queue)
        try await drain(queue)
    }

    /// Makes a call, which may be refused.
    private func attempt(_ what: String, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch is StintError {
            // Plain words are all that can be expected of it.
        } catch {
            problems.append("\(what) threw \(type(of: error)): \(error)")
        }
    }

    private func verb(_ queue: JobQueue<SQLiteStore>) async {
        let store = queue.store
        let ids = victims().map { JobID(rawValue: $0) }
        let workers = [31, 32, 33, chance.pick(Hostile.numbers)].map { WorkerID(rawValue: $0) }
        switch chance.below(12) {
        case 0, 1, 2: await claim(queue)
        case 3: await attempt("reap") { _ = try await queue.reap() }
        case 4: await attempt("kick") { _ = try await queue.kick("q", limit: 5) }
        case 5: await attempt("kick ids") { try await store.kick(ids) }
        case 6: await attempt("bury") { try await store.bury(ids, reason: "fuzz") }
        case 7: await attempt("delete") { try await store.delete(ids) }
        case 8:
            let end: WorkerEnd = chance.pick([.stopped, .died("died", nil), .diedWithSupervisor])
            await attempt("take back") { _ = try await store.reclaim(from: workers, end) }
        case 9: clock.advance(by: .seconds(chance.pick([1, 60, 4_000])))
        case 10: await attempt("configure") { try await queue.retain(.seconds(60), in: "plain") }
        default:
            let key = chance.oneIn(2) ? "key-q-0" : nil
            await attempt("enqueue") {
                let answer = try await queue.enqueue(payload: [1], in: "q", options: JobOptions(uniqueKey: key))
                if answer.isDuplicate, try !self.exists(answer.id) {
                    problems.append("an enqueue was sent away for job \(answer.id), which is not there")
                }
            }
        }
    }

    private func exists(_ id: JobID) throws -> Bool {
        try DatabaseQueue(path: path, configuration: .waiting).read {
            try Bool.fetchOne(
                $0, sql: "SELECT EXISTS (SELECT 1 FROM stint_jobs WHERE id = ?)", arguments: [id.rawValue])
        } == true
    }

    /// Jobs that may be buried and deleted, one at a time or together.
    private func victims() -> [Int64] {
        let all = Array(corruption.touched).sorted() + [0, -1, .max, 1, 2, 3]
        return (0...chance.below(2)).map { _ in chance.pick(all) }
    }

    /// Claims, and settles innocents so that they come again.
    private func claim(_ queue: JobQueue<SQLiteStore>) async {
        let request = ClaimRequest(
            queues: queues, limit: 1 + chance.below(6), lease: .seconds(10), worker: "host:1",
            registration: chance.oneIn(2) ? WorkerID(rawValue: 33) : nil, idleSlots: 1 + chance.below(3))
        do {
            let jobs = try await queue.store.exchange([], for: request).jobs
            let settlements = jobs.compactMap { job -> Settlement? in
                if let payload = innocents[job.id.rawValue], payload != job.payload {
                    problems.append("job \(job.id) has another payload")
                }
                let outcomes: [Settlement.Outcome] = [
                    .fail(error: "fuzz", retryAfter: .seconds(5)), .release(after: .zero), .suspect,
                    .crash(error: "fuzz", retryAfter: .zero),
                ]
                return chance.oneIn(4) ? nil : Settlement(job.lease, chance.pick(outcomes))
            }
            _ = try await queue.store.exchange(settlements, for: nil)
            _ = try await queue.store.extend(jobs.map(\.lease), by: .seconds(20))
        } catch is StintError {
            // The claim is checked by whether the innocent jobs come out.
        } catch {
            problems.append("claim threw \(error)")
        }
    }

    private func readAll(_ queue: JobQueue<SQLiteStore>) async {
        let store = queue.store
        await attempt("stats") { _ = try await store.stats().map(\.unfinished) }
        for state in JobState.allCases {
            await attempt("list") {
                for record in try await store.list(JobFilter(state: state, limit: 1_000)) {
                    _ = try JSONEncoder().encode(record)
                }
                _ = try await store.list(JobFilter(queue: "q", state: state, limit: 3))
            }
        }
        await attempt("query") {
            let query = try JobQuery("-group:none -header.a:b -error:none -error-group:0000000000000000 -none")
            _ = try await store.list(JobFilter(query))
            _ = try await store.count(query, after: nil)
        }
        for kind in ErrorGroupFilter.Kind.allCases {
            await attempt("errors") { _ = try await store.errorGroups(ErrorGroupFilter(kind), after: nil) }
        }
        for id in innocents.keys.sorted().prefix(3) + corruption.touched.sorted() {
            await attempt("job") { _ = try await store.job(JobID(rawValue: id)) }
        }
        await attempt("workers") { _ = try await store.workers() }
        await attempt("failures") { _ = try await store.failures(limit: 1_000) }
        await attempt("next") { _ = try await store.nextReady(in: queues) }
        await attempt("examine") { _ = try await store.examine() }
        await attempt("surroundings") { _ = try await store.examineSurroundings() }
    }

    /// A worker runs all that is left, while a reaper goes round.
    private func drain(_ queue: JobQueue<SQLiteStore>) async throws {
        let seen = Mutex<[Int64: [UInt8]]>([:])
        clock.advance(by: .seconds(7_200))
        for name in queues { await attempt("kick all") { _ = try await queue.kick(name) } }
        var options = Worker.Options()
        options.pollInterval = .milliseconds(5)
        options.gracePeriod = .seconds(1)
        var worker = Worker(
            queue, queues: queues, concurrency: 1 + chance.below(4), options: options, logger: RowFuzz.quiet)
        worker.registerOthers(retry: .immediate()) { context in
            seen.withLock { $0[context.id.rawValue] = context.job.payload }
        }
        let work = Task { [worker] in try await worker.run() }
        let expected = corruption.touchesAll ? [] : Set(innocents.keys)
        let end = ContinuousClock.now + Self.deadline
        var missing = expected
        repeat {
            await attempt("reap") { _ = try await queue.reap() }
            clock.advance(by: .seconds(5))
            try await Task.sleep(for: .milliseconds(4))
            missing = expected.subtracting(seen.withLock { Set($0.keys) })
        } while !missing.isEmpty && ContinuousClock.now < end
        work.cancel()
        try await work.value
        for id in missing.sorted() { problems.append("job \(id) never ran, and was not touched") }
        for (id, payload) in seen.withLock({ $0 }) where innocents[id] != nil && innocents[id] != payload {
            problems.append("job \(id) ran with another payload: \(payload.prefix(40))")
        }
        if missing.isEmpty && !corruption.touchesAll { try await checkEnd(queue, expected) }
    }

    private func checkEnd(_ queue: JobQueue<SQLiteStore>, _ expected: Set<Int64>) async throws {
        for id in expected.sorted() {
            guard let job = try await queue.store.job(JobID(rawValue: id)) else { continue }
            if job.record.state != .done { problems.append("job \(id) ran and is \(job.record.state)") }
        }
    }
}
