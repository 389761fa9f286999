import GRDB
import StintCore
import Testing

@testable import StintSQLite

@Suite("Queries of the SQLite store")
struct QueryTests {
    @Test("jobs that were buried before they were grouped, or by another program, are grouped by reaps, once each")
    func grouping() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        try await queue.enqueue(jobs: (0..<600).map { _ in try NewJob([1], in: "q") })
        let database = try DatabaseQueue(path: folder.database)
        try await database.write {
            try $0.execute(
                sql: """
                    INSERT INTO stint_buried (job_id, queue_id, buried_at, attempts, crashes, reason)
                    SELECT job_id, queue_id, 1900000000000 + job_id, 1, 0,
                           'no attempts left (1 of 1), last: timed out after ' || job_id || ' s' FROM stint_ready;
                    INSERT INTO stint_failures (job_id, attempt, at, kind, error)
                    SELECT job_id, 1, 1900000000000, 'failed', 'timed out after ' || job_id || ' s' FROM stint_ready;
                    DELETE FROM stint_ready;
                    UPDATE stint_queues SET buried = buried + ready, ready = 0;
                    """)
        }
        #expect(try await queue.errorGroups().groups.isEmpty)
        // What is not grouped yet is found by its error all the same.
        let group = ErrorFingerprint("timed out after 7 s")
        for expected in [250, 500, 600, 600] {
            _ = try await queue.store.reap()
            let groups = try await queue.errorGroups().groups
            #expect(groups.map(\.jobs) == [expected] && groups.map(\.id) == [group.id])
            try await expectSound(queue.store)
        }
        let one = try #require(try await queue.errorGroups().groups.first)
        #expect(one.fingerprint == "timed out after <n> s" && one.sample.rawValue == 600)
        #expect(one.sampleError == "timed out after 600 s")
        #expect(try await queue.kick(JobSelection(one.query(.buried))) == 600)
        #expect(try await queue.errorGroups().groups.isEmpty)
        try await expectSound(queue.store)
    }

    @Test("a count that another program has made absurd stops no burial and no kick", arguments: [Int64.max, .min, -5])
    func absurdCount(count: Int64) async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let ids = try await queue.enqueue(jobs: (0..<3).map { _ in try NewJob([1], in: "q") }).map(\.id)
        try await queue.bury([ids[0]], reason: "r")
        let database = try DatabaseQueue(path: folder.database)
        try await database.write {
            try $0.execute(
                sql: "UPDATE stint_error_groups SET buried = ?, first_at = ?, last_at = ?",
                arguments: [count, count, count])
        }
        try await queue.bury([ids[1]], reason: "r")
        _ = try await queue.errorGroups()
        try await queue.kick([ids[0], ids[1]])
        #expect(try await queue.stats().map(\.buried) == [0])
    }

    @Test("the doctor says when the kept numbers of like errors are wrong")
    func doctor() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.bury([try await queue.enqueue(payload: [1], in: "q").id], reason: "r")
        try await expectSound(queue.store)
        let database = try DatabaseQueue(path: folder.database)
        try await database.write { try $0.execute(sql: "UPDATE stint_error_groups SET buried = 7 WHERE queue_id = 0") }
        #expect(try await queue.store.examine().filter { !$0.isGood }.map(\.subject) == ["errors"])
    }

    @Test("a place that no page has given leads to some page, and not to an error")
    func foreignPlaces() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.enqueue(jobs: (0..<3).map { _ in try NewJob([1], in: "q") })
        for state in JobState.allCases {
            for number in [Int64.min, -1, 0, 1, .max] {
                let place = JobCursor(state: state, queue: number, order: number, job: number)
                for query in ["", "queue:q", "state:ready", "id:1", "error-group:0000000000000001"] {
                    for isReversed in [false, true] {
                        let filter = JobFilter(try JobQuery(query), isReversed: isReversed)
                        #expect(try await queue.list(filter, after: place).jobs.count <= 3)
                    }
                    _ = try await queue.store.count(try JobQuery(query), after: place)
                    let cursor = SelectionCursor(place: place, newest: number, lastBurial: number, start: number)
                    _ = try await queue.store.select(JobSelection(try JobQuery(query)), from: cursor, limit: 9)
                }
                let groups = ErrorGroupCursor(order: number, position: number)
                for kind in ErrorGroupFilter.Kind.allCases {
                    _ = try await queue.errorGroups(ErrorGroupFilter(kind), after: groups)
                }
            }
        }
    }

    @Test("payloads bound a page too: it ends after some megabytes, and goes on")
    func largePayloads() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let payload = [UInt8](repeating: 0x78, count: 12 << 20)
        for _ in 1...4 { try await queue.enqueue(payload: payload, in: "q") }
        let last = try await queue.enqueue(payload: Array("the last".utf8), in: "q").id
        var (pages, found, cursor): (Int, [JobID], JobCursor?) = (0, [], nil)
        repeat {
            let page = try await queue.list(JobFilter(try JobQuery("last")), after: cursor)
            #expect(page.isCut == (page.next != nil))
            (pages, found, cursor) = (pages + 1, found + page.jobs.map(\.id), page.next)
        } while cursor != nil
        #expect(pages == 3 && found == [last])
        // What does not look at the payloads reads none of them.
        #expect(try await queue.list(JobFilter(try JobQuery("attempts:0"))).jobs.count == 5)
    }

    @Test(
        "headers are found in the stored text as they are read",
        arguments: [
            "a: 1\nb: 2", "b: 2\na: 1", "A: 1", "a:1", "a:  1", "aa: 1", "xa: 1", "a: 1\na: 2", "", "a", "a:", "a: ",
            ": 1",
            "b: a: 1", "\n\na: 1\n", "a : 1", "a: é", "b: 1\n a: 1",
        ])
    func headers(text: String) {
        let read = Headers(readable: text)["a"]
        let found = Array(text.utf8).withUnsafeBytes { bytes in
            StoredHeaders.value(of: "a", in: bytes).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(found == read)
    }
}
