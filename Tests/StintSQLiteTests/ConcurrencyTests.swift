import StintCore
import StintSQLite
import Testing

@Suite("Several processes share one file")
struct ConcurrencyTests {
    @Test("8 processes claim 20,000 jobs and no job is handed out twice", .timeLimit(.minutes(5)))
    func eightClaimers() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let total = 20_000
        for start in stride(from: 0, to: total, by: 1_000) {
            try await queue.enqueue(jobs: try (start..<start + 1_000).map { try NewJob(Array("\($0)".utf8), in: "q") })
        }
        let path = folder.database
        let claims = try await withThrowingTaskGroup(of: [[Substring]].self) { group in
            for batch in [1, 3, 7, 16, 16, 64, 64, 100] {
                group.addTask { try await runClaimingWorker("claim", path, "\(batch)") }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(claims.count == total)
        #expect(Set(claims.map { $0[0] }).count == total, "a job was handed out twice")
        let stats = try #require(try await queue.store.stats().first)
        #expect(stats.done == total && stats.unfinished == 0)
        try await expectSound(queue.store)
    }

    @Test("8 processes that enqueue the same unique keys make one job of each")
    func uniqueKeys() async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        let answers = try await withThrowingTaskGroup(of: [[Substring]].self) { group in
            for _ in 1...8 { group.addTask { try await runClaimingWorker("unique", path, "100") } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(answers.count == 800)
        #expect(answers.count { $0[2] == "new" } == 100)
        #expect(Set(answers.map { "\($0[0]) \($0[1])" }).count == 100, "a key has two ids")
        try await expectSound(try SQLiteStore(path: path))
    }

    @Test("16 processes that make the same database at once all find it whole")
    func simultaneousCreation() async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...16 { group.addTask { _ = try await runClaimingWorker("open", path) } }
            try await group.waitForAll()
        }
        try await expectSound(try SQLiteStore(path: path))
    }

    @Test("64 tasks of one process enqueue at once, and every answer is true")
    func manyTasks() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let ids = try await withThrowingTaskGroup(of: JobID.self) { group in
            for number in 0..<64 {
                group.addTask { try await queue.enqueue(payload: [UInt8(number)], in: "q").id }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(ids.count == 64)
        #expect(Set(try await queue.claim(100).map(\.payload)) == Set((0..<64).map { [$0] }))
    }
}
