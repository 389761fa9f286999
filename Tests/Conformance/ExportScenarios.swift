import StintCore
import Testing

let exportScenarios: [Scenario] = [
    Scenario("jobs in every state come back from an export with all that was known of them") { stage in
        let ids = try await stage.jobsInEveryState()
        let before = try await stage.export()
        #expect(before.map(\.id) == ids.sorted())
        #expect(Set(before.map(\.record.state)) == Set(JobState.allCases))
        let stats = try await stage.stats()
        try await stage.store.delete(ids)
        #expect(try await stage.export().isEmpty)
        #expect(try await stage.store.importJobs(before) == ImportedJobs(added: ids.count))

        let now = stage.clock.now().wall
        #expect(try await stage.export() == before.map { $0.released(at: now) })
        // The one that was running is ready, and those that are over have come once more.
        let after = try await stage.stats()
        #expect(after.ready == stats.ready + 1 && after.leased == 0)
        #expect(after.delayed == stats.delayed && after.buried == stats.buried)
        #expect(
            (after.done, after.cancelled, after.expired) == (stats.done * 2, stats.cancelled * 2, stats.expired * 2))
        let errors = try await stage.store.errorGroups(ErrorGroupFilter(.buried), after: nil).groups
        #expect(errors.map(\.jobs).reduce(0, +) == stats.buried)
    },
    Scenario("a job that was running is ready after an import: the attempt counts, and no crash") { stage in
        let id = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        let lease = try await stage.claimOne().lease
        let running = try await stage.export()
        #expect(running.map(\.record.state) == [.leased] && running[0].record.token == lease.token)
        try await stage.store.delete([id])
        stage.clock.advance(by: .seconds(1))
        _ = try await stage.store.importJobs(running)
        let record = try #require(try await stage.store.job(id)?.record)
        #expect(record.state == .ready && record.attempts == 1 && record.crashes == 0 && !record.suspect)
        #expect(record.token == nil && record.worker == nil && record.leaseExpiresAt == nil)
        try await stage.expectLeaseLost(lease, .ack)
        // It came back from a claim, so nothing replaces it.
        let options = JobOptions(uniqueKey: "k", onConflict: .replace)
        #expect(try await stage.store.enqueue([NewJob([1], in: "q", options: options)])[0].outcome == .added)
        #expect(try await stage.claimOne().attempt == 2)
    },
    Scenario("the orders of claims, of burials and of ends are kept by an import") { stage in
        try await stage.store.configure("q", QueueSettings(retention: .seconds(60)))
        var ids: [JobID] = []
        for number in 0..<12 {
            ids.append(
                try await stage.enqueue(
                    options: JobOptions(
                        priority: UInt32(number % 3), delay: number > 8 ? .seconds(20 - number) : .zero)))
        }
        // Each is buried after one with a greater id.
        for id in [ids[7], ids[2], ids[5]] { try await stage.store.bury([id], reason: "no") }
        for id in [ids[8], ids[0]] {
            stage.clock.advance(by: .milliseconds(5))
            try await stage.store.cancel([id], reason: "no")
        }
        func lists() async throws -> [[JobID]] {
            var lists: [[JobID]] = []
            for state in JobState.allCases {
                lists.append(try await stage.store.list(JobFilter(queue: "q", state: state)).map(\.id))
            }
            return lists
        }
        let before = try await lists()
        // There were more burials in the other store than here.
        let jobs = try await stage.export().map { job in
            var job = job
            job.burial = job.burial.map { $0 + 1_000 }
            return job
        }
        try await stage.store.delete(ids)
        _ = try await stage.store.importJobs(jobs)
        #expect(try await lists() == before)
        // A later burial comes after those.
        let latest = try await stage.enqueue()
        try await stage.store.bury([latest], reason: "no")
        #expect(try await stage.store.list(JobFilter(state: .buried)).map(\.id) == [ids[7], ids[2], ids[5], latest])
        #expect(try await stage.store.kick("q", limit: 1) == 1)
        #expect(try await stage.state(ids[7]) == .ready)
        stage.clock.advance(by: .seconds(60))
        let claimed = try await stage.claim(99).map(\.id)
        #expect(claimed.count == 8 && claimed.first == ids[3])
    },
    Scenario("an import that is repeated adds nothing, whatever has become of the jobs") { stage in
        let ids = try await stage.jobsInEveryState()
        let jobs = try await stage.export()
        try await stage.store.delete(Array(ids.prefix(3)))
        #expect(try await stage.store.importJobs(jobs) == ImportedJobs(added: 3, present: ids.count - 3))
        let (stats, all) = (try await stage.stats(), try await stage.export())
        #expect(try await stage.store.importJobs(jobs) == ImportedJobs(present: ids.count))
        #expect(try await stage.stats() == stats)
        #expect(try await stage.export() == all)
    },
    Scenario("another job with the id of one of an import is named, and no job is added") { stage in
        let id = try await stage.enqueue("x")
        let job = try #require(try await stage.export().first)
        var (new, moved) = (job, job)
        new.record.id = JobID(rawValue: id.rawValue + 7)
        let other = StoredJob(JobDetails(record: job.record, payload: [0x79], failures: []))
        moved.record.queue = "elsewhere"
        let later = try #require(try await stage.exported(enqueuedAt: 5, as: id))
        for wrong in [other, moved, later] {
            try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.importJobs([new, wrong]) }
            let error = await #expect(throws: StintError.self) { try await stage.store.importJobs([new, wrong]) }
            #expect(error?.description.contains("job \(id) cannot be added") == true)
        }
        #expect(try await stage.store.job(new.id) == nil)
        #expect(try await stage.store.importJobs([new, job]) == ImportedJobs(added: 1, present: 1))
    },
    Scenario("an id that is of a job which an operation has deleted is not used again by an import") { stage in
        let id = try await stage.enqueue("x")
        let job = try #require(try await stage.export().first)
        let deleting = try await stage.finish(try await stage.begin(.delete))
        #expect(try await stage.export().isEmpty)
        #expect(try await stage.store.importJobs([job]) == ImportedJobs(present: 1))
        let other = StoredJob(JobDetails(record: job.record, payload: [0x79], failures: []))
        try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.importJobs([other]) }
        _ = try await stage.finish(try await stage.store.beginRestore(of: deleting.id, by: nil))
        #expect(try await stage.export().map(\.id) == [id])
    },
    Scenario("a unique key that another job has is named, and no job of the import is added") { stage in
        let id = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        let jobs = try await stage.export()
        try await stage.store.delete([id])
        let holder = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        var plain = StoredJob(JobDetails(record: jobs[0].record, payload: [], failures: []))
        plain.record.id = JobID(rawValue: holder.rawValue + 5)
        plain.record.uniqueKey = nil
        try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.importJobs([plain] + jobs) }
        let error = await #expect(throws: StintError.self) { try await stage.store.importJobs(jobs) }
        #expect(error?.description.contains("'k' is that of job \(holder)") == true)
        #expect(try await stage.store.job(plain.id) == nil)
        // It is free when that job is done.
        try await stage.settle(try await stage.claimOne().lease, .ack)
        _ = try await stage.store.importJobs(jobs)
        #expect(try await stage.enqueue(options: JobOptions(uniqueKey: "k")) == id)
    },
    Scenario("new jobs get greater ids than those of an import, and burials greater numbers") { stage in
        try await stage.enqueue()
        var job = try #require(try await stage.export().first)
        // Near and far: a store may go on in steps, or at once.
        for id in [JobID(rawValue: 500), JobID(rawValue: StoredJob.maximumNumber - 10)] {
            job.record.id = id
            _ = try await stage.store.importJobs([job])
            #expect(try await stage.enqueue() > id)
        }
        // One with a smaller id sets nothing back.
        job.record.id = JobID(rawValue: 400)
        _ = try await stage.store.importJobs([job])
        #expect(try await stage.enqueue().rawValue > StoredJob.maximumNumber - 10)
    },
    Scenario("a digest takes events after an import as before, and its handler gets all of them in order") { stage in
        func event(_ number: UInt8) async throws -> Enqueued {
            try await stage.store.enqueue([
                NewJob(
                    [number, 0xFF], in: "q",
                    options: JobOptions(
                        uniqueKey: "d", onConflict: .collect, debounce: .seconds(10), atMost: .seconds(15)))
            ])[0]
        }
        for number in UInt8(1)...3 { _ = try await event(number) }
        let jobs = try await stage.export()
        #expect(jobs.count == 1 && jobs[0].record.events == 3)
        try await stage.store.delete(jobs.map(\.id))
        _ = try await stage.store.importJobs(jobs)
        stage.clock.advance(by: .seconds(9))
        #expect(try await event(4) == Enqueued(id: jobs[0].id, outcome: .collected))
        // The limit of its start is that of its first event.
        stage.clock.advance(by: .seconds(6))
        let claimed = try await stage.claimOne()
        #expect(claimed.events?.map { $0[0] } == [1, 2, 3, 4])
    },
    Scenario("a job of an import that waits for its retry holds its group back, and its end lets the group go on") {
        stage in
        try await stage.store.configure("q", QueueSettings(groupConcurrency: 1, groupOrder: .strict))
        let first = try await stage.enqueue(options: JobOptions(group: "acme"))
        let second = try await stage.enqueue(options: JobOptions(group: "acme"))
        let other = try await stage.enqueue(options: JobOptions(group: "zenith"))
        try await stage.settle(try await stage.claimOne().lease, .fail(error: "no", retryAfter: .seconds(60)))
        let jobs = try await stage.export()
        try await stage.store.delete([first, second, other])
        _ = try await stage.store.importJobs(jobs)
        #expect(try await stage.store.waitReason(of: second) == .groupWaits(group: "acme", for: first))
        #expect(try await stage.claim(9).map(\.id) == [other])
        stage.clock.advance(by: .seconds(60))
        let retried = try await stage.claim(9)
        #expect(retried.map(\.id) == [first] && retried[0].attempt == 2)
        try await stage.settle(retried[0].lease, .ack)
        #expect(try await stage.claim(9).map(\.id) == [second])
    },
    Scenario("an export in pages has each job once, and only those of the queues that are named") { stage in
        for number in 0..<25 { try await stage.enqueue("\(number)", in: number.isMultiple(of: 3) ? "q" : "other") }
        let all = try await stage.store.list(JobFilter(limit: 99)).map(\.id).sorted()
        for limit in [1, 2, 7, 25, 26] {
            #expect(try await stage.export(limit: limit).map(\.id) == all)
            #expect(
                try await stage.export(of: ["q"], limit: limit).map(\.record.queue) == Array(repeating: "q", count: 9))
        }
        #expect(try await stage.export(of: ["nowhere"]).isEmpty)
        #expect(try await stage.export(of: ["q", "other"]).count == 25)
        #expect(try await stage.store.exportJobs(of: nil, after: all.last, limit: 1).jobs.isEmpty)
        // A page ends with the job that brings it above the limit of its bytes.
        let large = [UInt8](repeating: 7, count: StoredJob.maximumBytes / 2)
        _ = try await stage.store.enqueue([UInt8](1...4).map { [$0] + large }.map { try NewJob($0, in: "large") })
        let page = try await stage.store.exportJobs(of: ["large"], after: all.last, limit: 9)
        #expect(page.jobs.count == 2 && page.next == page.jobs.last?.id)
        let rest = try await stage.store.exportJobs(of: ["large"], after: page.next, limit: 9)
        #expect(rest.jobs.map { $0.payload[0] } == [3, 4])
    },
    Scenario("what no store could have is refused by an import, and nothing is added") { stage in
        let id = try await stage.enqueue()
        let good = try #require(try await stage.export().first)
        try await stage.store.delete([id])
        func expectRefused(_ change: (inout StoredJob) -> Void) async throws {
            var bad = good
            bad.record.id = JobID(rawValue: id.rawValue + 1)
            change(&bad)
            try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.importJobs([good, bad]) }
        }
        try await expectRefused { $0.record.id = good.id }
        try await expectRefused { $0.record.id = JobID(rawValue: 0) }
        try await expectRefused { $0.record.id = JobID(rawValue: StoredJob.maximumNumber + 1) }
        try await expectRefused { $0.record.attempts = -1 }
        try await expectRefused { $0.record.crashes = Int(Int32.max) + 1 }
        try await expectRefused { $0.record.maxAttempts = 0 }
        try await expectRefused { $0.record.group = "" }
        try await expectRefused { $0.record.uniqueKey = "a\0b" }
        try await expectRefused { $0.record.contentType = "a\nb" }
        try await expectRefused { $0.record.state = .delayed }
        try await expectRefused { $0.record.state = .buried }
        try await expectRefused { $0.readyAt = .max }
        let many = (1...Int64(StoredJob.maximumCount + 1)).map { number in
            var job = good
            job.record.id = JobID(rawValue: number)
            return job
        }
        try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.importJobs(many) }
        #expect(try await stage.store.importJobs(Array(many.dropLast())).added == StoredJob.maximumCount)
        #expect(try await stage.stats().ready == StoredJob.maximumCount)
    },
    Scenario("a worker that waits is told of the jobs of an import") { stage in
        let id = try await stage.enqueue()
        let jobs = try await stage.export()
        try await stage.store.delete([id])
        #expect(try await stage.store.nextReady(in: ["q"]) == .unknown)
        let wakeUps = stage.store.wakeUps(in: ["q"])
        let listener = Task {
            for await next in wakeUps where next == .now { return true }
            return false
        }
        _ = try await stage.store.importJobs(jobs)
        let deadline = Task {
            try await Task.sleep(for: .seconds(60))
            listener.cancel()
        }
        #expect(await listener.value)
        deadline.cancel()
        #expect(try await stage.claimOne().id == id)
    },
]

