import PostgresSupport
import StintCore
import Synchronization
import TestSupport
import Testing

@testable import StintPostgres

@Suite("PostgreSQL: what takes one round trip")
struct HotPathTests {
    @Test("jobs of tasks that enqueue at the same time get the ids of their own payloads")
    func togetherInOrder() async throws {
        let store = try await PostgresStore.open(PostgresCluster.shared.database())
        _ = try await store.enqueue([NewJob([], in: "q")])
        let ids = try await withThrowingTaskGroup(of: (UInt8, [JobID]).self) { group in
            for number in UInt8(0)..<64 {
                group.addTask {
                    let jobs = try (0..<2).map { try NewJob([number, $0], in: "q") }
                    return (number, try await store.enqueue(jobs).map(\.id))
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(ids.count == 64)
        for (number, ids) in ids {
            for (place, id) in ids.enumerated() {
                #expect(try await store.job(id)?.payload == [number, UInt8(place)])
            }
        }
        #expect(try await store.stats().first?.ready == 129)
        await store.close()
    }

    @Test("acks of tasks that ack at the same time share transactions, and each gets its own answer")
    func acksTogether() async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        _ = try await store.enqueue((0..<12).map { try NewJob([$0], in: "q") })
        let request = ClaimRequest(queues: ["q"], limit: 12, lease: .seconds(60), worker: "w")
        let leases = try await store.claim(request).map(\.lease)
        // While another transaction has the lease, those of two acks wait for it, and all other acks wait for these two.
        let acks = try await database.connections.transaction { sql in
            _ = try await sql.run("SELECT 1 FROM stint.leases FOR UPDATE")
            var acks: [Task<[Settlement.Answer], any Error>] = []
            for (number, lease) in (leases + [leases[11]]).enumerated() {
                acks.append(Task { try await store.settle([Settlement(lease, .ack)]) })
                if number >= 2 { continue }
                try await eventually("ack \(number) waits for the lease") {
                    try await database.administrator.run(
                        """
                        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                        """)[0].int(0) == Int64(number) + 1
                }
            }
            try await eventually("all others wait for these") { store.acks.waitingCalls == 11 }
            return acks
        }
        var answers: [Settlement.Answer] = []
        for ack in acks { answers += try await ack.value }
        #expect(answers.filter { $0 == .settled(.done) }.count == 12 && answers.filter { $0 == .leaseLost }.count == 1)
        #expect(try await store.stats().first?.unfinished == 0)
        await store.close()
        await database.close()
    }

    @Test("a pause, a limit and a group are seen by a process that knew nothing of them")
    func settingsOfOthers() async throws {
        let url = try await PostgresCluster.shared.database()
        let (store, other) = (try await PostgresStore.open(url), try await PostgresStore.open(url))
        func claim(_ limit: Int = 10) async throws -> Int {
            try await store.claim(ClaimRequest(queues: ["q"], limit: limit, lease: .seconds(60), worker: "w")).count
        }
        for _ in 0..<5 { _ = try await store.enqueue([NewJob([1], in: "q")]) }
        #expect(try await claim(1) == 1)
        try await other.configure("q", QueueSettings(paused: true))
        #expect(try await claim() == 0)
        try await other.configure("q", QueueSettings(paused: false))
        try await other.configure("q", QueueSettings(concurrency: 2))
        #expect(try await claim() == 1)
        try await other.configure("q", QueueSettings(concurrency: .unlimited))
        _ = try await other.enqueue([NewJob([1], in: "q", options: JobOptions(group: "g"))])
        #expect(try await claim() == 4)
        await store.close()
        await other.close()
    }

    @Test("acks of a part of a claim leave the rest of its lease, and a second ack of a job has none")
    func partialAcks() async throws {
        let store = try await PostgresStore.open(PostgresCluster.shared.database())
        _ = try await store.enqueue([NewJob([0], in: "q")])
        _ = try await store.enqueue((1..<4).map { try NewJob([$0], in: "q") })
        let jobs = try await store.claim(ClaimRequest(queues: ["q"], limit: 4, lease: .seconds(60), worker: "w"))
        #expect(jobs.map(\.payload) == [[0], [1], [2], [3]])
        let first = [jobs[2], jobs[0], jobs[2]].map { Settlement($0.lease, .ack) }
        #expect(try await store.settle(first) == [.settled(.done), .settled(.done), .leaseLost])
        #expect(try await store.extend(jobs.map(\.lease), by: .seconds(60)) == [jobs[0].lease, jobs[2].lease])
        let rest = [jobs[1], jobs[0], jobs[3]].map { Settlement($0.lease, .ack) }
        #expect(try await store.settle(rest) == [.settled(.done), .leaseLost, .settled(.done)])
        let stats = try #require(try await store.stats().first)
        #expect(stats.done == 4 && stats.leased == 0)
        await store.close()
    }

    @Test(
        "an ack is answered although what was claimed with it cannot be read, and that is given back",
        arguments: [
            "ALTER TABLE stint.events RENAME COLUMN payload TO p",
            "UPDATE stint.jobs SET headers = 'no header' WHERE is_digest",
        ])
    func unreadableClaim(trouble: String) async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        _ = try await store.enqueue([NewJob([], in: "q")])
        let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(60), worker: "w")
        let job = try #require(try await store.claim(request).first)
        let options = JobOptions(uniqueKey: "k", onConflict: .collect)
        let digest = try await store.enqueue([NewJob([1], in: "q", options: options)])[0].id
        _ = try await store.enqueue([NewJob([2], in: "q", options: options)])
        _ = try await database.administrator.run(trouble)
        let exchange = try #require(try await store.exchangeAtOnce([Settlement(job.lease, .ack)], for: request))
        #expect(exchange.answers == [.settled(.done)])
        #expect(exchange.jobs.isEmpty)
        let record = try #require(try await store.page(JobFilter(limit: 9), after: nil).jobs.first { $0.id == digest })
        #expect(record.state == (trouble.contains("UPDATE") ? .buried : .ready))
        await store.close()
        await database.close()
    }

