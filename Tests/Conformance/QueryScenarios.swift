import Foundation
import StintCore
import TestSupport
import Testing

/// Jobs that a query finds: in lists, counts and selections, and grouped by their errors.
let queryScenarios: [Scenario] = [
    Scenario("each term of a query finds the jobs that it names, in every state, and its negation the others") {
        stage in
        let jobs = try await stage.queriedJobs()
        for (query, names) in queriedTerms {
            let found = try await stage.found(query)
            #expect(
                found == Set(names.map { jobs[$0]! }),
                "\(query): \(jobs.filter { found.contains($0.value) }.keys.sorted())")
            guard !query.contains(" ") else { continue }
            #expect(try await stage.found("-\(query)") == Set(jobs.values).subtracting(found), "-\(query)")
        }
    },
    Scenario("what matches only as a wildcard would is not found") { stage in
        let id = try await stage.enqueue(
            "100 % sure_thing *", options: JobOptions(headers: Headers(["job-name": "a%b"])))
        for (query, isFound) in [
            ("\"% SURE_THING *\"", true), ("\"100%\"", false), ("sure%", false), ("sure.thing", false), ("*", true),
            ("name:a%b", true), ("name:a_b", false), ("name:a%", false), ("name:a%*", true), ("name:%", false),
            ("name:\"a%*\"", false), ("name:A%b", false), ("header.job-name:*", true),
        ] {
            #expect(try await stage.found(query) == (isFound ? [id] : []), "\(query)")
        }
    },
    Scenario("the events of a digest are found by their text, each") { stage in
        let options = JobOptions(uniqueKey: "k", onConflict: .collect)
        let id = try await stage.enqueue("first event", options: options)
        try await stage.enqueue("second event", options: options)
        try await stage.enqueue("third", in: "other")
        for text in ["FIRST", "\"second event\"", "\"first event\" second"] {
            #expect(try await stage.found(text) == [id])
        }
        #expect(try await stage.found("eventsecond") == [])
    },
    Scenario("a list of any query in pages, in either order, is the whole list") { stage in
        try await stage.queriedJobs()
        for query in queriedTerms.map(\.query) + ["", "-queue:other", "queue:q queue:other", "-state:ready"] {
            for isReversed in [false, true] {
                let filter = JobFilter(try JobQuery(query), isReversed: isReversed)
                let whole = try await stage.pages(filter)
                for limit in [1, 3] {
                    var part = filter
                    part.limit = limit
                    #expect(try await stage.pages(part) == whole, "\(query)")
                }
            }
        }
        for state in JobState.allCases {
            let list = try await stage.pages(JobFilter(JobQuery(queue: "q", state: state)))
            let reversed = try await stage.pages(JobFilter(JobQuery(queue: "q", state: state), isReversed: true))
            #expect(reversed == list.reversed())
        }
    },
    Scenario("while jobs move, a list in pages has none twice that stays, and misses none that stays") { stage in
        var generator = SeededGenerator(seed: 14)
        let options = { (number: Int) in
            JobOptions(
                priority: UInt32(number % 5), delay: number % 3 == 0 ? .seconds(60 + number % 7) : .zero,
                group: "g\(number % 4)")
        }
        var ids: [JobID] = []
        for number in 0..<120 { ids.append(try await stage.enqueue(options: options(number))) }
        for query in ["", "queue:q", "group:g1 group:g2", "attempts:0", "-queue:other state:ready state:delayed"] {
            var (moved, seen, cursor): (Set<JobID>, [JobID], JobCursor?) = ([], [], nil)
            let before = try await stage.found(query)
            repeat {
                let page = try await stage.store.page(JobFilter(try JobQuery(query), limit: 7), after: cursor)
                seen += page.jobs.map(\.id)
                cursor = page.next
                let some = (0..<3).map { _ in ids.randomElement(using: &generator)! }
                for id in Set(some) {
                    moved.insert(id)
                    switch try await stage.state(id) {
                    case .ready: try await stage.store.bury([id], reason: "moved")
                    case .buried: try await stage.store.kick([id])
                    case .delayed: try await stage.store.runNow([id])
                    case .leased, .done, .cancelled, .expired, nil: Issue.record("no job is here")
                    }
                }
                // New ones come, and do not count.
                moved.insert(try await stage.enqueue(options: options(seen.count)))
            } while cursor != nil
            let stayed = seen.filter { !moved.contains($0) }
            #expect(Set(stayed).count == stayed.count, "a job that stays is listed twice: \(query)")
            #expect(Set(stayed) == before.subtracting(moved), "a job that stays is missing: \(query)")
        }
    },
    Scenario("a page that few jobs match ends after a bounded number of reads, and says where to go on") { stage in
        let count = JobFilter.maximumRowsRead + 500
        let jobs = try (0..<count).map { try NewJob([UInt8($0 == count - 1 ? 0x79 : 0x78)], in: "q") }
        let last = try await stage.store.enqueue(jobs)[count - 1].id
        for query in ["y", "attempts:1", "header.a:b", "error:x", "queue:q y"] {
            let filter = JobFilter(try JobQuery(query))
            let page = try await stage.store.page(filter, after: nil)
            let next = try #require(page.next, "all were read at once: \(query)")
            #expect(page.jobs.isEmpty && page.isCut)
            let rest = try await stage.store.page(filter, after: next)
            #expect(rest.jobs.map(\.id) == (query.hasSuffix("y") ? [last] : []) && rest.next == nil && !rest.isCut)
        }
        // An index answers these.
        let all = try await stage.store.page(JobFilter(try JobQuery("queue:q state:ready")), after: nil)
        #expect(all.jobs.count == 100 && !all.isCut && all.next != nil)
        #expect(try await stage.store.page(JobFilter(try JobQuery("id:\(last)")), after: nil).jobs.map(\.id) == [last])
    },
    Scenario("a count is exact at once if queues and states say it all, and else may be continued") { stage in
        let count = 2 * JobFilter.maximumRowsRead + 500
        let jobs = try (0..<count).map { try NewJob([], in: $0 % 2 == 0 ? "q" : "other") }
        _ = try await stage.store.enqueue(jobs)
        try await stage.store.bury([JobID(rawValue: 1)], reason: "r")
        func counted(_ query: String) async throws -> JobCount {
            try await stage.store.count(try JobQuery(query), after: nil)
        }
        #expect(try await counted("state:ready") == .exactly(count - 1))
        #expect(try await counted("queue:q -state:done -state:cancelled -state:expired") == .exactly(count / 2))
        #expect(try await counted("-queue:q state:ready") == .exactly(count / 2))
        #expect(try await counted("state:buried error:r") == .exactly(1))
        #expect(try await counted("queue:nowhere") == .exactly(0))
        // Each job has to be looked at.
        let first = try await counted("attempts:0")
        let next = try #require(first.next)
        #expect(first.counted < count && first.counted > 0)
        var (sum, place, steps) = (first.counted, JobCursor?.some(next), 0)
        while let after = place, steps < 100 {
            let step = try await stage.store.count(try JobQuery("attempts:0"), after: after)
            (sum, place, steps) = (sum + step.counted, step.next, steps + 1)
        }
        #expect(sum == count && place == nil)
    },
    Scenario("counts of queries are those of their lists") { stage in
        try await stage.queriedJobs()
        for query in queriedTerms.map(\.query) + [
            "", "-queue:other", "-group:acme", "state:done", "queue:q state:expired",
        ] {
            let count = try await stage.store.count(try JobQuery(query), after: nil)
            #expect(count == .exactly(try await stage.found(query).count), "\(query)")
        }
    },
    Scenario("a bulk change takes any query, over several queues, and its ages count from the beginning of the walk") {
        stage in
        let jobs = try await stage.queriedJobs()
        let selection = JobSelection(try JobQuery("-name:newsletter.* age:>1m"))
        let queue = AnyQueue(stage.store)
        let matching = try await stage.found("-name:newsletter.* age:>1m")
        #expect(try await queue.count(selection) == matching.count)
        var (changed, cursor): (Set<JobID>, SelectionCursor?) = ([], nil)
        repeat {
            let step = try await stage.store.change(selection, .delete, from: cursor, limit: 1)
            changed.formUnion(step.jobs)
            // By now all jobs are older than a minute.
            stage.clock.advance(by: .seconds(600))
            // As another process that goes on with it.
            cursor = try step.next.map { try #require(SelectionCursor($0.description)) }
        } while cursor != nil
        #expect(changed == matching && !changed.isEmpty)
        #expect(try await stage.found("") == Set(jobs.values).subtracting(changed))
    },
    Scenario("buried jobs are grouped by their errors, with exact counts, and a group is kicked as one") { stage in
        let time = stage.clock.now().wall
        var ids: [String: [JobID]] = [:]
        for (number, error) in ["timed out after 3 s", "timed out after 41 s", "no such host 'a'"].enumerated() {
            for queue: QueueName in number == 1 ? ["q", "other"] : ["q"] {
                let id = try await stage.enqueue(in: queue, options: JobOptions(maxAttempts: 1))
                let job = try await stage.claimOne(from: queue)
                #expect(try await stage.settle(job.lease, .fail(error: error, retryAfter: .zero)) == .buried)
                ids[ErrorFingerprint(error).text, default: []].append(id)
            }
            stage.clock.advance(by: .seconds(1))
        }
        let manual = try await stage.enqueue()
        try await stage.store.bury([manual], reason: "by hand")
        let groups = try await stage.errorGroups(.buried)
        #expect(groups.map(\.jobs) == [3, 1, 1])
        let timedOut = try #require(groups.first)
        #expect(
            timedOut.fingerprint == "timed out after <n> s" && timedOut.id == ErrorFingerprint("timed out after 9 s").id
        )
        #expect(timedOut.queues == ["other", "q"] && ids[timedOut.fingerprint]!.contains(timedOut.sample))
        #expect(ErrorFingerprint(timedOut.sampleError).id == timedOut.id)
        #expect(timedOut.firstSeen == Date(time) && timedOut.lastSeen == Date(time + 1_000))
        #expect(Set(groups.map(\.fingerprint)) == ["timed out after <n> s", "no such host <text>", "by hand"])
        #expect(try await stage.errorGroups(.buried, "other").map(\.jobs) == [1])
        #expect(try await stage.errorGroups(.buried, "nowhere").isEmpty)
        let query = timedOut.query(.buried)
        #expect(try await stage.found(query.description) == Set(ids[timedOut.fingerprint]!))
        #expect(try await stage.store.count(query, after: nil) == .exactly(3))
        #expect(try await stage.found("queue:other error-group:\(timedOut.id)").count == 1)
        #expect(try await AnyQueue(stage.store).kick(JobSelection(query)) == 3)
        #expect(try await stage.errorGroups(.buried).map(\.jobs) == [1, 1])
        #expect(try await stage.store.count(query, after: nil) == .exactly(0))
        #expect(try await stage.state(manual) == .buried)
        try await stage.store.delete([manual])
        #expect(try await stage.errorGroups(.buried).map(\.fingerprint) == ["no such host <text>"])
    },
    Scenario("groups of errors in pages are all of them, the largest first") { stage in
        for number in 0..<12 {
            let count = number % 4 + 1
            try await stage.store.bury(
                try await stage.enqueue(count), reason: String(UnicodeScalar(UInt8(0x61 + number))))
        }
        let whole = try await stage.errorGroups(.buried)
        #expect(whole.map(\.jobs) == [4, 4, 4, 3, 3, 3, 2, 2, 2, 1, 1, 1] && Set(whole.map(\.id)).count == 12)
        for limit in [1, 5, 12] {
            #expect(try await stage.errorGroups(.buried, limit: limit).map(\.id) == whole.map(\.id))
        }
    },
    Scenario("failing jobs are grouped by the error of their latest attempt while they wait for the next one") {
        stage in
        for number in [2, 3, 4, 1] {
            try await stage.enqueue(options: JobOptions(maxAttempts: number == 4 ? 1 : 9))
            let job = try await stage.claimOne()
            let delay: Duration = number == 1 ? .zero : .seconds(60)
            try await stage.settle(job.lease, .fail(error: "first \(number)", retryAfter: delay))
        }
        #expect(try await stage.errorGroups(.failing).map { [$0.fingerprint: $0.jobs] } == [["first <n>": 3]])
        #expect(try await stage.errorGroups(.failing, "other").isEmpty)
        // The one that is ready fails again, in another way.
        try await stage.settle(try await stage.claimOne().lease, .fail(error: "second", retryAfter: .seconds(9)))
        let groups = try await stage.errorGroups(.failing)
        #expect(groups.map(\.fingerprint) == ["first <n>", "second"] && groups.map(\.jobs) == [2, 1])
        let query = try #require(groups.first).query(.failing)
        #expect(try await stage.found(query.description).count == 2)
        // A job that runs is not failing, nor is one that is done.
        stage.clock.advance(by: .seconds(10))
        let running = try await stage.claimOne()
        #expect(try await stage.errorGroups(.failing).map(\.jobs) == [2])
        try await stage.settle(running.lease, .ack)
        #expect(try await stage.errorGroups(.failing).map(\.jobs) == [2])
    },
    Scenario("free text finds the same, indexed or not yet, in every state and in pages of any length") { stage in
        try await stage.setSearch(true, "q", "other")
        let jobs = try await stage.queriedJobs()
        // Not indexed, indexed, indexed in part, and dropped.
        for step in 0..<4 {
            if step == 1 { try await stage.indexText() }
            if step == 2 { try await stage.store.bury([jobs["ready"]!], reason: "timed by hand") }
            if step == 3 { try await stage.setSearch(false, "other") }
            for (text, names) in queriedTexts {
                var expected = Set(names.map { jobs[$0]! })
                if step >= 2, text.contains("timed") { expected.insert(jobs["ready"]!) }
                let query = "queue:q queue:other \(text)"
                #expect(try await stage.found(query) == expected, "step \(step): \(query)")
                let whole = try await stage.pages(JobFilter(try JobQuery(query)))
                for isReversed in [false, true] {
                    let filter = JobFilter(try JobQuery(query), limit: 1, isReversed: isReversed)
                    #expect(Set(try await stage.pages(filter)) == expected, "step \(step): \(query)")
                }
                #expect(try await stage.pages(JobFilter(try JobQuery(query), limit: 2)) == whole)
                #expect(try await stage.store.count(try JobQuery(query), after: nil) == .exactly(expected.count))
            }
        }
    },
    Scenario("operators of a search engine, quotes, NUL, broken UTF-8 and emoji are plain text, indexed or not") {
        stage in
        try await stage.setSearch(true, "q")
        let payloads =
            hostileTexts.map { Array($0.utf8) } + [
                [0xFF, 0x61, 0x62, 0x63, 0xE2, 0x82, 0x64, 0x65, 0x66],
                [0xC3, 0xA9, 0x80, 0x78, 0x79, 0x7A, 0xF0, 0x9F],
                Array(repeating: 0x80, count: 40), [],
            ]
        let ids = try await stage.store.enqueue(try payloads.map { try NewJob($0, in: "q") }).map(\.id)
        // Every part of each text that a query can have, of some lengths.
        var needles = ["abc", "def", "éxyz", "é", "xyz"]
        for text in hostileTexts {
            let scalars = Array(text.unicodeScalars)
            for length in [1, 2, 3, 4, 7, 40] where length <= scalars.count {
                for start in stride(from: 0, through: scalars.count - length, by: 2) {
                    var needle = ""
                    needle.unicodeScalars.append(contentsOf: scalars[start..<start + length])
                    needles.append(needle)
                }
            }
        }
        let plain = needles.filter { needle in
            !needle.unicodeScalars.contains { $0.properties.generalCategory == .control }
        }
        func lowered(_ bytes: some Sequence<UInt8>) -> [UInt8] {
            bytes.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
        }
        for isIndexed in [false, true] {
            if isIndexed { try await stage.indexText() }
            for needle in plain {
                let text = lowered(needle.utf8)
                let expected = zip(ids, payloads).filter { lowered($0.1).contains(text) }.map(\.0)
                let query = JobQuery(queue: "q").adding(.init(.text(QueryText(needle))))
                let found = try await stage.store.page(JobFilter(query), after: nil).jobs.map(\.id)
                #expect(found == expected, "\(isIndexed ? "indexed" : "not indexed"): \(query)")
            }
        }
    },
    Scenario("what changes in a job is found at once by its new text, and not by its old one, indexed or not") {
        stage in
        try await stage.setSearch(true, "q")
        try await stage.store.configure("q", QueueSettings(retention: .seconds(3_600)))
        func check(_ expected: [String: [JobID]], _ queue: QueueName = "q") async throws {
            for isIndexed in [false, true] {
                if isIndexed { try await stage.indexText() }
                for (text, ids) in expected {
                    #expect(
                        try await stage.found("queue:\(queue) \(text)") == Set(ids),
                        "\(isIndexed ? "indexed" : "not indexed yet"): \(text)")
                }
            }
        }
        let replacing = JobOptions(uniqueKey: "k", onConflict: .replace)
        let first = try await stage.enqueue("apple", options: JobOptions(priority: 1))
        let second = try await stage.enqueue("banana", options: replacing)
        try await check(["apple": [first], "banana": [second]])
        try await stage.enqueue("cherry", options: replacing)
        try await check(["apple": [first], "banana": [], "cherry": [second]])
        try await stage.settle(try await stage.claimOne().lease, .fail(error: "first error", retryAfter: .zero))
        try await check(["\"first error\"": [first], "apple": [first]])
        try await stage.settle(try await stage.claimOne().lease, .fail(error: "second error", retryAfter: .zero))
        try await check(["\"first error\"": [], "\"second error\"": [first]])
        try await stage.store.bury([first], reason: "buried by hand")
        try await check(["\"buried by hand\"": [first], "\"second error\"": [first]])
        try await stage.store.kick([first])
        try await check(["\"buried by hand\"": [], "apple": [first]])
        try await stage.store.change([first], .move(to: "other"), by: nil)
        try await check(["apple": []])
        try await stage.setSearch(true, "other")
        try await check(["apple": [first]], "other")
        try await stage.store.change([first], .move(to: "q"), by: nil)
        try await check(["apple": []], "other")
        try await check(["apple": [first]])
        // One that was never indexed, from before what the queue has indexed last.
        let foreign = try await stage.enqueue("durian", in: "third")
        try await stage.enqueue("elderberry")
        try await check(["durian": []])
        try await stage.store.change([foreign], .move(to: "q"), by: nil)
        try await check(["durian": [foreign]])
        let collecting = JobOptions(uniqueKey: "d", onConflict: .collect)
        let digest = try await stage.enqueue("event one", options: collecting)
        try await check(["\"event one\"": [digest]])
        try await stage.enqueue("event two", options: collecting)
        try await check(["\"event one\"": [digest], "\"event two\"": [digest]])
        try await stage.store.cancel([second], reason: "called off")
        try await check(["called": [second]])
        try await stage.store.delete([second])
        try await check(["called": [], "cherry": []])
        let long = try await stage.enqueue(String(repeating: "x", count: 20_000) + "needle at the end")
        try await check(["\"needle at the end\"": [long]])
    },
    Scenario("a queue says whether its free text is indexed, and nothing else changes that") { stage in
        try await stage.enqueue()
        #expect(try await stage.store.queue("q")?.search == nil)
        try await stage.setSearch(true, "q")
        try await stage.store.configure("q", QueueSettings(concurrency: 3))
        #expect(try await stage.store.queue("q")?.search != nil)
        try await stage.indexText()
        #expect(try await stage.store.queue("q")?.search?.isBehind == false)
        try await stage.setSearch(false, "q")
        #expect(try await stage.store.queue("q")?.search == nil)
        try await stage.indexText()
        #expect(try await stage.store.indexText() == 0)
        #expect(try await stage.found("queue:q x").count == 1)
    },
]