extension Stage {
    /// The whole store.
    func export(
        of queues: [QueueName]? = nil, limit: Int = StoredJob.maximumCount
    ) async throws -> [StoredJob] {
        var (jobs, last): ([StoredJob], JobID?) = ([], nil)
        repeat {
            let page = try await store.exportJobs(of: queues, after: last, limit: limit)
            #expect(page.jobs.count <= limit)
            jobs += page.jobs
            last = page.next
        } while last != nil
        return jobs
    }

    /// A job as another store may have exported it, from a time other than now.
    fileprivate func exported(enqueuedAt seconds: Int, as id: JobID) async throws -> StoredJob? {
        clock.advance(by: .seconds(seconds))
        let new = try await enqueue("x")
        var job = try await export().first { $0.id == new }
        try await store.delete([new])
        job?.record.id = id
        return job
    }

    /// Jobs of queue "q" in every state, with every option and with histories.
    func jobsInEveryState() async throws -> [JobID] {
        try await store.configure("q", QueueSettings(retention: .seconds(3_600)))
        var ids: [JobID] = []
        func add(_ options: JobOptions, _ payload: [UInt8] = [0, 0xFF, 0x61]) async throws -> JobID {
            clock.advance(by: .milliseconds(7))
            let id = try await store.enqueue([NewJob(payload, in: "q", options: options)])[0].id
            ids.append(id)
            return id
        }
        let diagnostics = AttemptDiagnostics(
            exitCode: 3, signal: "SIGSEGV", peakMemoryBytes: 7_000, runTimeMilliseconds: 12, standardError: "e\u{301}\n"
        )

        // Done, after a failure.
        _ = try await add(JobOptions(priority: 1, group: "acme"))
        let failed = Settlement(
            try await claimOne().lease, .fail(error: "number 1", retryAfter: .zero), diagnostics: diagnostics)
        try await store.settle(failed)
        try await settle(try await claimOne().lease, .ack)
        // Delayed, after a crash; then ready, as a suspect.
        _ = try await add(JobOptions(priority: 2, maxAttempts: 5, maxCrashes: 4, uniqueKey: "retry", group: "acme"))
        try await settle(try await claimOne().lease, .crash(error: "killed", retryAfter: .seconds(600)))
        _ = try await add(JobOptions(priority: 3, group: "zenith"))
        try await settle(try await claimOne().lease, .suspect)
        // Buried by its last attempt, and by hand.
        _ = try await add(JobOptions(priority: 0, maxAttempts: 1, uniqueKey: "kept"))
        try await settle(try await claimOne().lease, .fail(error: "no user 17", retryAfter: .zero))
        let byHand = try await add(JobOptions())
        try await store.bury([byHand], reason: "by hand: e\u{301}")
        // Over.
        let cancelled = try await add(JobOptions(uniqueKey: "gone", expires: .seconds(5)))
        try await store.cancel([cancelled], reason: "not now")
        _ = try await add(JobOptions(delay: .seconds(30), expires: .milliseconds(1)))
        clock.advance(by: .milliseconds(2))
        _ = try await reap()
        // Leased.
        _ = try await add(JobOptions(priority: 0, uniqueKey: "running", group: "acme"))
        _ = try await claimOne()
        // Waiting.
        let headers = try Headers(["job-name": "send", "note": "e\u{301} \"quoted\" \\"])
        _ = try await add(
            JobOptions(
                priority: UInt32.max, maxAttempts: 9, maxCrashes: 8, timeToRun: .milliseconds(1_234), headers: headers,
                uniqueKey: "e\u{301}", group: "e\u{301}", expires: .seconds(9_999)), Array("text e\u{301}\n".utf8))
        _ = try await add(JobOptions(delay: .milliseconds(61_234), expires: .seconds(99)), [])
        for event in 1...3 {
            let options = JobOptions(
                uniqueKey: "digest", onConflict: .collect, debounce: .seconds(50), atMost: .seconds(90))
            let digest = try await store.enqueue([NewJob(Array("event \(event)".utf8), in: "q", options: options)])[0]
            if event == 1 { ids.append(digest.id) }
        }
        return ids
    }
}