    @Test("an ack is answered although the burial of a job that was claimed with it fails")
    func failingBurial() async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        _ = try await store.enqueue([NewJob([], in: "q")])
        let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(60), worker: "w")
        let job = try #require(try await store.claim(request).first)
        _ = try await store.enqueue([NewJob([1], in: "q")])
        _ = try await database.administrator.run([
            PostgresStatement("UPDATE stint.jobs SET headers = 'no header'"),
            PostgresStatement("ALTER TABLE stint.buried RENAME COLUMN reason TO r"),
        ])
        let exchange = try #require(try await store.exchangeAtOnce([Settlement(job.lease, .ack)], for: request))
        #expect(exchange.answers == [.settled(.done)])
        #expect(exchange.jobs.isEmpty)
        await store.close()
        await database.close()
    }

    @Test("other processes wake for an enqueue, and hear of every change")
    func wakeUps() async throws {
        let url = try await PostgresCluster.shared.database()
        let (store, other) = (try await PostgresStore.open(url), try await PostgresStore.open(url))
        let woken = Mutex<[NextReady]>([])
        let changes = Counter()
        let (wakeUps, allChanges) = (store.wakeUps(in: ["q"]), store.changes())
        let listeners = [
            Task { for await next in wakeUps { woken.withLock { $0.append(next) } } },
            Task { for await _ in allChanges { changes.increment() } },
        ]
        // The first notification comes when the server listens, and may be anything.
        try await eventually("the listeners are there") { changes.value > 0 }
        let before = changes.value
        _ = try await other.enqueue([NewJob([1], in: "q")])
        try await eventually("the enqueue has woken another process") { woken.withLock { $0.contains(.now) } }
        try await eventually("another process has heard of the change") { changes.value > before }
        for listener in listeners { listener.cancel() }
        await store.close()
        await other.close()
    }
}

