import StintCore
import Testing

/// Of stores that can be moved: what is left, and to which jobs go; see ``MovableStore``.
let moveScenarios: [Scenario] = [
    Scenario("while a move goes on, every change of a job is noted, with the job as it is then", needs: .moves) {
        stage in
        let store = try stage.movable
        try await store.configure("q", QueueSettings(retention: .seconds(60)))
        let move = MoveID("one")
        try await store.beginMove(move, to: "elsewhere")
        #expect(try await store.moveState(.out) == MoveState(move: move, phase: .copying, peer: "elsewhere"))
        // A second beginning changes nothing, and another move is refused.
        try await store.beginMove(move, to: "elsewhere")
        await #expect(throws: StintError.self) { try await store.beginMove(MoveID("two"), to: "elsewhere") }

        func expectNoted(_ what: String, _ ids: JobID...) async throws {
            let changes = try await store.notedChanges(limit: 1_000)
            #expect(Set(changes.ids) == Set(ids), "\(what)")
            let jobs = try await stage.export().filter { ids.contains($0.id) }
            #expect(changes.jobs.sorted { $0.id < $1.id } == jobs, "\(what)")
            try await store.removeNotes(changes.notes)
            #expect(try await store.notedChanges(limit: 1_000).notes.isEmpty, "\(what)")
        }
        let one = try await stage.enqueue(options: JobOptions(group: "g"))
        try await expectNoted("enqueue", one)
        let first = try await stage.claimOne()
        try await expectNoted("claim", one)
        try await stage.settle(first.lease, .fail(error: "no", retryAfter: .seconds(5)))
        try await expectNoted("failure", one)
        try await store.runNow([one])
        try await expectNoted("run now", one)
        try await store.bury([one], reason: "no")
        try await expectNoted("bury", one)
        try await store.kick([one])
        try await expectNoted("kick", one)
        try await store.change([one], .setPriority(to: 3), by: nil)
        try await expectNoted("priority", one)
        try await store.change([one], .move(to: "other"), by: nil)
        try await expectNoted("queue", one)
        try await store.change([one], .move(to: "q"), by: nil)
        try await expectNoted("queue", one)
        try await stage.settle(try await stage.claimOne().lease, .release(after: .zero))
        try await expectNoted("release", one)
        try await stage.settle(try await stage.claimOne().lease, .ack)
        try await expectNoted("ack", one)
        stage.clock.advance(by: .seconds(120))
        _ = try await stage.reapAll()
        try await expectNoted("pruned", one)

        let two = try await stage.enqueue(
            options: JobOptions(delay: .seconds(5), uniqueKey: "k", expires: .seconds(60)))
        try await expectNoted("delayed", two)
        _ = try await store.enqueue([NewJob([7], in: "q", options: JobOptions(uniqueKey: "k", onConflict: .replace))])
        try await expectNoted("replaced", two)
        let lease = try await stage.claimOne(lease: .seconds(5)).lease
        try await expectNoted("claim", two)
        stage.clock.advance(by: .seconds(10))
        _ = try await stage.reapAll()
        stage.clock.advance(by: .seconds(10))
        _ = try await stage.reapAll()
        try await expectNoted("expired lease", two)
        try await stage.expectLeaseLost(lease, .ack)
        try await store.cancel([two], reason: "no")
        try await expectNoted("cancel", two)

        func event(_ text: String) throws -> NewJob {
            try NewJob(
                Array(text.utf8), in: "q",
                options: JobOptions(uniqueKey: "d", onConflict: .collect, debounce: .seconds(5)))
        }
        let digest = try await store.enqueue([event("a")])[0].id
        try await expectNoted("digest", digest)
        stage.clock.advance(by: .seconds(1))
        _ = try await store.enqueue([event("b")])
        try await expectNoted("event", digest)
        try await store.delete([digest])
        try await expectNoted("delete", digest)
        let three = try await stage.enqueue(options: JobOptions(expires: .seconds(1)))
        try await expectNoted("enqueue", three)
        stage.clock.advance(by: .seconds(2))
        _ = try await stage.reapAll()
        try await expectNoted("expired", three)

        try await store.abandonMove(move)
        #expect(try await store.moveState(.out) == nil)
        try await stage.enqueue()
        #expect(try await store.notedChanges(limit: 10).notes.isEmpty)
    },
    Scenario("a frozen store accepts enqueues and nothing else, until its time is over", needs: .moves) { stage in
        let store = try stage.movable
        let ids = try await stage.jobs(in: .ready, .delayed, .buried, .leased)
        let move = MoveID("one")
        await #expect(throws: StintError.self) { try await store.freeze(move, for: .seconds(30)) }
        try await store.beginMove(move, to: "elsewhere")
        try await store.freeze(move, for: .seconds(30))
        func expectRefusals(_ code: StintError.Code) async throws {
            try await stage.expectRefusal(code) { _ = try await stage.claim() }
            try await stage.expectRefusal(code) { try await store.kick([ids[.buried]!]) }
            try await stage.expectRefusal(code) { try await store.delete([ids[.ready]!]) }
            try await stage.expectRefusal(code) { try await store.configure("q", QueueSettings(paused: true)) }
            try await stage.expectRefusal(code) {
                _ = try await store.setSchedule(Schedule("s", .every(.seconds(5)), job: NewJob([], in: "q")))
            }
        }
        try await expectRefusals(.databaseBusy)
        try await stage.enqueue("while it is frozen")
        #expect(try await stage.export().last?.payload == Array("while it is frozen".utf8))
        // One that is leased, and its time.
        #expect(try await store.commitMove(move, lastCopied: ids.values.max()) == false)
        stage.clock.advance(by: .seconds(31))
        #expect(try await !stage.claim().isEmpty)
        #expect(try await store.commitMove(move, lastCopied: nil) == false)
        try await store.abandonMove(move)
        #expect(try await store.moveState(.out) == nil)
    },
    Scenario("during a move and after it claims are refused, also if nothing is ready", needs: .moves) { stage in
        let store = try stage.movable
        for _ in 0..<2 {
            try await stage.enqueue()
            #expect(try await stage.settle(try await stage.claimOne().lease, .ack) == .done)
        }
        let move = MoveID("one")
        try await store.beginMove(move, to: "elsewhere")
        #expect(try await stage.claim().isEmpty)
        try await store.freeze(move, for: .seconds(30))
        try await stage.expectRefusal(.databaseBusy) { _ = try await stage.claim() }
        #expect(try await store.commitMove(move, lastCopied: nil))
        for _ in 0..<2 { try await stage.expectRefusal(.databaseMoved) { _ = try await stage.claim() } }
    },
    Scenario("a move is committed if no copied job has changed, and then only enqueues are accepted", needs: .moves) {
        stage in
        let store = try stage.movable
        let one = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        let move = MoveID("one")
        try await store.beginMove(move, to: "elsewhere")
        try await store.bury([one], reason: "no")
        try await store.freeze(move, for: .seconds(30))
        #expect(try await store.commitMove(move, lastCopied: one) == false)
        try await store.removeNotes(try await store.notedChanges(limit: 10).notes)
        let two = try await stage.enqueue("later")
        #expect(try await store.commitMove(move, lastCopied: one))
        #expect(try await store.commitMove(move, lastCopied: one))
        #expect(try await store.moveState(.out) == MoveState(move: move, phase: .moved, peer: "elsewhere"))
        stage.clock.advance(by: .seconds(3_600))
        try await stage.expectRefusal(.databaseMoved) { _ = try await stage.claim() }
        try await stage.expectRefusal(.databaseMoved) { try await store.kick([one]) }
        try await stage.expectRefusal(.databaseMoved) { try await store.configure("q", QueueSettings(paused: true)) }
        await #expect(throws: StintError.self) { try await store.abandonMove(move) }
        // The key of a job that has left is free.
        let three = try await stage.enqueue("new", options: JobOptions(uniqueKey: "k"))
        #expect(three != one)
        let noted = try await store.notedChanges(limit: 10)
        #expect(noted.ids == [two, three] && noted.jobs.map(\.record.uniqueKey) == [nil, "k"])
        // It cannot be replaced any more, so it goes as it was read.
        let replacing = JobOptions(uniqueKey: "k", onConflict: .replace)
        let four = try await stage.enqueue("newer", options: replacing)
        #expect(four != three)
        try await store.removeForwarded(noted.jobs.map(\.id), notes: noted.notes)
        let rest = try await store.notedChanges(limit: 10)
        #expect(rest.jobs.map(\.id) == [four])
        try await store.removeForwarded([four], notes: rest.notes)
        try await store.removeForwarded([], notes: try await store.notedChanges(limit: 10).notes)
        #expect(try await store.notedChanges(limit: 10).notes.isEmpty)
        #expect(try await stage.export().map(\.id) == [one])
    },
    Scenario("jobs are replaced by what they are elsewhere, in every state, with all that is known", needs: .moves) {
        stage in
        let store = try stage.movable
        let ids = try await stage.jobsInEveryState()
        let now = stage.clock.now().wall
        let before = try await stage.export().map { $0.released(at: now) }
        try await store.replaceJobs(ids, with: before)
        #expect(try await stage.export() == before)
        let stats = try await stage.stats()
        try await store.replaceJobs(ids, with: before)
        #expect(try await stage.export() == before)
        #expect(try await stage.stats() == stats)
        // A key that another job has now there.
        let holder = try #require(before.first { $0.record.uniqueKey != nil && !$0.record.state.isOver })
        var heir = holder
        heir.record.id = JobID(rawValue: before.last!.id.rawValue + 10)
        try await store.replaceJobs([heir.id], with: [heir])
        #expect(try await stage.export() == before.filter { $0.id != holder.id } + [heir])
        try await store.replaceJobs(ids + [heir.id, JobID(rawValue: 1 << 40)], with: [])
        #expect(try await stage.export().isEmpty)
        #expect(try await stage.stats().unfinished == 0)
        #expect(try await stage.enqueue() > heir.id)
    },
    Scenario("a forwarded job is added once, however often it comes", needs: .moves) { stage in
        let store = try stage.movable
        let move = MoveID("one")
        let jobs = try (1...3).map { number in
            ForwardedJob(id: JobID(rawValue: Int64(number)), jobs: [try NewJob([UInt8(number)], in: "q")])
        }
        try await store.enqueueForwarded([jobs[0]], of: move)
        try await store.enqueueForwarded(jobs, of: move)
        try await store.enqueueForwarded(jobs, of: move)
        #expect(try await stage.export().map(\.payload) == [[1], [2], [3]])
        try await store.enqueueForwarded(jobs, of: MoveID("other"))
        #expect(try await stage.stats().ready == 6)
    },
    Scenario("tokens, idempotency keys and the next tick go on from elsewhere", needs: .moves) { stage in
        let store = try stage.movable
        let first = try await stage.enqueue(options: JobOptions(idempotencyKey: "i"))
        let token = try await stage.claimOne().lease.token
        #expect(try await store.greatestToken() >= token)
        let high = FencingToken(rawValue: token.rawValue + 5_000)
        try await store.raiseTokens(above: high)
        try await store.raiseTokens(above: token)
        try await stage.enqueue()
        #expect(try await stage.claimOne().lease.token > high)

        let known = try await store.idempotencyKeys(after: nil, limit: 10)
        #expect(known.map(\.key) == ["i"] && known.map(\.job) == [first])
        #expect(try await store.idempotencyKeys(after: known[0], limit: 10).isEmpty)
        let other = IdempotencyKeyRecord(
            queue: "new", key: "j", job: JobID(rawValue: 77), enqueuedAt: stage.clock.now().wall)
        try await store.addIdempotencyKeys([other])
        try await store.addIdempotencyKeys([other])
        let again = try await store.enqueue([NewJob([], in: "new", options: JobOptions(idempotencyKey: "j"))])[0]
        #expect(again.outcome == .duplicate && again.id == JobID(rawValue: 77))

        _ = try await store.setSchedule(Schedule("s", .every(.seconds(600)), missed: .all, job: NewJob([], in: "t")))
        let now = stage.clock.now().wall
        let ticks = ScheduleTicks(name: "s", until: now - 3_000, next: now - 1_000)
        try await store.setScheduleTicks([ticks, ScheduleTicks(name: "nobody", until: now, next: now)])
        #expect(try await store.scheduleTicks() == [ticks])
        #expect(try await store.schedules().first?.nextTickMilliseconds == now - 1_000)
    },
]

extension Stage {
    fileprivate var movable: any MovableStore {
        get throws { try #require(store as? any MovableStore) }
    }
}