private let hostileTexts = [
    "\"quoted\" text with \\ in it", "NEAR(one two, 5) AND three NOT four OR five*", "-minus +plus ^caret {text}: a:b",
    "text:column (unbalanced \"\"\" '); DROP TABLE stint_jobs; --", "100 % sure_thing *", "emoji 👩‍👩‍👧 🇩🇪 flag",
    "e\u{301} and é, İstanbul, STRASSE straße, ﬁ", "nul\0byte\ttab\nline", "ＦＵＬＬ width \u{FFFD} \u{FFFE} \u{10FFFF}",
    "*", "\"", "ab", "stint_search",
]

/// Those of `queriedTerms` that are free text.
private let queriedTexts =
    queriedTerms.filter { term in
        !term.query.split(separator: " ").contains { $0.hasPrefix("state") || $0.contains(":") && !$0.hasPrefix("\"") }
    } + [("\"no such host\"", ["buried"]), ("over", ["expired"]), ("called", ["cancelled"]), ("nothing", [])]

/// What each query finds of `Stage.queriedJobs()`, by the jobs' names there.
private let queriedTerms: [(query: String, names: [String])] = [
    ("queue:q", ["ready", "delayed", "leased", "failed", "buried", "done", "cancelled", "expired"]),
    ("queue:other", ["other", "young"]), ("queue:nowhere", []),
    ("state:ready", ["ready", "other", "young"]), ("state:delayed", ["delayed", "failed"]),
    ("state:leased", ["leased"]),
    ("state:buried", ["buried"]), ("state:done", ["done"]), ("state:cancelled", ["cancelled"]),
    ("state:expired", ["expired"]), ("state:done state:leased", ["done", "leased"]),
    ("state:ready queue:other", ["other", "young"]), ("state:ready -queue:other", ["ready"]),
    ("name:newsletter.weekly", ["ready", "other"]), ("name:newsletter.*", ["ready", "other", "delayed"]),
    ("name:newsletter", []), ("name:*", ["ready", "other", "delayed"]), ("name:NEWSLETTER.*", []),
    ("group:acme", ["delayed", "buried", "other"]), ("group:acme queue:q", ["delayed", "buried"]),
    ("group:acme group:none", ["delayed", "buried", "other"]), ("group:none", []), ("group:Acme", []),
    ("header.tenant:x", ["buried", "failed"]), ("header.tenant:X", []),
    ("header.tenant:*", ["buried", "failed", "done"]),
    ("header.none:x", []), ("error:\"TIMED out\"", ["failed"]), ("error:host", ["buried"]),
    ("error:called", ["cancelled"]),
    ("error:over", ["expired"]), ("error:nothing", []),
    (
        "age:>1m",
        [
            "ready", "other", "delayed", "leased", "failed",
            "buried", "done", "cancelled", "expired",
        ]
    ),
    ("age:<1m", ["young"]), ("age:>1d", []), ("age:>1m state:ready", ["ready", "other"]),
    ("attempts:>0", ["leased", "failed", "done"]), ("attempts:1", ["leased", "failed", "done"]), ("attempts:>1", []),
    ("attempts:<=0 state:ready", ["ready", "other", "young"]),
    ("\"payload of buried\"", ["buried"]),
    (
        "PAYLOAD",
        [
            "ready", "delayed", "leased", "failed", "buried", "done",
            "cancelled", "expired", "other", "young",
        ]
    ),
    ("timed", ["failed"]), ("payload timed", ["failed"]), ("payload -timed state:delayed", ["delayed"]),
    ("error-group:\(ErrorFingerprint("timed out after 7 s").id)", ["failed"]),
    ("error-group:\(ErrorFingerprint("no such host").id)", ["buried"]), ("error-group:0000000000000000", []),
]

