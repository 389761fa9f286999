import ArgumentParser
import Foundation
import Stint
import StintCore
import StintPlatform
import TestSupport

/// What a person's queries cost in a large file.
struct QueriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queries",
        abstract: "What pages, counts and groups of errors cost in a large file, and what grouping costs a burial.",
        discussion: "Two million jobs take about 800 MB in the folder while it runs.")

    @Option(help: "How many jobs wait, and how many others are buried.")
    var jobs = 1_000_000

    @Option(help: "How many groups the buried jobs' errors make.")
    var groups = 100_000

    @Option(help: "How often each is measured.")
    var rounds = 50

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard jobs >= 1_000, groups >= 1, rounds >= 2 else {
            throw ValidationError("There must be at least 1000 jobs, one group and two rounds.")
        }
    }

    func run() async throws {
        try await common.report("queries") { folder in
            let path = folder.path("queries")
            say("queries, making the file")
            try await makeFile(path)
            let queue = try await JobQueue(.sqlite(path, durability: .normal))
            say("queries, grouping the buried jobs")
            var findings = QueriesFindings(jobs: jobs, groups: groups)
            try await findings.measureGrouping(queue)
            say("queries, reading")
            for (query, isIndexed) in Self.pages {
                try await findings.measurePage(queue, query, isIndexed: isIndexed, rounds)
            }
            for query in Self.counts { try await findings.measureCount(queue, query, rounds) }
            try await findings.measureErrors(queue, rounds)
            say("queries, free text")
            try await findings.measureSearch(queue, path, rounds)
            return findings
        }
    }

    /// Queries, and whether an index answers them.
    private static let pages: [(String, Bool)] = [
        ("", true), ("state:buried", true), ("queue:q-3 state:ready", true), ("queue:q-3 queue:q-4", true),
        ("-queue:q-3", true), ("queue:q-1 group:g-7 state:ready", true), ("group:g-7", true), ("id:123456", true),
        ("state:buried queue:q-3", true), ("state:delayed", true), ("name:newsletter.*", true), ("age:>1h", true),
        ("name:none", false), ("header.tenant:none", false), ("error:none", false), ("attempts:>3", false),
        ("state:buried error:none", false), ("age:>9999d", false), ("none", false), ("-name:newsletter.*", false),
        ("state:ready error-group:0000000000000000", false),
    ]
    private static let counts = [
        "state:ready", "queue:q-3 state:buried", "queue:q-1 group:g-7", "group:g-7 state:ready", "age:>1h", "name:none",
        "none",
    ]

    private func makeFile(_ path: String) async throws {
        try await JobQueue(.sqlite(path)).close()
        let connection = try SQLiteConnection(path, durability: .normal, busyTimeout: 5_000)
        for setting in ["journal_mode = OFF", "synchronous = OFF", "cache_size = -262144"] {
            try connection.executeWhenFree("PRAGMA \(setting)")
        }
        func numbers(_ first: Int, _ last: Int) -> String {
            "(WITH RECURSIVE n(n) AS (SELECT \(first) UNION ALL SELECT n + 1 FROM n WHERE n < \(last)) SELECT n FROM n)"
        }
        let word = (0..<5).map { "char(97 + n % \(groups) / \(Int(pow(26, Double($0)))) % 26)" }.joined(
            separator: " || ")
        try connection.execute(
            """
            BEGIN;
            INSERT INTO stint_queues (id, name) SELECT n, 'q-' || n FROM \(numbers(1, 10));
            INSERT INTO stint_groups (id, queue_id, name) SELECT n, 1 + (n - 1) / 10, 'g-' || n FROM \(numbers(1, 100));
            INSERT INTO stint_jobs (id, queue_id, priority, max_attempts, max_crashes, enqueued_at, content_type, headers,
                                    payload)
            SELECT n, 1 + n % 10, 1024, 10, 3, \(SystemClock().now().wall - 7_200_000) + n / 1000, 'application/json',
                   'job-name: newsletter.weekly' || char(10) || 'tenant: t' || (n % 1000),
                   CAST('{"member":' || n || ',"issue":7,"text":"' || hex(randomblob(40)) || '"}' AS BLOB)
            FROM \(numbers(1, 2 * jobs));
            INSERT INTO stint_ready (queue_id, priority, job_id, attempts, crashes, suspect, group_id)
            SELECT queue_id, priority, id, 0, 0, 0, (queue_id - 1) * 10 + 1 + id / 10 % 10
            FROM stint_jobs WHERE id <= \(jobs) AND id % 10 < 9 ORDER BY queue_id, priority, id;
            INSERT INTO stint_delayed (job_id, queue_id, run_at, attempts, crashes, suspect, group_id)
            SELECT id, queue_id, enqueued_at + 86400000 + id * 2654435761 % 1000000000, 1, 0, 0,
                   (queue_id - 1) * 10 + 1 + id / 10 % 10
            FROM stint_jobs WHERE id <= \(jobs) AND id % 10 = 9;
            INSERT INTO stint_failures (job_id, attempt, at, kind, error)
            SELECT job_id, 1, run_at, 'failed', 'connect 10.0.0.' || job_id % 250 || ': timed out' FROM stint_delayed;
            INSERT INTO stint_buried (job_id, queue_id, buried_at, attempts, crashes, reason)
            SELECT n, 1 + n % 10, \(SystemClock().now().wall), 10, 0,
                   'no attempts left (10 of 10), last: cannot send ' || n || ' to ' || \(word)
            FROM \(numbers(jobs + 1, 2 * jobs));
            INSERT INTO stint_failures (job_id, attempt, at, kind, error)
            SELECT n, 10, \(SystemClock().now().wall), 'failed', 'cannot send ' || n || ' to ' || \(word)
            FROM \(numbers(jobs + 1, 2 * jobs));
            UPDATE stint_queues SET ready = (SELECT count(*) FROM stint_ready WHERE queue_id = stint_queues.id),
                                    delayed = (SELECT count(*) FROM stint_delayed WHERE queue_id = stint_queues.id),
                                    buried = (SELECT count(*) FROM stint_buried WHERE queue_id = stint_queues.id);
            COMMIT;
            """)
        try connection.executeWhenFree("PRAGMA journal_mode = WAL")
    }
}

