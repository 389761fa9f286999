import PostgresSupport
import StintCore
import TestSupport
import Testing

@testable import StintPostgres

/// All transactions take the locks of queues first, then those of workers, then those of leases and jobs. Two with other
/// orders would stop each other until the server ends one of them.
@Suite("PostgreSQL: who waits for a queue")
struct LockOrderTests {
    enum Verb: CaseIterable, Sendable {
        case reap
        case reclaim
        case exchangeInOneRoundTrip
        case exchange
        case settleWithFollowUp
    }

    private static let group = JobOptions(group: "g")

    @Test("holds no lease and no worker meanwhile", arguments: Verb.allCases)
    func queueFirst(verb: Verb) async throws {
        let url = try await PostgresCluster.shared.database()
        let clock = TestClock()
        let (store, other) = (
            try await PostgresStore.open(url, clock: clock), try await PostgresStore.open(url, clock: clock)
        )
        let worker = try await store.register(
            WorkerRegistration(name: "w", process: WorkerProcess(name: "w", id: "w"), queues: ["q"], concurrency: 1),
            as: nil
        ).id
        let options = verb == .reap || verb == .reclaim ? Self.group : JobOptions()
        _ = try await store.enqueue([NewJob([], in: "q", options: options), NewJob([], in: "q", options: options)])
        // Its jobs are claimed by turns.
        _ = try await store.enqueue([NewJob([], in: "turns", options: Self.group)])
        func request(_ queue: QueueName) -> ClaimRequest {
            ClaimRequest(queues: [queue], limit: 1, lease: .seconds(60), worker: "w", registration: worker)
        }
        let job = try #require(try await store.claim(request("q")).first)
        clock.advance(by: .seconds(60))
        let awaited: QueueName = verb == .exchange || verb == .settleWithFollowUp ? "turns" : "q"
        let nextRequest = request(awaited)

        try await whileUncommitted(other, url) { transaction in
            try await transaction.lock([transaction.queueID(awaited)], exclusively: true)
        } whenAwaited: { transaction in
            // An error if somebody else holds one of them.
            try await transaction.run("SELECT 1 FROM stint.leases FOR UPDATE NOWAIT")
            try await transaction.run("SELECT 1 FROM stint.workers FOR UPDATE NOWAIT")
        } _: {
            switch verb {
            case .reap: #expect(try await store.reap() == ReapReport(requeued: 1))
            case .reclaim: #expect(try await store.reclaim(from: [worker], .stopped) == ReapReport(requeued: 1))
            case .exchangeInOneRoundTrip, .exchange:
                let exchange = try await store.exchange([Settlement(job.lease, .ack)], for: nextRequest)
                #expect(exchange.answers == [.settled(.done)] && exchange.jobs.count == 1)
            case .settleWithFollowUp:
                let next = try NewJob([], in: "turns", options: Self.group)
                #expect(
                    try await store.settle([Settlement(job.lease, .ack, followUps: [next])]) == [.settled(.done)])
            }
        }
        await store.close()
        await other.close()
    }

    @Test("two enqueues of the same idempotency keys, in opposite orders, make one job, and none of them fails")
    func crossedKeys() async throws {
        let url = try await PostgresCluster.shared.database()
        let (store, other) = (try await PostgresStore.open(url), try await PostgresStore.open(url))
        for round in 0..<50 {
            var options = JobOptions()
            options.idempotencyKeys = ["a\(round)", "b\(round)", "c\(round)"]
            let job = try NewJob([], in: "q", options: options)
            options.idempotencyKeys.reverse()
            let same = try NewJob([], in: "q", options: options)
            async let first = store.enqueue([job])
            async let second = other.enqueue([same])
            let answers = try await first + second
            #expect(answers[0].id == answers[1].id)
            #expect(answers.count { $0.outcome == .duplicate } == 1)
        }
        await store.close()
        await other.close()
    }

    @Test("an enqueue with several idempotency keys waits for those of another one before it writes")
    func keysBeforeRows() async throws {
        let url = try await PostgresCluster.shared.database()
        let (store, other) = (try await PostgresStore.open(url), try await PostgresStore.open(url))
        func job(_ keys: [String]) throws -> NewJob {
            var options = JobOptions()
            options.idempotencyKeys = keys
            return try NewJob([], in: "q", options: options)
        }
        // The queue is there, so neither enqueue waits for its row.
        _ = try await store.enqueue([job([])])
        let (first, second) = (try job(["c", "b"]), try job(["a", "b"]))
        let answers = try await whileUncommitted(other, url) { transaction in
            _ = try await transaction.enqueue([first])
        } whenAwaited: { transaction in
            // It would be a row's, or its transaction's, if it had begun to write.
            let locks = try await transaction.run(
                """
                SELECT locktype FROM pg_locks JOIN pg_stat_activity USING (pid)
                WHERE NOT granted AND datname = current_database()
                """
            ).map { try $0.text(0) }
            #expect(locks == ["advisory"])
        } _: {
            try await store.enqueue([second])
        }
        #expect(answers[0].outcome == .duplicate)
        await store.close()
        await other.close()
    }
}
