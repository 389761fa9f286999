import StintCore
import Testing

let operatorScenarios: [Scenario] = [
    Scenario("a negative limit is refused, and a limit of zero returns nothing") { stage in
        _ = try await stage.jobs(in: .buried)
        try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.failures(limit: -1) }
        #expect(try await stage.store.failures(limit: 0).isEmpty)
    },
    Scenario("one reap prunes a bounded number of done jobs, and the next ones the rest") { stage in
        try await stage.store.configure("q", QueueSettings(retention: .seconds(1)))
        for _ in 1...3 {
            _ = try await stage.enqueue(500)
            let jobs = try await stage.claim(500)
            _ = try await stage.store.settle(jobs.map { Settlement($0.lease, .ack) })
        }
        stage.clock.advance(by: .seconds(1))
        let first = try await stage.reap().pruned
        #expect((1...1_000).contains(first))
        #expect(try await stage.reapAll().pruned == 1_500 - first)
    },
    Scenario("kick takes the oldest buried jobs of one queue, as many as asked") { stage in
        var ids: [JobID] = []
        for _ in 0..<3 { ids.append(try await stage.enqueue()) }
        let other = try await stage.enqueue(in: "other")
        try await stage.store.bury(ids + [other], reason: "by hand")
        #expect(try await stage.store.kick("q", limit: 2) == 2)
        #expect(try await stage.claim(9).map(\.id) == Array(ids[..<2]))
        #expect(try await stage.store.kick("q", limit: 9) == 1)
        #expect(try await stage.store.kick("nowhere", limit: 9) == 0)
        #expect(try await stage.state(other) == .buried)
    },
    Scenario("kick, bury and delete by id do all or nothing") { stage in
        let buried = try await stage.enqueue()
        let ready = try await stage.enqueue()
        let missing = JobID(rawValue: 999)
        try await stage.store.bury([buried], reason: "by hand")
        try await stage.expectRefusal(.invalidInput) { try await stage.store.kick([buried, ready]) }
        try await stage.expectRefusal(.notFound) { try await stage.store.kick([buried, missing]) }
        try await stage.expectRefusal(.notFound) {
            try await stage.store.bury([ready, missing], reason: "r")
        }
        try await stage.expectRefusal(.notFound) { try await stage.store.delete([ready, missing]) }
        #expect(try await stage.state(buried) == .buried)
        #expect(try await stage.state(ready) == .ready)
    },
    Scenario("a job can be deleted in every state, and the counts follow") { stage in
        let ids = try await Array(stage.jobs(in: .done, .leased, .ready, .delayed, .buried).values)
        #expect(try await stage.stats() == stage.expected(ready: 1, delayed: 1, leased: 1, buried: 1, done: 1))
        let states = try await stage.store.list(JobFilter()).map { [$0.id.rawValue: $0.state] }
        #expect(states.count == 5)
        try await stage.store.delete(ids)
        #expect(try await stage.stats() == stage.expected(done: 1))
        #expect(try await stage.store.list(JobFilter()).isEmpty)
        for id in ids { #expect(try await stage.store.job(id) == nil) }
    },
    Scenario("a ready, delayed or leased job can be buried, a done one cannot") { stage in
        let ids = try await stage.jobs(in: .done, .leased, .ready, .delayed)
        let (done, leased, ready, delayed) = (ids[.done]!, ids[.leased]!, ids[.ready]!, ids[.delayed]!)
        try await stage.store.bury([leased, ready, delayed], reason: "by hand")
        #expect(try await stage.stats() == stage.expected(buried: 3, done: 1))
        try await stage.store.bury([ready], reason: "again")
        #expect(try await stage.store.job(ready)?.record.reason == "by hand")
        try await stage.expectRefusal(.invalidInput) {
            try await stage.store.bury([done], reason: "r")
        }
    },
    Scenario("list filters by queue and state, in the order of claims, up to the limit") { stage in
        let late = try await stage.enqueue(options: JobOptions(priority: 9))
        let first = try await stage.enqueue(options: JobOptions(priority: 1))
        let other = try await stage.enqueue(in: "other")
        func list(_ queue: QueueName?, _ state: JobState?, _ limit: Int = 100) async throws -> [JobID] {
            try await stage.store.list(JobFilter(queue: queue, state: state, limit: limit)).map(\.id)
        }
        #expect(try await list("q", .ready) == [first, late])
        #expect(try await list("q", .ready, 1) == [first])
        #expect(try await list(nil, nil) == [first, late, other])
        #expect(try await list("other", nil) == [other])
        #expect(try await list("q", .buried).isEmpty)
        #expect(try await list("nowhere", nil).isEmpty)
        for state in JobState.allCases {
            _ = try await list("q", state)
            _ = try await list(nil, state)
        }
    },
    Scenario("a list in pages is the whole list in its order, also while jobs go") { stage in
        for number in 0..<24 {
            let options = JobOptions(
                priority: UInt32(number % 3), delay: number % 4 == 3 ? .seconds(60 - number) : .zero)
            try await stage.enqueue(in: number.isMultiple(of: 2) ? "q" : "other", options: options)
        }
        let buried = try await stage.store.list(JobFilter(queue: "q", state: .ready, limit: 3)).map(\.id)
        try await stage.store.bury(buried, reason: "by hand")
        _ = try await stage.claimOne()
        for queue: QueueName? in [nil, "q", "other"] {
            for state: JobState? in [nil, .ready, .delayed, .buried, .leased, .done] {
                let whole = try await stage.store.list(JobFilter(queue: queue, state: state)).map(\.id)
                for limit in [1, 3, 5] {
                    var (found, cursor): ([JobID], JobCursor?) = ([], nil)
                    repeat {
                        let page = try await stage.store.page(
                            JobFilter(queue: queue, state: state, limit: limit), after: cursor)
                        #expect(page.jobs.count <= limit)
                        found += page.jobs.map(\.id)
                        cursor = page.next
                    } while cursor != nil
                    #expect(found == whole)
                }
            }
        }
        let ready = try await stage.store.list(JobFilter(state: .ready)).map(\.id)
        let page = try await stage.store.page(JobFilter(state: .ready, limit: 4), after: nil)
        try await stage.store.delete([ready[3], ready[4]])
        let rest = try await stage.store.page(JobFilter(state: .ready), after: page.next)
        #expect(rest.jobs.map(\.id) == Array(ready[5...]))
    },
    Scenario("a request to restart has a number, each a greater one") { stage in
        #expect(try await stage.store.latestRestartRequest() == 0)
        var last: Int64 = 0
        for _ in 0..<3 {
            try await stage.store.requestRestart()
            let next = try await stage.store.latestRestartRequest()
            #expect(next > last)
            last = next
        }
    },
    Scenario("a wake-up is heard when a job becomes ready, also by a kick or a resume") { stage in
        var signals = stage.store.wakeUps(in: ["q"]).makeAsyncIterator()
        let id = try await stage.enqueue()
        #expect(await signals.next() == .now)
        try await stage.store.bury([id], reason: "by hand")
        try await stage.store.kick([id])
        #expect(await signals.next() == .now)
        try await stage.store.configure("q", QueueSettings(paused: true))
        try await stage.store.configure("q", QueueSettings(paused: false))
        #expect(await signals.next() == .now)
    },
    Scenario("every change of jobs, queues, workers and schedules is heard by who listens for all of them") { stage in
        let store = stage.store
        var changes = store.changes().makeAsyncIterator()
        let id = try await stage.enqueue()
        #expect(await changes.next() != nil)
        try await store.bury([id], reason: "by hand")
        #expect(await changes.next() != nil)
        try await store.configure("other", QueueSettings(paused: true))
        #expect(await changes.next() != nil)
        _ = try await stage.hire()
        #expect(await changes.next() != nil)
    },
    Scenario("stats list the queues by name") { stage in
        for queue: QueueName in ["b", "a", "ü"] { try await stage.enqueue(in: queue) }
        #expect(try await stage.store.stats().map(\.name) == ["a", "b", "ü"])
    },
]
