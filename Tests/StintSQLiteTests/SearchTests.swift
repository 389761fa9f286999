import Foundation
import GRDB
import StintCore
import TestSupport
import Testing

@testable import StintSQLite

@Suite("The index of free text")
struct SearchTests {
    private func setSearch(_ isOn: Bool, _ queue: JobQueue<SQLiteStore>, _ names: QueueName...) async throws {
        for name in names { try await queue.setSearch(of: name, isOn) }
    }

    private func found(
        _ query: String, in queue: JobQueue<SQLiteStore>, limit: Int = 100, isReversed: Bool = false
    ) async throws -> (jobs: [Int64], pages: Int) {
        var (jobs, pages, cursor): ([Int64], Int, JobCursor?) = ([], 0, nil)
        repeat {
            let filter = JobFilter(try JobQuery(query), limit: limit, isReversed: isReversed)
            let page = try await queue.list(filter, after: cursor)
            jobs += page.jobs.map(\.id.rawValue)
            (pages, cursor) = (pages + 1, page.next)
        } while cursor != nil
        return (jobs, pages)
    }

    private func numbers(_ database: DatabaseQueue, _ sql: String) async throws -> [Int64] {
        try await database.read { try Int64.fetchAll($0, sql: sql) }
    }

    /// How many jobs each part of the index has: the text, the list, and what the queue's row says.
    private func sizes(_ database: DatabaseQueue) async throws -> [Int64] {
        try await numbers(
            database,
            """
            SELECT count(*) FROM stint_search_content UNION ALL
            SELECT count(*) FROM stint_search_jobs WHERE bytes IS NOT NULL UNION ALL
            SELECT coalesce(sum(jobs), 0) FROM stint_search_queues UNION ALL
            SELECT coalesce((SELECT sum(bytes) FROM stint_search_jobs), 0) - coalesce((SELECT sum(bytes) FROM stint_search_queues), 0)
            """)
    }