extension Stage {
    /// A job in each state, and others, by name. All but `young` are older than a minute.
    @discardableResult
    fileprivate func queriedJobs() async throws -> [String: JobID] {
        var ids: [String: JobID] = [:]
        func put(
            _ name: String, in queue: QueueName = "q", delay: Duration = .zero, group: String? = nil,
            expires: Duration? = nil, _ headers: [String: String] = [:]
        ) async throws {
            ids[name] = try await enqueue(
                "payload of \(name)", in: queue,
                options: JobOptions(delay: delay, headers: try Headers(headers), group: group, expires: expires))
        }
        try await store.configure("q", QueueSettings(retention: .seconds(86_400)))
        try await put("done", ["tenant": "y"])
        try await settle(try await claimOne().lease, .ack)
        try await put("failed", ["tenant": "x"])
        try await settle(try await claimOne().lease, .fail(error: "timed out after 5 s", retryAfter: .seconds(3_600)))
        try await put("leased")
        _ = try await claimOne(lease: .seconds(3_600))
        try await put("expired", expires: .milliseconds(1))
        clock.advance(by: .seconds(1))
        _ = try await reap()
        try await put("ready", ["job-name": "newsletter.weekly"])
        try await put("delayed", delay: .seconds(3_600), group: "acme", ["Job-Name": "newsletter.daily"])
        try await put("buried", group: "acme", ["tenant": "x", "other": "tenant: y"])
        try await store.bury([ids["buried"]!], reason: "no such host")
        try await put("cancelled")
        try await store.cancel([ids["cancelled"]!], reason: "called off")
        try await put("other", in: "other", group: "acme", ["job-name": "newsletter.weekly"])
        clock.advance(by: .seconds(90))
        try await put("young", in: "other")
        clock.advance(by: .seconds(5))
        return ids
    }

