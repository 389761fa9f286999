import Foundation
import GRDB
import StintCore
import StintPlatform
import StoreConformance
import Subprocess
import Synchronization
import TestSupport
import Testing

@testable import StintSQLite

@Suite("Operations", .timeLimit(.minutes(5)))
struct OperationTests {
    private static let jobs = 20_000

    private func fill(_ queue: JobQueue<SQLiteStore>, _ name: QueueName = "q") async throws {
        for _ in 1...(Self.jobs / 1_000) {
            try await queue.enqueue(jobs: (0..<1_000).map { _ in try NewJob([1], in: name) })
        }
    }

    /// Notes, in the transaction that makes it, each change of a job that the operation makes.
    private func note(_ event: String, job: String, at path: String) async throws {
        let database = try DatabaseQueue(path: path)
        try await database.write {
            try $0.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS changed (job INTEGER NOT NULL);
                    DELETE FROM changed;
                    DROP TRIGGER IF EXISTS note_change;
                    CREATE TRIGGER note_change \(event) BEGIN INSERT INTO changed VALUES (\(job)); END;
                    """)
        }
        try database.close()
    }

    /// Kills one process after the other in the middle of it, until one ends it.
    ///
    /// - Returns: How many were killed after they had made a step.
    private func workThroughKills(_ path: String) async throws -> Int {
        var (killed, longest) = (0, 60_000)
        for round in 0..<200 {
            let time = round < 40 ? 3_000 + (round * 7_919) % longest : 0
            let result = try await Subprocess.run(
                .path(FilePath(claimingWorker)), arguments: ["operate", path, "42", "\(time)"],
                output: .string(limit: 1_048_576), error: .string(limit: 65_536))
            if result.terminationStatus.isSuccess { return killed }
            #expect(result.terminationStatus == .signaled(SIGKILL), "\(result.standardError)")
            // On a busy machine a process needs longer for its first step.
            if result.standardOutput.isEmpty { longest *= 2 } else { killed += 1 }
        }
        Issue.record("it does not end")
        return killed
    }

    @Test(
        "processes are killed in the middle of it, and no job is changed twice or forgotten",
        arguments: [
            (JobChange.bury(reason: "no"), "AFTER INSERT ON stint_buried", "NEW.job_id"),
            (JobChange.move(to: "other"), "AFTER UPDATE OF queue_id ON stint_jobs", "NEW.id"),
            (JobChange.delete, "AFTER INSERT ON stint_deleted", "NEW.job_id"),
        ])
    func killed(_ change: JobChange, event: String, job: String) async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        let queue = try await JobQueue(.sqlite(path, durability: .normal))
        try await fill(queue)
        try await note(event, job: job, at: path)
        var operation = try await queue.begin(change, on: JobSelection("q"), by: "test")
        #expect(try await workThroughKills(path) > 0)
        operation = try #require(try await queue.operation(operation.id))
        #expect(operation.state == .done && operation.changed == Self.jobs)
        try await expectChangedOnce(path)
        try await expectSound(queue.store)
        guard case .delete = change else { return }
        #expect(try await queue.stats()[0].ready == 0)
        try await note("AFTER DELETE ON stint_deleted", job: "OLD.job_id", at: path)
        var restore = try await queue.restore(operation.id)
        _ = try await workThroughKills(path)
        restore = try #require(try await queue.operation(restore.id))
        #expect(restore.state == .done && restore.changed == Self.jobs)
        #expect(try await queue.stats()[0].ready == Self.jobs)
        try await expectChangedOnce(path)
        try await expectSound(queue.store)
    }

    private func expectChangedOnce(_ path: String) async throws {
        let (all, different) = try await DatabaseQueue(path: path).read {
            (
                try Int.fetchOne($0, sql: "SELECT count(*) FROM changed"),
                try Int.fetchOne($0, sql: "SELECT count(DISTINCT job) FROM changed")
            )
        }
        #expect(all == Self.jobs && different == Self.jobs)
    }

    @Test("claims come between the steps: none waits for more than the step that is being made and one more")
    func claims() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        try await fill(queue)
        try await queue.enqueue(jobs: (0..<1_000).map { _ in try NewJob([1], in: "claimed") })
        let operation = try await queue.begin(.bury(reason: "no"), on: JobSelection("q"))
        let steps = Atomic(0)
        let work = Task { try await queue.run(operation.id) { _ in steps.add(1, ordering: .relaxed) } }
        var claims = 0
        while try await queue.operation(operation.id)?.state == .running {
            let before = steps.load(ordering: .relaxed)
            #expect(try await queue.claim(1, from: ["claimed"]).count == 1)
            #expect(steps.load(ordering: .relaxed) - before <= 2)
            claims += 1
        }
        _ = try await work.value
        #expect(claims >= 5)
        #expect(try await queue.stats().first { $0.name == "q" }?.buried == Self.jobs)
    }

    @Test("two processes work on one operation, and no job is changed twice")
    func twoProcesses() async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        let queue = try await JobQueue(.sqlite(path, durability: .normal))
        try await fill(queue)
        try await note("AFTER INSERT ON stint_buried", job: "NEW.job_id", at: path)
        let operation = try await queue.begin(.bury(reason: "no"), on: JobSelection("q"))
        // Both as one driver: else the second would only look on.
        async let first = runClaimingWorker("operate", path, "42", "0")
        async let second = runClaimingWorker("operate", path, "42", "0")
        let changed = try await (first + second).compactMap { $0.first.flatMap { Int($0) } }
        #expect(changed.reduce(0, +) == Self.jobs)
        #expect(try await queue.operation(operation.id)?.changed == Self.jobs)
        try await expectChangedOnce(path)
    }

    @Test("what was read ahead for one operation is not used for another")
    func readAheadOfAnother() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        try await fill(queue)
        let driver = OperationDriver()
        _ = try await queue.begin(.bury(reason: "no"), on: JobSelection("q"))
        while case .made = try await queue.store.step(by: driver) {}
        // A kick reads the jobs once, so one that is skipped is left.
        let rare = try await queue.begin(.kick, on: try JobQuery("queue:q header.tenant:x"))
        let found = try await queue.store.read { try $0.lookAhead(driver, pages: 5) }
        let ahead = try #require(found)
        #expect(ahead.operation == rare.id.rawValue)
        _ = try await queue.store.control(rare.id, .pause)
        let all = try await queue.begin(.kick, on: JobSelection("q"))
        _ = try await queue.store.write { try $0.step(by: driver, ahead: ahead) }
        while case .made = try await queue.store.step(by: driver) {}
        #expect(try await queue.operation(all.id)?.changed == Self.jobs)
    }

    @Test("past a million jobs that do not match, an operation reads without the write lock")
    func rare() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        try await fill(queue)
        try await queue.enqueue(
            payload: [1], in: "q", options: JobOptions(headers: try Headers(["tenant": "x"]), group: "acme"))
        let query = try JobQuery("queue:q header.tenant:x")
        let operation = try await queue.begin(.bury(reason: "no"), on: query)
        #expect(operation.filter == query.description)
        var steps = 0
        let driver = OperationDriver()
        while case .made = try await queue.store.step(by: driver) { steps += 1 }
        #expect(steps <= 4)
        #expect(try await queue.operation(operation.id)?.changed == 1)
    }

    @Test("one whose change or selection cannot be read fails, and says so; the others go on")
    func unreadable() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.enqueue(payload: [1], in: "q")
        let bad = try await queue.begin(.kick, on: JobSelection("q"))
        let good = try await queue.begin(.bury(reason: "no"), on: JobSelection("q"))
        try await DatabaseQueue(path: folder.database).write {
            try $0.execute(
                sql: "UPDATE stint_operations SET change = '{\"later\":{}}', verb = 'later' WHERE id = ?",
                arguments: [bad.id.rawValue])
        }
        #expect(try await queue.reap().changed == 1)
        let failed = try #require(try await queue.operation(bad.id))
        #expect(failed.state == .failed && failed.action == .unknown("later"))
        #expect(failed.failure?.contains("cannot be read") == true)
        #expect(try await queue.operation(good.id)?.state == .done)
    }

    @Test("of more than 10,000 records the oldest go, but none of an operation that has not ended")
    func pruned() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let id = try await queue.enqueue(payload: [1], in: "q").id
        let open = try await queue.begin(.kick, on: JobSelection("q"))
        try await queue.pause(open.id)
        try await DatabaseQueue(path: folder.database).write {
            try $0.execute(
                sql: """
                    WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 10500)
                    INSERT INTO stint_operations (verb, filter, begun_at, ended_at, state)
                    SELECT 'kick', 'id:1', (SELECT begun_at FROM stint_operations), 1, 'done' FROM n
                    """)
        }
        try await queue.change([id], .setPriority(to: 7), by: "alice")
        _ = try await queue.reap()
        let left = try await DatabaseQueue(path: folder.database).read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM stint_operations")
        }
        #expect(left == BulkOperation.maximumKept + 1)
        #expect(try await queue.operation(open.id)?.state == .paused)
        #expect(try await queue.operations(limit: 1)[0].actor == "alice")
    }

    @Test(
        "what looks for running operations reads only those that have not ended",
        arguments: [
            JobTransaction.anyRunningOperation, JobTransaction.openOperations, JobTransaction.runningOperations,
        ])
    func plan(_ sql: String) async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.database)
        let plan = try await store.writer.run { database in
            try Statement("EXPLAIN QUERY PLAN \(sql)", database).rows { $0.text(3) }
        }
        #expect(plan.first?.contains("stint_operations_open") == true, "\(plan)")
    }
}
