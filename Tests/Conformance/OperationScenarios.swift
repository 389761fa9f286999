import StintCore
import Testing

let operationScenarios: [Scenario] = [
    // MARK: - One job by its id
    Scenario("a job that is kicked later is delayed until then, with its attempts at 0") { stage in
        let id = try await stage.enqueue()
        try await stage.settle(try await stage.claimOne().lease, .bury(reason: "no"))
        try await stage.store.change([id], .kickLater(after: .seconds(60)), by: nil)
        let record = try #require(try await stage.store.job(id)?.record)
        #expect(record.state == .delayed && record.attempts == 0)
        #expect(try await stage.claim().isEmpty)
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.claim().map(\.id) == [id])
    },
    Scenario("a kick with a delay below zero or above 100 years is refused, and so is one of a job that is not buried")
    {
        stage in
        let id = try await stage.enqueue()
        try await stage.expectRefusal(.invalidInput) {
            try await stage.store.change([id], .kickLater(after: .seconds(1)), by: nil)
        }
        try await stage.store.bury([id], reason: "no")
        for delay in [Duration.seconds(-1), .seconds(200 * 365 * 86_400)] {
            try await stage.expectRefusal(.invalidInput) {
                try await stage.store.change([id], .kickLater(after: delay), by: nil)
            }
        }
    },
    Scenario("a job moves to another queue with its state, its time, its key and the name of its group") { stage in
        let states: [JobState] = [.ready, .delayed, .buried]
        var ids: [JobID] = []
        for (number, state) in states.enumerated() {
            ids.append(
                try await stage.enqueue(
                    options: JobOptions(
                        priority: UInt32(number), delay: state == .delayed ? .seconds(60) : .zero,
                        uniqueKey: "k\(number)", group: "acme")))
        }
        try await stage.store.bury([ids[2]], reason: "no")
        let before = try await stage.records(of: ids)
        try await stage.store.change(ids, .move(to: "other"), by: nil)
        for (old, new) in zip(before, try await stage.records(of: ids)) {
            #expect(new.queue == "other" && new.state == old.state && new.group == "acme")
            #expect(new.uniqueKey == old.uniqueKey && new.runAt == old.runAt && new.buriedAt == old.buriedAt)
            #expect(new.priority == old.priority && new.reason == old.reason && new.enqueuedAt == old.enqueuedAt)
        }
        let (from, to) = (try await stage.stats(), try await stage.stats("other"))
        #expect((from.ready, from.delayed, from.buried) == (0, 0, 0))
        #expect((to.ready, to.delayed, to.buried) == (1, 1, 1))
        #expect(try await stage.claim(9).isEmpty)
        #expect(try await stage.claim(9, from: ["other"]).map(\.id) == [ids[0]])
        // The keys go along: they are free here, and taken there.
        #expect(try await stage.store.enqueue([NewJob([], in: "q", options: .init(uniqueKey: "k1"))])[0].id != ids[1])
        #expect(
            try await stage.store.enqueue([NewJob([], in: "other", options: .init(uniqueKey: "k1"))])[0].id == ids[1])
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.claim(9, from: ["other"]).map(\.id) == [ids[1]])
    },
    Scenario("a move counts in the limits of the new queue and its groups") { stage in
        try await stage.store.configure("narrow", QueueSettings(groupConcurrency: 1))
        var ids: [JobID] = []
        for _ in 1...3 { ids.append(try await stage.enqueue(options: JobOptions(group: "acme"))) }
        try await stage.store.change(ids, .move(to: "narrow"), by: nil)
        let first = try await stage.claim(9, from: ["narrow"])
        #expect(first.map(\.id) == [ids[0]])
        #expect(try await stage.claim(9, from: ["narrow"]).isEmpty)
        try await stage.settle(first[0].lease, .ack)
        #expect(try await stage.claim(9, from: ["narrow"]).map(\.id) == [ids[1]])
    },
    Scenario("a job that waits for its retry holds its old group back no more when it has moved away") { stage in
        try await stage.store.configure("q", QueueSettings(groupConcurrency: 1, groupOrder: .strict))
        let first = try await stage.enqueue(options: JobOptions(group: "acme"))
        let second = try await stage.enqueue(options: JobOptions(group: "acme"))
        try await stage.settle(try await stage.claimOne().lease, .fail(error: "no", retryAfter: .seconds(60)))
        #expect(try await stage.claim(9).isEmpty)
        try await stage.store.change([first], .move(to: "other"), by: nil)
        #expect(try await stage.claim(9).map(\.id) == [second])
    },
    Scenario("a leased job keeps its queue and its priority, and so does one whose key is taken there") { stage in
        let leased = try await stage.enqueue()
        _ = try await stage.claimOne()
        let ready = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        for change in [JobChange.move(to: "other"), .setPriority(to: 1)] {
            try await stage.expectRefusal(.invalidInput) {
                try await stage.store.change([ready, leased], change, by: nil)
            }
        }
        try await stage.enqueue(in: "other", options: JobOptions(uniqueKey: "k"))
        try await stage.expectRefusal(.invalidInput) {
            try await stage.store.change([ready], .move(to: "other"), by: nil)
        }
        let missing = JobID(rawValue: 999)
        try await stage.expectRefusal(.notFound) {
            try await stage.store.change([ready, missing], .setPriority(to: 1), by: nil)
        }
        let record = try await stage.store.job(ready)?.record
        #expect(record?.queue == "q" && record?.priority == JobOptions().priority)
    },
    Scenario("a job with another priority comes in its new order, also after a delay and a kick") { stage in
        var ids: [JobID] = []
        for _ in 0..<4 { ids.append(try await stage.enqueue(options: JobOptions(priority: 10))) }
        let delayed = try await stage.enqueue(options: JobOptions(priority: 10, delay: .seconds(5)))
        try await stage.store.bury([ids[3]], reason: "no")
        try await stage.store.change([ids[2], delayed, ids[3]], .setPriority(to: 1), by: nil)
        try await stage.store.change([ids[0]], .setPriority(to: 99), by: nil)
        try await stage.store.kick([ids[3]])
        stage.clock.advance(by: .seconds(5))
        #expect(try await stage.stats().ready == 4)
        #expect(try await stage.claim(9).map(\.id) == [ids[2], ids[3], delayed, ids[1], ids[0]])
    },
    Scenario("a pause has a reason until the queue is resumed or paused without one") { stage in
        let why = "the provider is down"
        try await stage.store.configure("q", QueueSettings(paused: true, pauseReason: why))
        #expect(try await stage.stats().pauseReason == why)
        #expect(try await stage.store.queue("q")?.stats.pauseReason == why)
        try await stage.store.configure("q", QueueSettings(retention: .seconds(1)))
        #expect(try await stage.stats().pauseReason == why)
        try await stage.store.configure("q", QueueSettings(paused: true))
        #expect(try await stage.stats().pauseReason == nil)
        #expect(try await stage.stats().paused)
        try await stage.store.configure("q", QueueSettings(paused: true, pauseReason: why))
        try await stage.store.configure("q", QueueSettings(paused: false))
        #expect(try await stage.stats().pauseReason == nil)
        #expect(try await stage.stats().paused == false)
        try await stage.expectRefusal(.invalidInput) {
            try await stage.store.configure("q", QueueSettings(pauseReason: why))
        }
        try await stage.expectRefusal(.invalidInput) {
            try await stage.store.configure("q", QueueSettings(paused: true, pauseReason: ""))
        }
    },
    // MARK: - Workers
    Scenario("a worker has its order until it gets another one, and only one with a supervisor can be restarted") {
        stage in
        let alone = try await stage.hire(process: 1)
        let supervised = try await stage.hire(process: 2, under: stage.process(9))
        func orders() async throws -> [WorkerOrder?] { try await stage.store.workers().map(\.order) }
        #expect(try await orders() == [nil, nil])
        let mark = alone.place.revocations.read()
        try await stage.store.order(.quiet, to: alone.id)
        #expect(alone.place.revocations.read() != mark)
        #expect(try await orders() == [.quiet, nil])
        #expect(try await stage.store.order(of: alone.id) == .quiet)
        try await stage.renew(alone)
        #expect(try await orders() == [.quiet, nil])
        try await stage.store.order(.restart, to: supervised.id)
        try await stage.expectRefusal(.invalidInput) { try await stage.store.order(.restart, to: alone.id) }
        try await stage.store.order(nil, to: alone.id)
        #expect(try await orders() == [nil, .restart])
        let missing = WorkerID(rawValue: 999)
        try await stage.expectRefusal(.notFound) { try await stage.store.order(.stop, to: missing) }
        #expect(try await stage.store.order(of: missing) == nil)
    },
    // MARK: - Records
    Scenario("a change of single jobs leaves a record if it is known who made it, and if it was made") { stage in
        let id = try await stage.enqueue()
        try await stage.store.change([id], .bury(reason: "no"), by: nil)
        #expect(try await stage.store.operations(limit: 9, before: nil).isEmpty)
        try await stage.store.change([id], .kick, by: "alice")
        try await stage.expectRefusal(.invalidInput) { try await stage.store.change([id], .kick, by: "bob") }
        let records = try await stage.store.operations(limit: 9, before: nil)
        #expect(records.count == 1)
        let record = try #require(records.first)
        #expect(record.action == .change(.kick) && record.actor == "alice" && record.filter == "id:\(id)")
        #expect(record.state == .done && record.changed == 1 && record.endedAt == record.begunAt)
        try await stage.expectRefusal(.invalidInput) { try await stage.store.change([id], .delete, by: "") }
        #expect(try await stage.store.operation(record.id) == record)
        #expect(try await stage.store.operation(OperationID(rawValue: 999)) == nil)
    },
    Scenario("records are listed newest first, page by page, and kept for 90 days") { stage in
        let id = try await stage.enqueue()
        for priority: UInt32 in 1...5 {
            try await stage.store.change([id], .setPriority(to: priority), by: "alice")
        }
        let all = try await stage.store.operations(limit: 9, before: nil)
        #expect(all.map(\.action) == (1...5).reversed().map { .change(.setPriority(to: $0)) })
        let page = try await stage.store.operations(limit: 2, before: all[1].id)
        #expect(page == Array(all[2...3]))
        try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.operations(limit: -1, before: nil) }
        let open = try await stage.begin(.kick)
        stage.clock.advance(by: BulkOperation.keptFor + .seconds(1))
        _ = try await stage.reap()
        #expect(try await stage.store.operations(limit: 9, before: nil).map(\.id) == [open.id])
    },
    // MARK: - Many jobs
    Scenario("an operation changes the jobs of its selection that were there when it began, and ends") { stage in
        let ids = try await stage.enqueue(3)
        let other = try await stage.enqueue(in: "other")
        let operation = try await stage.begin(.bury(reason: "no"), total: 3)
        #expect(operation.state == .running && operation.changed == 0 && operation.total == 3)
        #expect(operation.filter == "queue:q" && operation.actor == "alice" && operation.endedAt == nil)
        let late = try await stage.enqueue()
        #expect(try await stage.stats().buried == 0)
        let done = try await stage.finish(operation)
        #expect(done.state == .done && done.changed == 3 && done.endedAt != nil && done.failure == nil)
        #expect(try await stage.stats().buried == 3)
        for id in ids { #expect(try await stage.state(id) == .buried) }
        #expect(try await stage.state(late) == .ready)
        #expect(try await stage.state(other) == .ready)
        #expect(try await stage.store.step(by: OperationDriver()) == .idle)
    },
    Scenario("a step changes at most 1,000 jobs and says how far the operation is") { stage in
        for _ in 1...5 { _ = try await stage.enqueue(500) }
        let operation = try await stage.begin(.setPriority(to: 5))
        let driver = OperationDriver()
        var steps: [Int] = []
        while case .made(let now, let changed) = try await stage.store.step(by: driver) {
            steps.append(changed)
            #expect(changed <= 1_000 && now.id == operation.id && now.changed == steps.reduce(0, +))
        }
        #expect(steps.count { $0 > 0 } >= 3)
        let done = try await stage.store.operation(operation.id)
        #expect(done?.state == .done && done?.changed == 2_500)
        #expect(Set(try await stage.claim(1_000).map(\.priority)) == [5])
    },
    Scenario("an operation with a limit changes the first jobs that it comes to, and no more") { stage in
        let ids = try await stage.enqueue(2_500)
        for part in [ids[..<1_000], ids[1_000..<2_000], ids[2_000...]] {
            try await stage.store.change(Array(part), .bury(reason: "no"), by: nil)
        }
        var selection = JobSelection("q")
        for (limit, changed) in [(1, 1), (1_500, 1_500), (5_000, 999)] {
            selection.limit = limit
            let operation = try await stage.store.begin(NewOperation(.kick, selection))
            let done = try await stage.finish(operation)
            #expect(done.state == .done && done.changed == changed)
        }
        #expect(try await stage.stats().buried == 0)
        selection.limit = 2
        let burial = try await stage.store.begin(NewOperation(.bury(reason: "again"), selection))
        #expect(try await stage.finish(burial).changed == 2)
        selection.limit = 0
        try await stage.expectRefusal(.invalidInput) {
            _ = try await stage.store.begin(NewOperation(.kick, selection))
        }
    },
    Scenario("each change that jobs can have, an operation makes to those it applies to") { stage in
        let states = try await stage.jobs(in: .ready, .delayed, .leased, .buried, .done)
        #expect(try await stage.changed(.runNow) == 1)
        #expect(try await stage.state(states[.delayed]!) == .ready)
        #expect(try await stage.changed(.kickLater(after: .seconds(9))) == 1)
        #expect(try await stage.state(states[.buried]!) == .delayed)
        #expect(try await stage.changed(.bury(reason: "all")) == 4)
        #expect(try await stage.stats().buried == 4)
        #expect(try await stage.stats().leased == 0)
        #expect(try await stage.changed(.kick) == 4)
        #expect(try await stage.changed(.move(to: "other")) == 4)
        #expect(try await stage.stats("other").ready == 4)
        #expect(try await stage.stats().ready == 0)
        let cancelling = try await stage.begin(.cancel(reason: "no"), in: "other")
        #expect(try await stage.finish(cancelling).changed == 4)
        #expect(try await stage.stats("other").cancelled == 4)
        #expect(try await stage.stats("other").ready == 0)
    },
    Scenario("an operation that buries finds a job that changes its state behind it") { stage in
        _ = try await stage.enqueue(500)
        _ = try await stage.enqueue(500)
        let late = try await stage.enqueue(options: JobOptions(priority: 0, delay: .seconds(5)))
        let operation = try await stage.begin(.bury(reason: "no"))
        let driver = OperationDriver()
        guard case .made(_, changed: 1_000) = try await stage.store.step(by: driver) else {
            Issue.record("no step of 1,000 jobs")
            return
        }
        // The walk has read the ready jobs already.
        try await stage.store.runNow([late])
        #expect(try await stage.finish(operation, by: driver).changed == 1_001)
        #expect(try await stage.state(late) == .buried)
    },
    Scenario("a job that is buried again while an operation kicks is not kicked a second time") { stage in
        _ = try await stage.enqueue(500)
        _ = try await stage.enqueue(500)
        let last = try await stage.enqueue()
        #expect(try await stage.finish(try await stage.begin(.bury(reason: "no"))).changed == 1_001)
        let operation = try await stage.begin(.kick)
        let driver = OperationDriver()
        _ = try await stage.store.step(by: driver)
        let again = try await stage.claimOne()
        try await stage.settle(again.lease, .bury(reason: "again"))
        #expect(try await stage.finish(operation, by: driver).changed == 1_001)
        #expect(try await stage.state(again.id) == .buried)
        #expect(try await stage.state(last) == .ready)
    },
    Scenario("jobs whose key is taken stay where they are when the others move, and are counted") { stage in
        let stays = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        let moves = try await stage.enqueue()
        try await stage.enqueue(in: "other", options: JobOptions(uniqueKey: "k"))
        let done = try await stage.finish(try await stage.begin(.move(to: "other")))
        #expect(done.state == .done && done.changed == 1 && done.skipped == 1)
        #expect(try await stage.store.job(stays)?.record.queue == "q")
        #expect(try await stage.store.job(moves)?.record.queue == "other")
    },
    Scenario("one driver at a time makes steps, and another goes on two seconds after its last one") { stage in
        for _ in 1...5 { _ = try await stage.enqueue(500) }
        let operation = try await stage.begin(.setPriority(to: 5))
        let (first, second) = (OperationDriver(), OperationDriver())
        guard case .made = try await stage.store.step(by: first) else {
            Issue.record("no step")
            return
        }
        #expect(try await stage.store.step(by: second) == .elsewhere)
        stage.clock.advance(by: .milliseconds(1_999))
        #expect(try await stage.store.step(by: second) == .elsewhere)
        stage.clock.advance(by: .milliseconds(1))
        guard case .made = try await stage.store.step(by: second) else {
            Issue.record("it did not take over")
            return
        }
        #expect(try await stage.store.step(by: first) == .elsewhere)
        #expect(try await stage.finish(operation, by: second).changed == 2_500)
    },
    Scenario("a clock that is set back after a step keeps no other driver waiting") { stage in
        for _ in 1...3 { _ = try await stage.enqueue(500) }
        let operation = try await stage.begin(.setPriority(to: 5))
        guard case .made = try await stage.store.step(by: OperationDriver()) else {
            Issue.record("no step")
            return
        }
        stage.clock.setWall(ahead: .seconds(-60))
        #expect(try await stage.finish(operation).changed == 1_500)
    },
    Scenario("an operation ends although jobs come back to a state that it has read, in each of its passes") { stage in
        let id = try await stage.enqueue()
        let operation = try await stage.begin(.bury(reason: "no"))
        let driver = OperationDriver()
        var steps = 0
        while steps < 20, case .made = try await stage.store.step(by: driver) {
            steps += 1
            try await stage.store.kick([id])
        }
        #expect(steps == BulkOperation.maximumPasses)
        let ended = try await stage.store.operation(operation.id)
        #expect(ended?.state == .done && ended?.changed == BulkOperation.maximumPasses)
    },
    Scenario("more operations at a time than a store takes are refused, until one has ended") { stage in
        try await stage.enqueue()
        let first = try await stage.begin(.setPriority(to: 5))
        for _ in 1..<BulkOperation.maximumOpen { _ = try await stage.begin(.setPriority(to: 5)) }
        try await stage.expectRefusal(.invalidInput) { _ = try await stage.begin(.setPriority(to: 5)) }
        _ = try await stage.store.control(first.id, .pause)
        try await stage.expectRefusal(.invalidInput) { _ = try await stage.begin(.setPriority(to: 5)) }
        _ = try await stage.store.control(first.id, .cancel)
        _ = try await stage.begin(.setPriority(to: 5))
    },
    Scenario("several operations take turns") { stage in
        for queue: QueueName in ["a", "b"] {
            for _ in 1...3 { _ = try await stage.store.enqueue((1...500).map { _ in try NewJob([], in: queue) }) }
        }
        let first = try await stage.begin(.setPriority(to: 5), in: "a")
        let second = try await stage.begin(.setPriority(to: 5), in: "b")
        var turns: [OperationID] = []
        let driver = OperationDriver()
        while case .made(let operation, _) = try await stage.store.step(by: driver) {
            turns.append(operation.id)
            stage.clock.advance(by: .milliseconds(1))
        }
        #expect(Array(turns.prefix(4)) == [first.id, second.id, first.id, second.id])
        #expect(try await stage.store.operation(first.id)?.changed == 1_500)
        #expect(try await stage.store.operation(second.id)?.changed == 1_500)
    },
    Scenario("an operation that is paused makes no step until it is resumed, and one that is cancelled none any more") {
        stage in
        for _ in 1...5 { _ = try await stage.enqueue(500) }
        let operation = try await stage.begin(.bury(reason: "no"))
        let driver = OperationDriver()
        _ = try await stage.store.step(by: driver)
        #expect(try await stage.store.control(operation.id, .pause).state == .paused)
        #expect(try await stage.store.step(by: driver) == .idle)
        #expect(try await stage.reapAll().changed == 0)
        #expect(try await stage.store.control(operation.id, .resume).state == .running)
        _ = try await stage.store.step(by: driver)
        let cancelled = try await stage.store.control(operation.id, .cancel)
        #expect(cancelled.state == .cancelled && cancelled.changed == 2_000 && cancelled.endedAt != nil)
        #expect(try await stage.store.step(by: driver) == .idle)
        #expect(try await stage.stats().buried == 2_000)
        #expect(try await stage.stats().ready == 500)
        for control in OperationControl.allCases {
            try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.control(operation.id, control) }
        }
        try await stage.expectRefusal(.notFound) {
            _ = try await stage.store.control(OperationID(rawValue: 999), .pause)
        }
    },
    Scenario("a reap goes on with operations until they have ended") { stage in
        for _ in 1...3 { _ = try await stage.enqueue(500) }
        let operation = try await stage.begin(.bury(reason: "no"))
        #expect(try await stage.reapAll().changed == 1_500)
        #expect(try await stage.store.operation(operation.id)?.state == .done)
    },
    Scenario("an operation on a queue that does not exist ends with no job, and too long texts are refused") { stage in
        let done = try await stage.finish(try await stage.begin(.delete, in: "nowhere"))
        #expect(done.state == .done && done.changed == 0 && done.restorableUntil == nil)
        let long = String(repeating: "x", count: 9_000)
        await #expect(throws: StintError.self) {
            _ = try await stage.store.begin(NewOperation(.kick, JobSelection("q"), filter: long))
        }
        await #expect(throws: StintError.self) {
            _ = try await stage.store.begin(NewOperation(.kick, JobSelection("q"), filter: "x", actor: long))
        }
        #expect(try await stage.store.operations(limit: 9, before: nil).count == 1)
    },
    // MARK: - Deleted jobs
    Scenario("jobs that an operation has deleted are in no list, no count and no claim, and their keys are free") {
        stage in
        let id = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        let leased = try await stage.claimOne()
        try await stage.settle(leased.lease, .fail(error: "no", retryAfter: .seconds(5)))
        _ = try await stage.jobs(in: .ready, .delayed, .leased, .buried, .done)
        let done = try await stage.finish(try await stage.begin(.delete))
        #expect(done.changed == 6 && done.state == .done)
        let stats = try await stage.stats()
        #expect((stats.ready, stats.delayed, stats.leased, stats.buried) == (0, 0, 0, 0))
        #expect(try await stage.store.list(JobFilter()).isEmpty)
        #expect(try await stage.store.failures(limit: 9).isEmpty)
        #expect(try await stage.store.job(id) == nil)
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.claim(9).isEmpty)
        for change in [JobChange.kick, .bury(reason: "r"), .delete] {
            try await stage.expectRefusal(.notFound) { try await stage.store.change([id], change, by: nil) }
        }
        #expect(try await stage.enqueue(options: JobOptions(uniqueKey: "k")) != id)
    },
    Scenario("a deleted set can be brought back within ten minutes, each job in the state in which it was") { stage in
        let made = try await stage.jobs(in: .ready, .delayed, .buried, .done)
        let failed = try await stage.enqueue(
            "with all", options: JobOptions(priority: 7, uniqueKey: "k", group: "acme", expires: .seconds(9_000)))
        let claimed = try #require(try await stage.claim(9).first { $0.id == failed })
        try await stage.settle(claimed.lease, .fail(error: "no", retryAfter: .seconds(5_000)))
        let cancelled = try await stage.enqueue()
        try await stage.store.cancel([cancelled], reason: "off")
        let expired = try await stage.enqueue(options: JobOptions(expires: .milliseconds(1)))
        stage.clock.advance(by: .milliseconds(2))
        #expect(try await stage.reap().expired == 1)
        let held = try await stage.store.list(JobFilter(state: .leased)).map(\.id)
        let ids = Array(made.values) + [failed, cancelled, expired]
        let before = try await stage.details(of: ids)
        let (stats, groups) = (try await stage.stats(), try await stage.store.groups(of: "q", limit: 9).map(\.name))
        let deleting = try await stage.finish(try await stage.begin(.delete))
        #expect(deleting.changed == ids.count && deleting.restorableUntil != nil)
        stage.clock.advance(by: .seconds(59))
        _ = try await stage.reapAll()
        let restored = try await stage.finish(try await stage.store.beginRestore(of: deleting.id, by: "bob"))
        #expect(restored.action == .restore(deleting.id) && restored.total == ids.count && restored.actor == "bob")
        #expect(restored.changed == ids.count && restored.skipped == 0)
        for (old, new) in zip(before, try await stage.details(of: ids)) where !held.contains(old.record.id) {
            #expect(new.record == old.record)
            #expect(new.payload == old.payload && new.failures == old.failures)
        }
        // Those that were leased lost their leases, and are ready.
        for id in held { #expect(try await stage.state(id) == .ready) }
        let now = try await stage.stats()
        #expect((now.ready, now.delayed, now.leased) == (stats.ready + held.count, stats.delayed, 0))
        #expect((now.buried, now.done, now.cancelled) == (stats.buried, stats.done, stats.cancelled))
        #expect(now.expired == stats.expired)
        #expect(try await stage.store.groups(of: "q", limit: 9).map(\.name) == groups)
        #expect(try await stage.enqueue(options: JobOptions(uniqueKey: "k")) == failed)
        try await stage.expectRefusal(.invalidInput) {
            _ = try await stage.store.beginRestore(of: deleting.id, by: nil)
        }
    },
    Scenario("a lease of a job that an operation has deleted is lost, also when the job is back") { stage in
        let id = try await stage.enqueue()
        let job = try await stage.claimOne()
        let deleting = try await stage.finish(try await stage.begin(.delete))
        try await stage.expectLeaseLost(job.lease, .ack)
        #expect(try await stage.store.extend([job.lease], by: .seconds(1)) == [job.lease])
        _ = try await stage.finish(try await stage.store.beginRestore(of: deleting.id, by: nil))
        try await stage.expectLeaseLost(job.lease, .ack)
        let again = try await stage.claimOne()
        #expect(again.id == id && again.lease.token > job.lease.token)
        try await stage.settle(again.lease, .ack)
    },
    Scenario("a job whose key was taken meanwhile is not brought back, and is counted") { stage in
        let old = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        let other = try await stage.enqueue()
        let deleting = try await stage.finish(try await stage.begin(.delete))
        let new = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        let restored = try await stage.finish(try await stage.store.beginRestore(of: deleting.id, by: nil))
        #expect(restored.state == .done && restored.changed == 1 && restored.skipped == 1)
        #expect(try await stage.state(other) == .ready)
        #expect(try await stage.state(old) == nil)
        // It can be tried again when the key is free.
        try await stage.store.delete([new])
        let second = try await stage.finish(try await stage.store.beginRestore(of: deleting.id, by: nil))
        #expect(second.total == 1 && second.changed == 1)
        #expect(try await stage.state(old) == .ready)
    },
    Scenario("ten minutes after its end what an operation has deleted is gone for good") { stage in
        for _ in 1...3 { _ = try await stage.enqueue(500) }
        let deleting = try await stage.finish(try await stage.begin(.delete))
        stage.clock.advance(by: BulkOperation.restoreTime - .milliseconds(1))
        #expect(try await stage.reapAll().purged == 0)
        stage.clock.advance(by: .milliseconds(1))
        try await stage.expectRefusal(.invalidInput) {
            _ = try await stage.store.beginRestore(of: deleting.id, by: nil)
        }
        let first = try await stage.reap().purged
        #expect((1...1_000).contains(first))
        #expect(try await stage.reapAll().purged == 1_500 - first)
        #expect(try await stage.store.operation(deleting.id)?.restorableUntil == nil)
        #expect(try await stage.reapAll().purged == 0)
    },
    Scenario("the ten minutes are those of each operation: what another has deleted later can still be brought back") {
        stage in
        _ = try await stage.enqueue(3)
        let first = try await stage.finish(try await stage.begin(.delete))
        stage.clock.advance(by: .seconds(300))
        _ = try await stage.enqueue(2)
        let second = try await stage.finish(try await stage.begin(.delete))
        stage.clock.advance(by: .seconds(300))
        #expect(try await stage.reapAll().purged == 3)
        try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.beginRestore(of: first.id, by: nil) }
        let restore = try await stage.store.beginRestore(of: second.id, by: nil)
        #expect(try await stage.finish(restore).changed == 2)
        #expect(try await stage.stats().ready == 2)
    },
    Scenario("jobs that are being brought back when the ten minutes are over come back, all of them") { stage in
        for _ in 1...3 { _ = try await stage.enqueue(500) }
        let deleting = try await stage.finish(try await stage.begin(.delete))
        stage.clock.advance(by: BulkOperation.restoreTime - .milliseconds(1))
        let restore = try await stage.store.beginRestore(of: deleting.id, by: nil)
        let driver = OperationDriver()
        _ = try await stage.store.step(by: driver)
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.reap().purged == 0)
        #expect(try await stage.finish(restore, by: driver).changed == 1_500)
        #expect(try await stage.stats().ready == 1_500)
        #expect(try await stage.reapAll().purged == 0)
        #expect(try await stage.stats().ready == 1_500)
    },
    Scenario("only what has ended, and has deleted jobs, can be brought back") { stage in
        _ = try await stage.enqueue(3)
        let burying = try await stage.finish(try await stage.begin(.bury(reason: "no")))
        let deleting = try await stage.begin(.delete)
        for id in [burying.id, deleting.id] {
            try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.beginRestore(of: id, by: nil) }
        }
        try await stage.expectRefusal(.notFound) {
            _ = try await stage.store.beginRestore(of: OperationID(rawValue: 999), by: nil)
        }
        _ = try await stage.store.step(by: OperationDriver())
        let ended = try await stage.store.operation(deleting.id)
        if ended?.state == .running { _ = try await stage.store.control(deleting.id, .cancel) }
        let restored = try await stage.finish(try await stage.store.beginRestore(of: deleting.id, by: nil))
        #expect(restored.changed == 3)
        #expect(try await stage.stats().buried == 3)
    },
]

extension Stage {
    /// On all jobs of a queue.
    func begin(_ change: JobChange, in queue: QueueName = "q", total: Int? = nil) async throws -> BulkOperation {
        try await store.begin(
            NewOperation(change, JobSelection(queue), filter: "queue:\(queue)", actor: "alice", total: total))
    }

    /// How many jobs an operation changes from its begin to its end.
    fileprivate func changed(_ change: JobChange) async throws -> Int {
        try await finish(try await begin(change)).changed
    }

    /// Makes steps until it has ended.
    func finish(_ operation: BulkOperation, by driver: OperationDriver = OperationDriver()) async throws
        -> BulkOperation
    {
        for _ in 1...100 {
            let now = try #require(try await store.operation(operation.id))
            if now.state.isEnded { return now }
            _ = try await store.step(by: driver)
        }
        Issue.record("operation \(operation.id) does not end")
        return operation
    }

    fileprivate func records(of ids: [JobID]) async throws -> [JobRecord] {
        try await details(of: ids).map(\.record)
    }

    fileprivate func details(of ids: [JobID]) async throws -> [JobDetails] {
        var details: [JobDetails] = []
        for id in ids { details.append(try #require(try await store.job(id))) }
        return details
    }
}
