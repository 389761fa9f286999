import GRDB
import StintCore
import StintPlatform
import StoreConformance
import TestSupport
import Testing

@testable import StintSQLite

@Suite("A reap repairs groups, and forgets those that no job names")
struct GroupSweepTests {
    private func withQueue(_ body: (JobQueue<SQLiteStore>, TestClock) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        let clock = TestClock()
        var options = SQLiteStore.Options(durability: .normal)
        options.clock = clock
        let queue = try await JobQueue(.sqlite(folder.database, options: options))
        try await body(queue, clock)
    }

    private func put(_ queue: JobQueue<SQLiteStore>, _ groups: String?...) async throws -> [JobID] {
        try await queue.enqueue(
            jobs: groups.map { try NewJob([1], in: "q", options: JobOptions(maxAttempts: 9, group: $0)) }
        ).map(\.id)
    }

    private func execute(_ queue: JobQueue<SQLiteStore>, _ sql: String) async throws {
        try await queue.store.writer.run { try $0.execute(sql: sql) }
    }

    private func groups(_ queue: JobQueue<SQLiteStore>) async throws -> [String] {
        try await queue.store.writer.run {
            try String.fetchAll($0, sql: "SELECT name FROM stint_groups WHERE name <> '' ORDER BY name")
        }
    }

    /// The time of the next sweep.
    private func reap(_ queue: JobQueue<SQLiteStore>, _ clock: TestClock) async throws -> ReapReport {
        clock.advance(by: .seconds(60))
        return try await queue.store.reap()
    }

    // MARK: - Repairs

    @Test(
        "a group that another program has taken out of the line is put back",
        arguments: [
            "UPDATE stint_groups SET state = 'idle'",
            "UPDATE stint_groups SET state = 'full'",
            "UPDATE stint_groups SET state = 'paced', resume_at = NULL",
            "UPDATE stint_groups SET state = 'paced', resume_at = 9000000000000000",
            "UPDATE stint_groups SET state = 'nonsense'",
            "DELETE FROM stint_groups",
        ])
    func stuck(sql: String) async throws {
        try await withQueue { queue, clock in
            _ = try await put(queue, "a", "b", nil)
            try await execute(queue, sql)
            #expect(try await queue.claim(9).isEmpty)
            #expect(try await reap(queue, clock).repairedGroups == 3)
            #expect(try await queue.claim(9).count == 3)
            #expect(try await reap(queue, clock).repairedGroups == 0)
            try await expectSound(queue.store)
        }
    }

    @Test("a limit that another program has raised lets the groups go on")
    func raisedLimit() async throws {
        try await withQueue { queue, clock in
            try await queue.store.configure("q", QueueSettings(groupConcurrency: .to(1)))
            _ = try await put(queue, "a", "a", "a")
            #expect(try await queue.claim(9, lease: .seconds(3_600)).count == 1)
            #expect(try await queue.claim(9).isEmpty)
            try await execute(queue, "UPDATE stint_queues SET group_concurrency = 2")
            #expect(try await reap(queue, clock).repairedGroups == 1)
            #expect(try await queue.claim(9).count == 1)
        }
    }

    @Test("a group that its limits hold back is left alone")
    func heldBack() async throws {
        try await withQueue { queue, clock in
            try await queue.store.configure(
                "q", QueueSettings(groupConcurrency: .to(1), groupRate: .to(Rate(1, per: .seconds(3_600)))))
            _ = try await put(queue, "full", "full", "held", "held", "paced", "paced")
            let jobs = try await queue.claim(9, lease: .seconds(36_000))
            #expect(jobs.count == 3)
            let outcomes: [Settlement.Outcome] = [.fail(error: "e", retryAfter: .seconds(9_000)), .ack]
            _ = try await queue.store.settle(zip(jobs.dropFirst(), outcomes).map { Settlement($0.lease, $1) })
            #expect(try await queue.claim(9).isEmpty)
            for _ in 0..<2 {
                #expect(try await reap(queue, clock).repairedGroups == 0)
                #expect(try await queue.claim(9).isEmpty)
            }
        }
    }

    @Test("a queue's number of leased jobs that another program has changed is counted again")
    func miscounted() async throws {
        try await withQueue { queue, clock in
            try await queue.store.configure("q", QueueSettings(concurrency: .to(2)))
            _ = try await put(queue, nil, nil, nil)
            #expect(try await queue.claim(1, lease: .seconds(3_600)).count == 1)
            try await execute(queue, "UPDATE stint_queues SET leased = 7")
            #expect(try await queue.claim(9).isEmpty)
            _ = try await reap(queue, clock)
            #expect(try await queue.claim(9).count == 1)
            try await expectSound(queue.store)
        }
    }

    @Test("doctor names ready jobs that no reap can give a group")
    func doctor() async throws {
        try await withQueue { queue, clock in
            let ids = try await put(queue, "a", "b", nil)
            try await execute(queue, "UPDATE stint_ready SET group_id = NULL WHERE job_id = \(ids[1])")
            _ = try await reap(queue, clock)
            let findings = try await queue.store.examine().filter { !$0.isGood }
            #expect(findings.map(\.subject) == ["groups"])
            #expect(findings[0].description.contains("1 ready jobs of 'q', the first is \(ids[1])"))
            try await queue.store.delete([ids[1]])
            try await expectSound(queue.store)
        }
    }

