import PostgresSupport
import StintCore
import Testing

@testable import StintPostgres

@Suite("PostgreSQL: people change jobs while workers run them")
struct ConcurrentChangesTests {
    @Test("no job is lost or done twice while its priority, its queue and its state change under claims")
    func changes() async throws {
        let store = try await PostgresStore.open(PostgresCluster.shared.database())
        let queues: [QueueName] = ["a", "b"]
        let jobs = try (0..<200).map { number in
            try NewJob([], in: queues[number % 2], options: JobOptions(group: number % 3 == 0 ? "g" : nil))
        }
        let ids = try await store.enqueue(jobs).map(\.id)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<3 {
                group.addTask {
                    let request = ClaimRequest(queues: queues, limit: 4, lease: .seconds(600), worker: "w\(worker)")
                    var done = 0
                    while try await store.stats().contains(where: { $0.unfinished + $0.buried > 0 }) {
                        for job in try await store.claim(request) {
                            guard case .settled(.done) = try await store.settle([Settlement(job.lease, .ack)])[0] else {
                                continue
                            }
                            done += 1
                        }
                    }
                    return done
                }
            }
            group.addTask {
                for round in 0..<60 {
                    let changes: [JobChange] = [
                        .setPriority(to: UInt32(round)), .move(to: queues[round % 2]), .bury(reason: "r"), .kick,
                    ]
                    for change in changes {
                        _ = try await store.change(
                            JobSelection(JobQuery()), change, from: nil, limit: round % 5 + 1)
                    }
                }
                _ = try await store.change(JobSelection(JobQuery()), .kick, from: nil, limit: 1_000)
                return 0
            }
            let done = try await group.reduce(0, +)
            #expect(done == ids.count)
        }
        for queue in try await store.stats() {
            #expect(queue.ready == 0 && queue.delayed == 0 && queue.leased == 0 && queue.buried == 0, "\(queue)")
        }
        #expect(try await store.stats().reduce(0) { $0 + $1.done } == ids.count)
        for id in ids { #expect(try await store.job(id) == nil) }
        await store.close()
    }

    @Test(
        "a change of many jobs leaves one that another has moved since it was found",
        arguments: [
            JobChange.delete, .cancel(reason: "r"), .setPriority(to: 7), .move(to: "elsewhere"),
        ], [nil, "other"] as [QueueName?])
    func movedSince(change: JobChange, queue: QueueName?) async throws {
        let url = try await PostgresCluster.shared.database()
        let (store, other) = (try await PostgresStore.open(url), try await PostgresStore.open(url))
        let ids = try await store.enqueue((0..<2).map { _ in try NewJob([], in: "q") }).map(\.id)
        try await store.bury(ids, reason: "found")
        let selection = JobSelection(JobQuery(queue: "q", state: .buried))
        let step = try await whileUncommitted(other, url) { transaction in
            try await transaction.change([ids[0]], queue.map { .move(to: $0) } ?? .kick)
        } _: {
            try await store.change(selection, change, from: nil, limit: 10)
        }
        #expect(step.jobs == [ids[1]])
        let moved = try #require(try await store.job(ids[0])?.record)
        #expect(moved.state == (queue == nil ? .ready : .buried) && moved.queue == queue ?? "q")
        #expect(moved.priority == JobOptions().priority)
        await store.close()
        await other.close()
    }

    @Test("an operation that deletes jobs leaves one that another has kicked since it was found")
    func kickedSince() async throws {
        let url = try await PostgresCluster.shared.database()
        let (store, other) = (try await PostgresStore.open(url), try await PostgresStore.open(url))
        let ids = try await store.enqueue((0..<2).map { _ in try NewJob([], in: "q") }).map(\.id)
        try await store.bury(ids, reason: "found")
        _ = try await store.begin(
            NewOperation(.delete, JobSelection(JobQuery(queue: "q", state: .buried))))
        let step = try await whileUncommitted(other, url) { transaction in
            try await transaction.change([ids[0]], .kick)
        } _: {
            try await store.step(by: OperationDriver())
        }
        if case .made(_, let changed) = step { #expect(changed == 1) } else { Issue.record("\(step)") }
        #expect(try await store.job(ids[0])?.record.state == .ready)
        #expect(try await store.job(ids[1]) == nil)
        await store.close()
        await other.close()
    }

    @Test(
        "a query's jobs are read by an index in every state, whatever it looks at",
        arguments: JobState.allCases, [QueryPlan.Scope.all, .queue(1), .group(1), .errors(1), .job(1)])
    func plans(state: JobState, scope: QueryPlan.Scope) async throws {
        if case .errors = scope, state != .buried { return }
        let store = try await PostgresStore.open(PostgresCluster.shared.database())
        for isReversed in [false, true] {
            for needs in [QueryPlan.Needs(), .job, [.headers, .errors, .payload, .names, .payloadSize]] {
                let sql = JobTransaction.jobs(state, scope, isReversed: isReversed, needs: needs)
                let plan = try await explain(
                    sql, "bigint, bigint, bigint, bigint, bigint", "1, 1, 1, 10, 1000", in: store)
                // All leases are read, of which there are few.
                let bad = plan.filter { $0.contains("Seq Scan") && !($0.contains("leases") && state == .leased) }
                #expect(bad.isEmpty, "\(plan.joined(separator: "\n"))")
            }
        }
        await store.close()
    }

    @Test("an export reads its jobs by an index, whatever their states")
    func exportPlan() async throws {
        let store = try await PostgresStore.open(PostgresCluster.shared.database())
        let plan = try await explain(JobTransaction.storedJobs, "bigint[]", "'{1, 2}'", in: store)
        let bad = plan.filter { $0.contains("Seq Scan") && !$0.contains("leases") }
        #expect(bad.isEmpty, "\(plan.joined(separator: "\n"))")
        await store.close()
    }

    private func explain(
        _ sql: String, _ types: String, _ values: String, in store: PostgresStore
    ) async throws -> [String] {
        try await store.read { transaction in
            _ = try await transaction.run([PostgresStatement("PREPARE p (\(types)) AS \(sql)", isRare: true)])
            let rows = try await transaction.run([
                PostgresStatement("EXPLAIN (COSTS off) EXECUTE p (\(values))", isRare: true),
                PostgresStatement("DEALLOCATE p", isRare: true),
            ])[0]
            return try rows.map { try $0.text(0) }
        }
    }
}