@Suite("Callers that enqueue at the same time")
struct CallBatchesTests {
    /// Writes that wait until the test lets them go on.
    private final class Writes: Sendable {
        let begun = Mutex<[[[UInt8]]]>([])
        let gate = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

        func wait() async {
            await withCheckedContinuation { continuation in
                let isOpen = gate.withLock { gate in
                    if !gate.isOpen { gate.waiting.append(continuation) }
                    return gate.isOpen
                }
                if isOpen { continuation.resume() }
            }
        }

        func open() {
            let waiting = gate.withLock { gate in
                defer { gate = (true, []) }
                return gate.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    /// Enqueues jobs 0 and 1, which are written alone, and others while these are written.
    private func run(
        _ others: Range<UInt8>, _ fail: @escaping @Sendable ([NewJob]) -> StintError?
    ) async throws -> (results: [UInt8: Result<[Enqueued], any Error>], writes: [[[UInt8]]]) {
        let (batches, writes) = (CallBatches<NewJob, Enqueued>(), Writes())
        let write: CallBatches<NewJob, Enqueued>.Write = { jobs in
            writes.begun.withLock { $0.append(jobs.map(\.payload)) }
            await writes.wait()
            if let error = fail(jobs) { throw error }
            return jobs.map { Enqueued(id: JobID(rawValue: Int64($0.payload[0])), outcome: .added) }
        }
        let results = Mutex<[UInt8: Result<[Enqueued], any Error>]>([:])
        let enqueue: @Sendable (UInt8) async -> Void = { number in
            let result: Result<[Enqueued], any Error>
            do {
                result = .success(try await batches.run([NewJob([number], in: "q")], write))
            } catch {
                result = .failure(error)
            }
            results.withLock { $0[number] = result }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in UInt8(0)..<2 {
                group.addTask { await enqueue(number) }
                try await eventually("job \(number) is being written") {
                    writes.begun.withLock { $0.count == Int(number) + 1 }
                }
            }
            for number in others { group.addTask { await enqueue(number) } }
            try await eventually("all others wait") { batches.waitingCalls == others.count }
            writes.open()
            try await group.waitForAll()
        }
        return (results.withLock { $0 }, writes.begun.withLock { $0 })
    }

    @Test("share a transaction, and each gets its own ids")
    func shared() async throws {
        let (results, writes) = try await run(2..<10) { _ in nil }
        #expect(writes.count == 3 && writes[2].count == 8)
        for (number, result) in results { #expect(try result.get().map(\.id.rawValue) == [Int64(number)]) }
        #expect(results.count == 10)
    }

    @Test("do not fail with one of them that cannot be written")
    func oneFails() async throws {
        let (results, _) = try await run(2..<10) { jobs in
            jobs.contains { $0.payload == [5] } ? StintError(.storageFailed, "no") : nil
        }
        for (number, result) in results where number != 5 { #expect(throws: Never.self) { try result.get() } }
        #expect(throws: StintError.self) { try results[5]?.get() }
    }

    @Test("fail together if the server cannot be reached, and do not wait for it one after the other")
    func unreachable() async throws {
        let (results, writes) = try await run(2..<10) { jobs in
            jobs.count > 1 ? StintError(.databaseBusy, "no") : nil
        }
        #expect(writes.count == 3)
        for number in UInt8(2)..<10 {
            let error = #expect(throws: StintError.self) { try results[number]?.get() }
            #expect(error?.code == .databaseBusy)
        }
    }

    @Test("are all told that the outcome is unknown, and nothing is written again")
    func unknown() async throws {
        let (results, writes) = try await run(2..<10) { jobs in
            jobs.count > 1 ? StintError(.outcomeUnknown, "no") : nil
        }
        #expect(writes.count == 3)
        for number in UInt8(2)..<10 {
            let error = #expect(throws: StintError.self) { try results[number]?.get() }
            #expect(error?.code == .outcomeUnknown)
        }
    }
}