struct QueriesFindings: Findings {
    struct Row: Encodable {
        let what: String
        let millisecondsP50: Double
        let millisecondsP99: Double
        let result: String
        /// `nil`: nothing is expected.
        let limit: Double?
    }

    let jobs: Int
    let groups: Int
    private(set) var rows: [Row] = []

    init(jobs: Int, groups: Int) {
        (self.jobs, self.groups) = (jobs, groups)
    }

    private mutating func measure(
        _ what: String, _ rounds: Int, limit: Double?, _ body: (Int) async throws -> String
    ) async throws {
        var (times, result): ([Double], String) = ([], "")
        for round in 0..<rounds {
            let start = MonotonicClock.nanoseconds()
            result = try await body(round)
            times.append(Double(MonotonicClock.nanoseconds() - start) / 1e6)
        }
        times.sort()
        rows.append(
            Row(
                what: what, millisecondsP50: times.median, millisecondsP99: times[(times.count * 99 - 1) / 100],
                result: result, limit: limit))
    }

    /// Jobs that were buried before they were grouped: a reap groups 250 at a time.
    mutating func measureGrouping(_ queue: JobQueue<SQLiteStore>) async throws {
        let steps = (jobs + 249) / 250
        try await measure("reap that groups 250 burials", steps, limit: nil) { _ in
            _ = try await queue.store.reap()
            return ""
        }
        let selection = JobSelection(try JobQuery("queue:q-1 state:ready"))
        var cursor: SelectionCursor?
        try await measure("bury 1,000 jobs, one reason", 20, limit: nil) { _ in
            let step = try await queue.store.change(selection, .bury(reason: "by hand"), from: cursor, limit: 1_000)
            cursor = step.next
            return "\(step.jobs.count) jobs"
        }
        cursor = nil
        let buried = JobSelection(try JobQuery("state:buried error-group:\(ErrorFingerprint("by hand").id)"))
        try await measure("kick 1,000 jobs of a group of errors", 20, limit: nil) { _ in
            let step = try await queue.store.change(buried, .kick, from: cursor, limit: 1_000)
            cursor = step.next
            return "\(step.jobs.count) jobs"
        }
    }

    mutating func measurePage(
        _ queue: JobQueue<SQLiteStore>, _ query: String, isIndexed: Bool, _ rounds: Int
    ) async throws {
        var filter = JobFilter(try JobQuery(query))
        for isReversed in [false, true] {
            filter.isReversed = isReversed
            var cursor: JobCursor?
            try await measure(
                "page \(isReversed ? "reversed " : "")[\(query)]", rounds, limit: isIndexed ? 10 : 50
            ) { _ in
                let page = try await queue.list(filter, after: cursor)
                cursor = page.next
                return "\(page.jobs.count) jobs\(page.isCut ? ", cut" : "")"
            }
        }
    }

    mutating func measureCount(_ queue: JobQueue<SQLiteStore>, _ query: String, _ rounds: Int) async throws {
        let query = try JobQuery(query)
        try await measure("count [\(query)]", rounds, limit: 60) { _ in
            switch try await queue.count(query) {
            case .exactly(let count): "\(count)"
            case .moreThan(let count, _): "more than \(count)"
            }
        }
    }