    @Test("a job that an import adds, with an id below those that are indexed, is indexed too")
    func importedBelow() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await setSearch(true, queue, "q")
        for text in ["needle", "hay", "straw"] { try await queue.enqueue(payload: Array(text.utf8), in: "q") }
        let jobs = try await queue.store.exportJobs(of: nil, after: nil, limit: 9).jobs
        try await queue.store.delete([jobs[0].id])
        _ = try await queue.reap()
        #expect(try await queue.details(of: "q")?.search?.jobs == 2)
        _ = try await queue.store.importJobs(jobs)
        _ = try await queue.reap()
        #expect(try await queue.details(of: "q")?.search?.jobs == 3)
        #expect(try await found("queue:q needle", in: queue).jobs == [jobs[0].id.rawValue])
        try await expectSound(queue.store)
    }

    @Test("one rare text among many jobs is found at once, and its count is exact")
    func isUsed() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let count = JobFilter.maximumRowsRead * 2 + 500
        try await queue.enqueue(
            jobs: try (0..<count).map {
                try NewJob(Array("job \($0), \($0 == count - 1 ? "needle" : "hay")".utf8), in: "q")
            })
        try await queue.enqueue(payload: Array("a needle elsewhere".utf8), in: "other")
        let query = "queue:q needle"
        #expect(try await found(query, in: queue).jobs == [Int64(count)])
        #expect(try await found(query, in: queue).pages == 3, "the jobs were read")
        try await setSearch(true, queue, "q")
        #expect(try await queue.details(of: "q")?.search == QueueSearch(jobs: 0, bytes: 0, isBehind: true))
        #expect(try await queue.reap().indexed > count)
        #expect(try await queue.details(of: "q")?.search?.jobs == count)
        for isReversed in [false, true] {
            let (jobs, pages) = try await found(query, in: queue, isReversed: isReversed)
            #expect(jobs == [Int64(count)] && pages == 1)
        }
        #expect(try await queue.count(try JobQuery(query)) == .exactly(1))
        #expect(try await found("queue:q nowhere", in: queue).pages == 1)
        // Of each state that has jobs, and what no index finds beside it.
        #expect(try await found("queue:q needle attempts:0 -hay", in: queue).jobs == [Int64(count)])
        // A queue beside it that is not indexed, and no queue: all are read.
        #expect(try await found("queue:q queue:other needle", in: queue).jobs == [Int64(count), Int64(count + 1)])
        #expect(try await found("needle", in: queue).jobs.count == 2)
        // The newest are found before they are indexed.
        let newest = try await queue.enqueue(payload: Array("needle".utf8), in: "q").id
        let (jobs, pages) = try await found(query, in: queue)
        #expect(jobs == [Int64(count), newest.rawValue] && pages == 1)
        try await expectSound(queue.store)
    }

    @Test("a text that thousands of jobs have is found in the order of the list, page by page, in any state")
    func many() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let count = JobTransaction.fewFound * 2 + 300
        var jobs: [NewJob] = []
        for number in 0..<count {
            let text = number % 2 == 0 ? "common" : number % 701 == 1 ? "rare" : "other"
            let options = JobOptions(
                priority: UInt32(number % 3), delay: number % 5 == 0 ? .seconds(60 + number % 7) : .zero,
                group: "g\(number % 4)")
            jobs.append(try NewJob(Array(text.utf8), in: "q", options: options))
        }
        try await queue.enqueue(jobs: jobs)
        try await queue.bury(JobSelection(try JobQuery("queue:q group:g1 state:ready")), reason: "by hand")
        let queries = [
            "common", "rare", "common group:g0 group:g2", "common state:delayed", "hand", "rare -common", "mmo",
        ]
        var before: [String: [Int64]] = [:]
        for query in queries {
            for isReversed in [false, true] {
                before["\(query) \(isReversed)"] = try await found(
                    "queue:q \(query)", in: queue, isReversed: isReversed
                ).jobs
            }
        }
        try await setSearch(true, queue, "q")
        // Built in part, wholly, and without the oldest jobs: a few, and more than are looked up one by one.
        for step in 0..<4 {
            if step == 0 { for _ in 0..<3 { #expect(try await queue.store.indexText() > 0) } }
            if step == 1 { while try await queue.store.indexText() > 0 {} }
            for query in queries {
                for isReversed in [false, true] {
                    for limit in [37, 1_000] {
                        let jobs = try await found("queue:q \(query)", in: queue, limit: limit, isReversed: isReversed)
                            .jobs
                        #expect(jobs == before["\(query) \(isReversed)"], "step \(step): \(query), \(limit)")
                    }
                }
            }
            if step == 1 || step == 2 {
                let database = try DatabaseQueue(path: folder.database)
                let max = Int64(count * step / 3)
                try await database.write {
                    try $0.execute(
                        sql:
                            "UPDATE stint_search_queues SET max_bytes = (SELECT sum(bytes) FROM stint_search_jobs WHERE job_id > ?)",
                        arguments: [max])
                }
                while try await queue.store.indexText() > 0 {}
                #expect(try await numbers(database, "SELECT dropped_to FROM stint_search_queues") == [max])
            }
        }
    }

    @Test(
        "enqueuing, claiming and acknowledging write nothing of the index, and with search off nothing else does either"
    )
    func costsNothing() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let database = try DatabaseQueue(path: folder.database)
        try await queue.retain(.seconds(60), in: "q")
        func rows() async throws -> [Int64] {
            try await numbers(
                database,
                "SELECT (SELECT count(*) FROM stint_search_jobs) + (SELECT count(*) FROM stint_search_changes)")
        }
        let failed = try await queue.enqueue(payload: [1], in: "q").id
        _ = try await queue.store.settle(
            Settlement(try await queue.claim()[0].lease, .fail(error: "e", retryAfter: .seconds(9))))
        try await queue.bury([failed], reason: "r")
        #expect(try await rows() == [0])
        #expect(
            try await numbers(
                database, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'stint_search%' AND type = 'table'") == [
                    3
                ])
        try await setSearch(true, queue, "q")
        while try await queue.store.indexText() > 0 {}
        #expect(try await rows() == [1])
        for _ in 0..<3 { try await queue.enqueue(payload: [1], in: "q") }
        try await queue.ack(try await queue.claim(3))
        #expect(try await rows() == [1])
    }

    @Test(
        "the index is built in bounded steps, goes on after a step that failed and in another process, and has each job once"
    )
    func resumes() async throws {
        let folder = try TemporaryFolder()
        let first = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let database = try DatabaseQueue(path: folder.database)
        try await first.enqueue(
            jobs: try (0..<900).map {
                try NewJob(Array("job \($0) \(String(repeating: "x", count: $0))".utf8), in: "q")
            })
        try await setSearch(true, first, "q")
        var indexed: [Int64] = [0]
        for _ in 0..<3 {
            #expect(try await first.store.indexText() > 0)
            let sizes = try await sizes(database)
            #expect(sizes[0] == sizes[1] && sizes[1] == sizes[2] && sizes[3] == 0 && sizes[0] > indexed.last!)
            #expect(sizes[0] - indexed.last! <= 201)
            indexed.append(sizes[0])
        }
        // A step that does not commit.
        struct Killed: Error {}
        await #expect(throws: Killed.self) {
            try await first.store.write { transaction in
                #expect(try transaction.index() > 0)
                throw Killed()
            }
        }
        #expect(try await sizes(database)[0] == indexed.last!)
        #expect(try await found("queue:q \"job 899\"", in: first).jobs == [900])
        await first.close()
        let second = try await JobQueue(.sqlite(folder.database, durability: .normal))
        while try await second.store.indexText() > 0 {}
        #expect(try await sizes(database) == [900, 900, 900, 0])
        #expect(try await found("queue:q \"job 899\"", in: second).jobs == [900])
        try await expectSound(second.store)
        // Only two jobs with so much text go into one step.
        try await second.enqueue(
            jobs: try (0..<8).map { _ in try NewJob(Array(repeating: 0x61, count: 16_000), in: "q") })
        #expect(try await second.store.indexText() == 5)
    }

    @Test("the index keeps its bound: the oldest jobs go, and are found by reading them")
    func bound() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let database = try DatabaseQueue(path: folder.database)
        try await setSearch(true, queue, "q", "other")
        try await database.write {
            try $0.execute(sql: "UPDATE stint_search_queues SET max_bytes = 5000 WHERE queue_id = 1")
        }
        let jobs = try (0..<300).map {
            try NewJob(Array("number \($0) of these".utf8), in: $0 % 10 == 0 ? "other" : "q")
        }
        try await queue.enqueue(jobs: jobs)
        while try await queue.store.indexText() > 0 {}
        let bytes = try await numbers(database, "SELECT bytes FROM stint_search_queues ORDER BY queue_id")
        #expect(bytes[0] <= 5_000 && bytes[0] > 4_900 && bytes[1] > 1_000)
        #expect(try await sizes(database)[3] == 0)
        for number in [1, 2, 151, 298, 299] {
            #expect(try await found("queue:q \"number \(number) of\"", in: queue).jobs == [Int64(number + 1)])
        }
        #expect(try await queue.details(of: "q")?.search?.isBehind == false)
        // A change of a job that has gone does not bring it back.
        try await queue.bury([JobID(rawValue: 2)], reason: "by hand")
        while try await queue.store.indexText() > 0 {}
        #expect(try await numbers(database, "SELECT count(*) FROM stint_search_jobs WHERE job_id = 2") == [0])
        #expect(try await found("queue:q \"by hand\"", in: queue).jobs == [2])
        try await expectSound(queue.store)
    }

    @Test("jobs that are gone leave the index")
    func gone() async throws {
        let folder = try TemporaryFolder()
        var options = SQLiteStore.Options(durability: .normal)
        let clock = TestClock()
        options.clock = clock
        let queue = try await JobQueue(.sqlite(folder.database, options: options))
        let database = try DatabaseQueue(path: folder.database)
        try await setSearch(true, queue, "q")
        try await queue.enqueue(jobs: try (0..<500).map { try NewJob(Array("job \($0)".utf8), in: "q") })
        while try await queue.store.indexText() > 0 {}
        try await queue.ack(try await queue.claim(450))
        clock.advance(by: .seconds(61))
        while try await queue.store.indexText() > 0 {}
        #expect(try await sizes(database) == [50, 50, 50, 0])
        try await expectSound(queue.store)
    }

    @Test(
        "switched off, a queue leaves the index in bounded steps, and the others stay; switched on in between, it begins anew"
    )
    func off() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let database = try DatabaseQueue(path: folder.database)
        try await setSearch(true, queue, "q", "other")
        try await queue.enqueue(
            jobs: try (0..<1_000).map { try NewJob(Array("job \($0)".utf8), in: $0 < 900 ? "q" : "other") })
        while try await queue.store.indexText() > 0 {}
        try await setSearch(false, queue, "q")
        #expect(try await sizes(database)[0] == 1_000)
        #expect(try await queue.store.indexText() > 0)
        let left = try await sizes(database)[0]
        #expect((700..<1_000).contains(left))
        try await setSearch(true, queue, "q")
        #expect(try await found("queue:q \"job 77\"", in: queue).jobs.first == 78)
        while try await queue.store.indexText() > 0 {}
        #expect(try await sizes(database) == [1_000, 1_000, 1_000, 0])
        try await setSearch(false, queue, "q")
        while try await queue.store.indexText() > 0 {}
        #expect(try await sizes(database) == [100, 100, 100, 0])
        try await setSearch(false, queue, "other")
        while try await queue.store.indexText() > 0 {}
        #expect(try await numbers(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'stint_search'") == [0])
        #expect(try await found("queue:q \"job 77\"", in: queue).jobs.first == 78)
        try await expectSound(queue.store)
    }

    @Test("a corrupt index is reported, queries read the jobs instead, and switching it off and on makes a new one")
    func corrupt() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        try await queue.enqueue(jobs: try (0..<500).map { try NewJob(Array("job \($0)".utf8), in: "q") })
        try await setSearch(true, queue, "q")
        while try await queue.store.indexText() > 0 {}
        try await expectSound(queue.store)
        await queue.close()
        do {
            let database = try DatabaseQueue(path: folder.database)
            try await database.write { try $0.execute(sql: "UPDATE stint_search_data SET block = x'ff' WHERE id > 10") }
            try database.close()
        }
        let again = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let bad = try await again.store.examine().filter { !$0.isGood }
        #expect(bad.map(\.subject) == ["search"] && bad[0].description.contains("switch it off"), "\(bad)")
        #expect(try await found("queue:q \"job 77\"", in: again).jobs == [78])
        try await setSearch(false, again, "q")
        while try await again.store.indexText() > 0 {}
        try await setSearch(true, again, "q")
        while try await again.store.indexText() > 0 {}
        try await expectSound(again.store)
        #expect(try await found("queue:q \"job 77\"", in: again).jobs == [78])
    }

    @Test("the doctor says when the index misses jobs, and when it is far behind")
    func doctor() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let database = try DatabaseQueue(path: folder.database)
        try await setSearch(true, queue, "q")
        try await queue.enqueue(jobs: try (0..<100).map { try NewJob(Array("job \($0)".utf8), in: "q") })
        while try await queue.store.indexText() > 0 {}
        try await database.write { try $0.execute(sql: "DELETE FROM stint_search WHERE rowid = 99") }
        #expect(
            try await queue.store.examine().filter { !$0.isGood }.map(\.description).contains { $0.contains("job 99") })
        try await queue.enqueue(jobs: try (0..<10_001).map { _ in try NewJob([1], in: "q") })
        try await database.write {
            try $0.execute(sql: "DELETE FROM stint_search_jobs WHERE job_id = 99")
        }
        let bad = try await queue.store.examine().filter { !$0.isGood }
        #expect(bad.count == 1 && bad[0].description.hasPrefix("10001 jobs of 'q' are not in the index"), "\(bad)")
    }

    @Test("a payload that another program has replaced is found by its new text")
    func replacedBySQL() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let database = try DatabaseQueue(path: folder.database)
        try await setSearch(true, queue, "q")
        for text in ["the first text", "the second text"] {
            try await database.write {
                try $0.execute(
                    sql:
                        "INSERT INTO stint_enqueue (queue, payload, unique_key, on_conflict) VALUES ('q', ?, 'k', 'replace')",
                    arguments: [text])
            }
            #expect(try await found("queue:q \"\(text)\"", in: queue).jobs == [1])
            while try await queue.store.indexText() > 0 {}
            #expect(try await found("queue:q \"\(text)\"", in: queue).jobs == [1])
        }
        #expect(try await found("queue:q \"the first text\"", in: queue).jobs == [])
        try await expectSound(queue.store)
    }

    @Test(
        "a text becomes quoted rows of three characters, of which none is an operator",
        arguments: [
            ("abc", "\"abc\""), ("ABCD", "\"abc\" AND \"bcd\""), ("ab", nil), ("", nil), ("a\"b", "\"a\"\"b\""),
            ("aaaaa", "\"aaa\""), ("é👩x", "\"é👩x\""), ("ÀBC", "\"Àbc\""),
        ] as [(String, String?)])
    func expressions(text: String, expected: String?) {
        #expect(SearchText.expression(for: QueryText(text)) == expected)
    }

    @Test("of a long text, a bounded number of rows are looked up, with the first and the last")
    func longExpression() {
        let text = String((0..<4_000).map { Character(UnicodeScalar(0x4E00 + UInt32($0))!) })
        let parts = SearchText.expression(for: QueryText(text))!.components(separatedBy: " AND ")
        #expect(parts.count == 24 && parts[0] == "\"\(text.prefix(3))\"" && parts[23] == "\"\(text.suffix(3))\"")
    }
}
