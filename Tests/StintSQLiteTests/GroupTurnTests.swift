import StintCore
import Testing

@testable import StintSQLite

@Suite("Very many groups cost a claim no more than it needs")
struct GroupTurnTests {
    /// 40 groups with 20 jobs each.
    private func queue(_ folder: borrowing TemporaryFolder) async throws -> JobQueue<SQLiteStore> {
        let queue = try await JobQueue(.sqlite(folder.database))
        for group in 0..<40 {
            try await queue.enqueue(
                jobs: (0..<20).map { _ in try NewJob([1], in: "q", options: JobOptions(group: "\(group)")) })
        }
        return queue
    }

    /// The groups of a claim, in order.
    private func groups(
        _ queue: JobQueue<SQLiteStore>, limit: Int = 32, idleSlots: Int?, passingOverSuspects: Bool = false
    ) async throws -> [String] {
        let request = ClaimRequest(
            queues: ["q"], limit: limit, lease: .seconds(30), worker: "test:1", idleSlots: idleSlots,
            passesOverSuspects: passingOverSuspects)
        var groups: [String] = []
        for job in try await queue.store.claim(request) {
            groups.append(try #require(try await queue.store.job(job.id)?.record.group))
        }
        return groups
    }

    @Test("jobs that start at once come one of each group, and those that run one after the other several in a row")
    func quantum() async throws {
        let folder = try TemporaryFolder()
        let queue = try await queue(folder)
        #expect(try await groups(queue, idleSlots: nil) == (0..<32).map { "\($0)" })
        // The eight that had none, then those with one.
        #expect(try await groups(queue, idleSlots: 4) == (32..<36).flatMap { Array(repeating: "\($0)", count: 8) })
        #expect(try await groups(queue, idleSlots: 1) == (36..<40).flatMap { Array(repeating: "\($0)", count: 8) })
        #expect(try await groups(queue, idleSlots: 8) == (0..<8).flatMap { Array(repeating: "\($0)", count: 4) })
        try await expectSound(queue.store)
    }

    @Test("a claim takes at most 16 of a group in a row, and of jobs that start at once those of 32 groups")
    func mostInARow() async throws {
        let folder = try TemporaryFolder()
        let queue = try await queue(folder)
        let many = try await groups(queue, limit: 64, idleSlots: nil)
        #expect(many == (0..<32).flatMap { Array(repeating: "\($0)", count: 2) })
        let few = try await groups(queue, limit: 128, idleSlots: 1)
        #expect(few == (32..<40).flatMap { Array(repeating: "\($0)", count: 16) })
        try await expectSound(queue.store)
    }

    @Test(
        "if the queue limits how many of a group run, jobs that start at once are of eight groups",
        arguments: [1, 2, 8, 20])
    func limited(concurrency: Int) async throws {
        let folder = try TemporaryFolder()
        let queue = try await queue(folder)
        try await queue.setLimits(of: "q", groupConcurrency: .to(concurrency), groupOrder: .loose)
        let row = min(concurrency, 8)
        let claimed = try await groups(queue, limit: 64, idleSlots: nil)
        #expect(claimed == (0..<min(40, 64 / row)).flatMap { Array(repeating: "\($0)", count: row) })
        try await expectSound(queue.store)
    }

    @Test("over many claims of several in a row, no group gets more than one row more than another")
    func rounds() async throws {
        let folder = try TemporaryFolder()
        let queue = try await queue(folder)
        var served: [String: Int] = [:]
        for _ in 0..<15 {
            for group in try await groups(queue, idleSlots: 4) { served[group, default: 0] += 1 }
            #expect((served.values.max() ?? 0) - (served.count < 40 ? 0 : served.values.min() ?? 0) <= 8)
        }
        try await expectSound(queue.store)
    }

    @Test("a new group is served by the next claim, whatever came in a row before")
    func new() async throws {
        let folder = try TemporaryFolder()
        let queue = try await queue(folder)
        // Groups that were never served are all new; so a round, and the beginning of the next one.
        for _ in 0..<11 { _ = try await groups(queue, idleSlots: 4) }
        try await queue.enqueue(
            jobs: (0..<10).map { _ in try NewJob([1], in: "q", options: JobOptions(group: "new")) })
        #expect(try await groups(queue, idleSlots: 4).prefix(8) == Array(repeating: "new", count: 8)[...])
    }

    @Test("a suspect that is passed over stays, while its group's other jobs are removed from the line")
    func suspects() async throws {
        let folder = try TemporaryFolder()
        let queue = try await queue(folder)
        let suspect = try #require(try await queue.claim(1).first)
        try await queue.store.settle(Settlement(suspect.lease, .suspect))
        let claimed = try await groups(queue, idleSlots: 1, passingOverSuspects: true)
        #expect(claimed.count == 32)
        #expect(try await queue.store.job(suspect.id)?.record.state == .ready)
        try await expectSound(queue.store)
    }
}