    mutating func measureErrors(_ queue: JobQueue<SQLiteStore>, _ rounds: Int) async throws {
        for kind in ErrorGroupFilter.Kind.allCases {
            for name: QueueName? in [nil, "q-3"] {
                var cursor: ErrorGroupCursor?
                try await measure(
                    "errors, \(kind)\(name.map { " in \($0)" } ?? "")", rounds, limit: kind == .buried ? 10 : 50
                ) { _ in
                    let page = try await queue.errorGroups(ErrorGroupFilter(kind, queue: name), after: cursor)
                    cursor = page.next
                    return "\(page.groups.count) groups"
                }
            }
        }
    }

    /// Whole answers, over all queues, before and after free text is indexed, and what that costs.
    mutating func measureSearch(_ queue: JobQueue<SQLiteStore>, _ path: String, _ rounds: Int) async throws {
        let queues = try (1...10).map { try QueueName("q-\($0)") }
        let names = queues.map { "queue:\($0)" }.joined(separator: " ")
        let texts = [
            ("of one job", "\"\\\"member\\\":\(jobs / 2),\""), ("of one buried job", "\"cannot send \(jobs + 77) to\""),
            ("of none", "\"nowhere to be found\""), ("of a thousand jobs", "\"cannot send \(jobs / 100 + 1_000)\""),
        ]
        func answers(_ suffix: String, _ rounds: Int, limit: Double?) async throws {
            for (what, text) in texts {
                let query = try JobQuery("\(names) \(text)")
                try await measure("all pages of a text \(what)\(suffix)", rounds, limit: limit) { _ in
                    var (found, pages, cursor): (Int, Int, JobCursor?) = (0, 0, nil)
                    repeat {
                        let page = try await queue.list(JobFilter(query), after: cursor)
                        (found, pages, cursor) = (found + page.jobs.count, pages + 1, page.next)
                    } while cursor != nil
                    return "\(found) jobs, \(count(pages, "page"))"
                }
            }
        }
        func enqueue(_ suffix: String, _ names: [QueueName]) async throws {
            var number = 0
            try await measure("enqueue 1,000 jobs\(suffix)", rounds, limit: nil) { round in
                let batch = try (0..<1_000).map { place in
                    number += 1
                    return try NewJob(
                        Array("{\"member\":\(number),\"issue\":7,\"text\":\"\(round) \(place)\"}".utf8),
                        in: names[round % names.count])
                }
                return "\(try await queue.enqueue(jobs: batch).count) jobs"
            }
        }
        func size() throws -> Int { try Int(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64 ?? 0) }
        try await answers("", 3, limit: nil)
        await queue.store.checkpointLog()
        let before = try size()
        for name in queues { try await queue.setSearch(of: name, true) }
        var (times, indexed): ([Double], Int) = ([], 0)
        while true {
            let start = MonotonicClock.nanoseconds()
            let step = try await queue.store.indexText()
            guard step > 0 else { break }
            indexed += step
            times.append(Double(MonotonicClock.nanoseconds() - start) / 1e6)
            if times.count % 200 == 0 { await queue.store.checkpointLog() }
        }
        await queue.store.checkpointLog()
        var bytes = 0
        for name in queues { bytes += try await queue.details(of: name)?.search?.bytes ?? 0 }
        let total = times.reduce(0, +)
        times.sort()
        rows.append(
            Row(
                what: "step that indexes", millisecondsP50: times.median,
                millisecondsP99: times[(times.count * 99 - 1) / 100],
                result:
                    "\(times.count) steps in \((total / 1_000).text(1)) s; \(bytes / 1_000_000) MB of text, the file grew by "
                    + "\((try size() - before) / 1_000_000) MB",
                limit: nil))
        try await answers(", indexed", rounds, limit: 10)
        try await enqueue(", queue with an index", ["q-1"])
        try await enqueue(", queue without", ["q-none"])
    }

    var grids: [Grid] {
        var grid = Grid(
            "\(count(jobs, "job")) wait, as many are buried, \(count(groups, "group")) of errors; ms", "p50", "p99",
            "limit", "")
        for row in rows {
            grid.add(
                row.what, row.millisecondsP50.text(2), row.millisecondsP99.text(2), row.limit?.text(0) ?? "", row.result
            )
        }
        return [grid]
    }

    var expectations: [Expectation] {
        rows.compactMap { row in
            row.limit.map { Expectation(row.what, .below, $0, reached: row.millisecondsP50, unit: "ms") }
        }
    }
}