    fileprivate func found(_ query: String) async throws -> Set<JobID> {
        let ids = try await pages(JobFilter(try JobQuery(query)))
        #expect(Set(ids).count == ids.count, "twice in one list: \(query)")
        return Set(ids)
    }

    fileprivate func setSearch(_ isOn: Bool, _ queues: QueueName...) async throws {
        for queue in queues {
            var settings = QueueSettings()
            settings.search = isOn
            try await store.configure(queue, settings)
        }
    }

    fileprivate func indexText() async throws {
        var steps = 0
        while try await store.indexText() > 0 {
            steps += 1
            guard steps < 1_000 else {
                Issue.record("the index is never built")
                return
            }
        }
    }

    fileprivate func pages(_ filter: JobFilter) async throws -> [JobID] {
        var (ids, cursor): ([JobID], JobCursor?) = ([], nil)
        repeat {
            let page = try await store.page(filter, after: cursor)
            #expect(page.jobs.count <= filter.limit)
            ids += page.jobs.map(\.id)
            // As a link has it.
            cursor = try page.next.map { try #require(JobCursor($0.description)) }
        } while cursor != nil
        return ids
    }

    fileprivate func errorGroups(
        _ kind: ErrorGroupFilter.Kind, _ queue: QueueName? = nil, limit: Int = 50
    ) async throws -> [ErrorGroup] {
        var (groups, cursor): (ErrorGroupPage, ErrorGroupCursor?) = (ErrorGroupPage(), nil)
        repeat {
            let page = try await store.errorGroups(ErrorGroupFilter(kind, queue: queue, limit: limit), after: cursor)
            groups = groups.merging(page)
            cursor = try page.next.map { try #require(ErrorGroupCursor($0.description)) }
        } while cursor != nil
        return groups.groups
    }
}

/// The calls of a `JobQueue` on a store whose type is not known.
private struct AnyQueue {
    let store: any JobStore

    init(_ store: any JobStore) {
        self.store = store
    }

    func count(_ selection: JobSelection) async throws -> Int {
        func count(_ store: some JobStore) async throws -> Int { try await JobQueue(store: store).count(selection) }
        return try await count(store)
    }

    func kick(_ selection: JobSelection) async throws -> Int {
        func kick(_ store: some JobStore) async throws -> Int { try await JobQueue(store: store).kick(selection) }
        return try await kick(store)
    }
}
