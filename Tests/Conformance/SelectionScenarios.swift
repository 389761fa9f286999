import Foundation
import StintCore
import Testing

/// What a person does with many jobs of a queue, and with delayed ones.
let selectionScenarios: [Scenario] = [
    Scenario("a selection names state, error, age and time of burial, and only its queue") { stage in
        let old = try await stage.enqueue()
        try await stage.enqueue(in: "other")
        stage.clock.advance(by: .seconds(60))
        let young = try await stage.enqueue(options: JobOptions(delay: .seconds(5)))
        let failed = try await stage.enqueue(options: JobOptions(priority: 0))
        let job = try #require(try await stage.claim(1).first)
        try await stage.settle(job.lease, .fail(error: "timed out: smtp", retryAfter: .zero))
        let buried = try await stage.enqueue()
        stage.clock.advance(by: .seconds(1))
        let time = stage.clock.now().wall
        try await stage.store.bury([buried], reason: "no such host")
        #expect(try await stage.selected(JobSelection("q")) == [old, young, failed, buried])
        #expect(try await stage.selected(JobSelection("q", states: [.delayed, .buried])) == [young, buried])
        #expect(try await stage.selected(JobSelection("q", error: "timed out")) == [failed])
        #expect(try await stage.selected(JobSelection("q", error: "such host")) == [buried])
        #expect(try await stage.selected(JobSelection("q", error: "Timed")) == [failed])
        #expect(try await stage.selected(JobSelection("q", enqueuedBefore: Date(time - 30_000))) == [old])
        #expect(try await stage.selected(JobSelection("q", buriedSince: Date(time))) == [buried])
        #expect(try await stage.selected(JobSelection("q", buriedSince: Date(time + 1))) == [])
        #expect(try await stage.selected(JobSelection("q", states: [])) == [])
        #expect(try await stage.selected(JobSelection("nowhere")) == [])
    },
    Scenario("jobs of a selection are deleted in every state, with their unique keys, and a holder loses its lease") {
        stage in
        try await stage.store.configure("q", QueueSettings(retention: .seconds(60)))
        try await stage.enqueue()
        try await stage.settle(try await stage.claimOne().lease, .ack)
        try await stage.enqueue()
        let held = try await stage.claimOne()
        let key = JobOptions(uniqueKey: "k")
        try await stage.enqueue(options: key)
        try await stage.enqueue(options: JobOptions(delay: .seconds(5)))
        try await stage.store.bury([try await stage.enqueue()], reason: "by hand")
        let other = try await stage.enqueue(in: "other")
        #expect(try await stage.change(JobSelection("q"), .delete).count == 5)
        #expect(try await stage.stats() == stage.expected(done: 1))
        try await stage.expectLeaseLost(held.lease, .ack)
        #expect(try await stage.store.list(JobFilter()).map(\.id) == [other])
        #expect(
            try await stage.store.enqueue([NewJob([], in: "q", options: key)])[0].isDuplicate
                == false)
    },
    Scenario("jobs of a selection are buried where they are ready, delayed or leased, with their attempts") { stage in
        try await stage.store.configure("q", QueueSettings(retention: .seconds(60)))
        try await stage.enqueue()
        try await stage.settle(try await stage.claimOne().lease, .ack)
        let leased = try await stage.enqueue()
        let held = try await stage.claimOne()
        let ready = try await stage.enqueue()
        let delayed = try await stage.enqueue(options: JobOptions(delay: .seconds(5)))
        #expect(try await stage.change(JobSelection("q"), .bury(reason: "clean")) == [ready, delayed, leased])
        #expect(try await stage.stats() == stage.expected(buried: 3, done: 1))
        try await stage.expectLeaseLost(held.lease, .ack)
        let record = try #require(try await stage.store.job(leased)?.record)
        #expect(record.reason == "clean" && record.attempts == 1)
        #expect(try await stage.change(JobSelection("q"), .bury(reason: "again")).isEmpty)
    },
    Scenario(
        "a kick of a queue kicks each buried job once, also where it is buried again meanwhile, and none that came later"
    ) {
        stage in
        var ids: [JobID] = []
        for _ in 0..<6 { ids.append(try await stage.enqueue(options: JobOptions(maxAttempts: 1))) }
        try await stage.store.bury(ids, reason: "by hand")
        var (kicked, cursor): ([JobID], SelectionCursor?) = ([], nil)
        for step in 1... {
            try #require(step < 100, "the kick does not end")
            let made = try await stage.store.change(
                JobSelection("q"), .kick, from: cursor, limit: 2)
            kicked += made.jobs
            cursor = made.next
            if cursor == nil { break }
            // A worker fails them all at once, and a new job is put meanwhile.
            ids.append(try await stage.enqueue(options: JobOptions(maxAttempts: 1)))
            for job in try await stage.claim(9) {
                #expect(job.attempt == 1)
                try await stage.settle(job.lease, .fail(error: "no", retryAfter: .zero))
            }
        }
        #expect(kicked == Array(ids[..<6]))
    },
    Scenario("a walk over a selection looks at a bounded number of jobs a step, and goes on where it was") { stage in
        let count = 2_100
        _ = try await stage.enqueue(count)
        var (steps, found, cursor): (Int, [JobID], SelectionCursor?) = (0, [], nil)
        repeat {
            let step = try await stage.store.select(JobSelection("q"), from: cursor, limit: .max)
            #expect(step.jobs.count < count, "all in one step")
            found += step.jobs
            (cursor, steps) = (step.next, steps + 1)
        } while cursor != nil && steps < 100
        #expect(steps > 1 && Set(found).count == count && found.count == count)
        // No job meets the condition, and still no step looks at all of them.
        let none = try await stage.store.select(JobSelection("q", error: "x"), from: nil, limit: 1)
        #expect(none.jobs.isEmpty && none.next != nil)
        let first = try await stage.store.change(
            JobSelection("q"), .delete, from: nil, limit: 3)
        #expect(first.jobs == Array(found[..<3]))
        let rest = try await stage.change(JobSelection("q"), .delete, from: first.next)
        #expect(rest == Array(found[3...]))
        #expect(try await stage.stats() == stage.expected())
    },
    Scenario("a delayed job is started now, with the attempts that it has had; a ready one stays as it is") { stage in
        var signals = stage.store.wakeUps(in: ["q"]).makeAsyncIterator()
        let failed = try await stage.enqueue()
        #expect(await signals.next() == .now)
        try await stage.settle(try await stage.claimOne().lease, .fail(error: "e", retryAfter: .seconds(60)))
        let delayed = try await stage.enqueue(options: JobOptions(priority: 9, delay: .seconds(60)))
        let ready = try await stage.enqueue(options: JobOptions(priority: 10))
        try await stage.store.runNow([delayed, ready, failed])
        #expect(try await stage.stats() == stage.expected(ready: 3))
        #expect(await signals.next() == .now)
        let jobs = try await stage.claim(9)
        #expect(jobs.map(\.id) == [delayed, ready, failed] && jobs.map(\.attempt) == [1, 1, 2])
    },
    Scenario("a suspect that was delayed stays one when it is started now") { stage in
        let (ids, _) = try await stage.suspects(2)
        let job = try await stage.claimOne()
        try await stage.settle(job.lease, .release(after: .seconds(60)))
        try await stage.store.runNow([job.id])
        try await stage.expectSuspects(ids)
    },
    Scenario("leased, buried and done jobs are not started now, and one wrong id is none") { stage in
        let ids = try await stage.jobs(in: .done, .leased, .delayed, .buried)
        let delayed = ids[.delayed]!
        for id in [ids[.done]!, ids[.leased]!, ids[.buried]!] {
            try await stage.expectRefusal(.invalidInput) {
                try await stage.store.runNow([delayed, id])
            }
        }
        try await stage.expectRefusal(.notFound) {
            try await stage.store.runNow([delayed, JobID(rawValue: 999)])
        }
        #expect(try await stage.state(delayed) == .delayed)
    },
]

extension Stage {
    /// By id.
    fileprivate func selected(_ selection: JobSelection) async throws -> [JobID] {
        var (found, cursor): ([JobID], SelectionCursor?) = ([], nil)
        repeat {
            let step = try await store.select(selection, from: cursor, limit: 2)
            #expect(step.jobs.count <= 2)
            found += step.jobs
            cursor = step.next
        } while cursor != nil
        return found.sorted()
    }

    fileprivate func change(
        _ selection: JobSelection, _ change: JobChange, from start: SelectionCursor? = nil
    ) async throws -> [JobID] {
        var (changed, cursor) = ([JobID](), start)
        repeat {
            let step = try await store.change(selection, change, from: cursor, limit: .max)
            changed += step.jobs
            cursor = step.next
        } while cursor != nil
        return changed
    }
}