    @Test("a sweep reads a bounded number of groups, and the next one goes on there")
    func bounds() async throws {
        try await withQueue { queue, clock in
            _ = try await put(queue, "a")
            try await execute(
                queue,
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
                INSERT INTO stint_groups (queue_id, name) SELECT 1, 'g' || i FROM n
                """)
            clock.advance(by: .seconds(60))
            var pruned: [Int] = []
            for _ in 0..<4 { pruned.append(try await queue.store.reap().prunedGroups) }
            #expect(pruned == [1_000, 1_000, 500, 0])
            #expect(try await groups(queue) == ["a"])
        }
    }

    @Test(
        "no sweep sorts, or scans more than small tables",
        arguments: [
            ("nextReadyGroup", JobTransaction.nextReadyGroup), ("idleGroups", JobTransaction.idleGroups),
            ("deleteUnusedGroup", JobTransaction.deleteUnusedGroup), ("miscounted", JobTransaction.miscounted),
            ("leasedGroups", JobTransaction.leasedGroups),
        ])
    func plans(name: String, sql: String) async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.database)
        let plan = try await store.writer.run { database in
            try Statement("EXPLAIN QUERY PLAN \(sql)", database).rows { $0.text(3) }
        }
        // There are few queues, few leases, and few jobs that run.
        let bad = plan.filter {
            $0.hasPrefix("SCAN") && !["SCAN q", "SCAN l", "SCAN stint_leased"].contains($0)
                || $0.contains("TEMP B-TREE")
        }
        #expect(bad.isEmpty, "\(plan)")
    }

    // MARK: - Groups that are not needed

    @Test("a group goes when its last job has gone, and its next job makes it again")
    func prune() async throws {
        try await withQueue { queue, clock in
            for _ in 0..<2 {
                _ = try await put(queue, "a", "b", nil)
                #expect(try await groups(queue) == ["a", "b"])
                #expect(try await reap(queue, clock).prunedGroups == 0)
                let jobs = try await queue.claim(9, lease: .seconds(3_600))
                #expect(jobs.count == 3)
                #expect(try await reap(queue, clock).prunedGroups == 0)
                try await queue.ack(jobs)
                #expect(try await reap(queue, clock).prunedGroups == 2)
                #expect(try await groups(queue) == [])
            }
            try await expectSound(queue.store)
        }
    }

    @Test("a group stays while any job names it, in whatever state", arguments: JobState.allCases)
    func named(state: JobState) async throws {
        try await withQueue { queue, clock in
            try await queue.retain(.seconds(86_400), in: "q")
            let job = try NewJob(
                [1], in: "q",
                options: JobOptions(
                    delay: state == .delayed ? .seconds(9_000) : .zero,
                    group: "a", expires: state == .expired ? .milliseconds(1) : nil))
            let id = try await queue.enqueue(jobs: [job])[0].id
            switch state {
            case .ready, .delayed: break
            case .leased: _ = try await queue.claim(1, lease: .seconds(9_000))
            case .buried: try await queue.store.bury([id], reason: "r")
            case .done: try await queue.ack(try await queue.claim())
            case .cancelled: try await queue.store.cancel([id], reason: "r")
            case .expired: _ = try await reap(queue, clock)
            }
            // Without jobs it is out of the line after a claim.
            if state != .ready { _ = try await queue.claim() }
            #expect(try await reap(queue, clock).prunedGroups == 0)
            #expect(try await queue.store.job(id)?.record.state == state)
            #expect(try await queue.store.job(id)?.record.group == "a")
            try await queue.store.delete([id])
            _ = try await queue.claim()
            #expect(try await reap(queue, clock).prunedGroups == 1)
        }
    }

    @Test("a group with a weight stays")
    func weighed() async throws {
        try await withQueue { queue, clock in
            try await queue.store.setWeight(3, ofGroup: "a", in: "q")
            try await queue.store.setWeight(1, ofGroup: "b", in: "q")
            #expect(try await reap(queue, clock).prunedGroups == 1)
            #expect(try await groups(queue) == ["a"])
        }
    }

    @Test("a group stays while a start of its rate counts; no start stays longer")
    func starts() async throws {
        try await withQueue { queue, clock in
            try await queue.store.configure("q", QueueSettings(groupRate: .to(Rate(1, per: .seconds(100)))))
            try await queue.store.setWeight(2, ofGroup: "heavy", in: "q")
            _ = try await put(queue, "a", "heavy")
            try await queue.ack(try await queue.claim(9))
            #expect(try await reap(queue, clock).prunedGroups == 0)
            _ = try await put(queue, "a")
            #expect(try await queue.claim(9).isEmpty)
            clock.advance(by: .seconds(41))
            try await queue.ack(try await queue.claim(9))
            _ = try await reap(queue, clock)
            #expect(try await groups(queue) == ["a", "heavy"])
            #expect(try await reap(queue, clock).prunedGroups == 1)
            let starts = try await queue.store.writer.run {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM stint_starts")
            }
            #expect(starts == 0)
            #expect(try await groups(queue) == ["heavy"])
        }
    }
}
