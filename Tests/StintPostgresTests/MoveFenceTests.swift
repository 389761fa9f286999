import PostgresSupport
import StintCore
import TestSupport
import Testing

@testable import StintPostgres

@Suite("PostgreSQL: a database that is moved refuses changes, but for enqueues")
struct MoveFenceTests {
    private static let limit = ConcurrencyLimit(4)

    @Test("frozen, it refuses each verb but enqueues, until the time is over", arguments: MovingVerb.all)
    func frozen(_ verb: MovingVerb) async throws {
        try await Self.limit.run {
            let place = try await MovingPlace()
            try await place.mover.beginMove(place.move, to: MovingPlace.peer)
            let run = try await verb.prepare(place)
            try await place.setTime()
            try await place.removeAllNotes()
            try await place.mover.freeze(place.move, for: .milliseconds(5_000))
            #expect(try await place.mover.moveState(.out)?.phase == .frozen)
            if verb.isEnqueue {
                try await run()
                #expect(try await place.mover.notedChanges(limit: 100).notes.isEmpty != verb.changesJobs)
            } else {
                let before = try await MovingPlace.jobs(of: place.store)
                await place.expect(.databaseBusy, "\(verb.testDescription)", run)
                #expect(try await MovingPlace.jobs(of: place.store) == before)
                #expect(try await place.mover.notedChanges(limit: 100).notes.isEmpty)
                place.clock.advance(by: .milliseconds(5_000))
                try await place.setTime()
                #expect(try await place.mover.moveState(.out)?.phase == .copying)
                try await run()
                #expect(try await place.mover.notedChanges(limit: 100).notes.isEmpty != verb.changesJobs)
            }
            await place.close()
        }
    }

    @Test("moved, it refuses each verb but enqueues, which are noted", arguments: MovingVerb.all)
    func moved(_ verb: MovingVerb) async throws {
        try await Self.limit.run {
            let place = try await MovingPlace()
            let run = try await verb.prepare(place)
            try await place.setTime()
            // A claim that is not settled prevents the commit.
            guard try await place.sql("SELECT 1 FROM stint.leases").isEmpty else { return await place.close() }
            try await place.commit()
            #expect(try await place.mover.moveState(.out)?.phase == .moved)
            let before = try await MovingPlace.jobs(of: place.store).map(\.id)
            if verb.isEnqueue {
                try await run()
                // Those that were moved have no keys here any more, so there is a new job.
                let after = try await MovingPlace.jobs(of: place.store).map(\.id)
                #expect(after.count == before.count + 1)
                let changes = try await place.mover.notedChanges(limit: 100)
                #expect(changes.ids == changes.jobs.map(\.id))
                #expect(Set(changes.ids) == Set(after).subtracting(before))
            } else {
                await place.expect(.databaseMoved, "\(verb.testDescription)", run)
                #expect(try await place.mover.notedChanges(limit: 100).notes.isEmpty)
            }
            await place.close()
        }
    }

    @Test("arriving, it refuses each verb of others")
    func arriving() async throws {
        let place = try await MovingPlace()
        try await place.mover.beginArrival(place.move, from: MovingPlace.peer)
        try await place.mover.beginArrival(place.move, from: MovingPlace.peer)
        #expect(
            try await place.mover.moveState(.in)
                == MoveState(move: place.move, phase: .arriving, peer: MovingPlace.peer))
        let job = try NewJob([1], in: "q")
        let calls: [(String, @Sendable () async throws -> Void)] = [
            ("enqueue", { _ = try await place.store.enqueue([job]) }),
            ("enqueue with a key", { try await place.enqueue(JobOptions(uniqueKey: "k")) }),
            ("stint.enqueue", { try await place.sql("SELECT stint.enqueue('x')") }),
            ("register", { _ = try await place.register() }),
            ("configure", { try await place.store.configure("q", QueueSettings(paused: true)) }),
            ("schedule", { _ = try await place.store.setSchedule(Schedule("s", .every(.seconds(9)), job: job)) }),
            ("another move", { try await place.mover.beginMove(MoveID("x"), to: "elsewhere") }),
        ]
        for (name, call) in calls.dropLast() { await place.expect(.databaseUnusable, name, call) }
        await place.expect(.invalidInput, "another move", calls.last!.1)
        await place.expect(.invalidInput, "another arrival") {
            try await place.mover.beginArrival(MoveID("other"), from: "elsewhere")
        }
        // The mover may.
        try await place.mover.configure("q", QueueSettings(paused: true))
        try await place.mover.setWeight(4, ofGroup: "g", in: "q")
        _ = try await place.mover.setSchedule(Schedule("s", .every(.seconds(9)), job: job))
        _ = try await place.mover.setWebhook(
            Webhook("w", url: "https://hooks.example.com/x", events: ["buried"]), keepsSecret: true)
        await place.expect(.invalidInput, "the end of another") { try await place.mover.endArrival(MoveID("other")) }
        try await place.mover.endArrival(place.move)
        try await place.mover.endArrival(place.move)
        for (_, call) in calls.dropLast() { try await call() }
        #expect(try await place.sql("SELECT 1 FROM pg_trigger WHERE tgname LIKE 'move%'").isEmpty)
        #expect(try await place.mover.moveState(.in)?.phase == .arrived)
        // It can be moved itself, but nothing else can come here.
        try await place.mover.beginMove(MoveID("back"), to: "elsewhere")
        await place.close()
    }

    @Test("jobs arrive only where there are none")
    func notEmpty() async throws {
        let place = try await MovingPlace()
        try await place.enqueue()
        await place.expect(.invalidInput, "an arrival") {
            try await place.mover.beginArrival(place.move, from: MovingPlace.peer)
        }
        #expect(try await place.mover.moveState(.in) == nil)
        try await place.enqueue()
        await place.close()
    }

    @Test("who may do nothing but enqueue can do that in every phase")
    func producer() async throws {
        let place = try await MovingPlace()
        let database = place.database
        try await database.withRole { role in
            [
                "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA stint TO \(role)",
                "REVOKE EXECUTE ON FUNCTION stint.ack(bigint, bigint) FROM \(role)",
            ]
        } _: { role in
            func enqueue(_ options: String = "") async throws {
                try await database.connections.transaction { program in
                    _ = try await program.run("SET LOCAL SESSION AUTHORIZATION \(role)")
                    _ = try await program.run("SELECT stint.enqueue('x', queue => 'q'\(options))")
                }
            }
            let collects = ", unique_key => 'k', on_conflict => 'collect', debounce_ms => 9000"
            let move = place.move
            try await place.mover.beginMove(move, to: MovingPlace.peer)
            for options in ["", collects, collects] { try await enqueue(options) }
            try await place.mover.freeze(move, for: .seconds(60))
            for options in ["", collects, collects] { try await enqueue(options) }
            try await place.removeAllNotes()
            #expect(try await place.mover.commitMove(move, lastCopied: nil))
            for options in ["", collects, collects] { try await enqueue(options) }
        }
        await place.close()
    }

    @Test("who moves must own the schema, and need not be a superuser")
    func owner() async throws {
        let database = try await TestDatabase()
        let name = try await database.administrator.run("SELECT current_database()")[0].text(0)
        let role = "owner_\(name)"
        _ = try await database.administrator.run("CREATE ROLE \(role) LOGIN")
        _ = try await database.administrator.run("GRANT CREATE ON DATABASE \(name) TO \(role)")
        let url = database.url + (database.url.contains("?") ? "&" : "?") + "user=\(role)"
        var options = PostgresStore.Options()
        options.isMover = true
        let (store, mover) = (try await PostgresStore.open(url), try await PostgresStore.open(url, options: options))
        let replacing = JobOptions(uniqueKey: "k", onConflict: .replace)
        let move = MoveID(MoveID.newName())
        try await mover.beginMove(move, to: MovingPlace.peer)
        try await mover.freeze(move, for: .seconds(600))
        for _ in 0..<2 { _ = try await store.enqueue([NewJob([1], in: "q", options: replacing)]) }
        for _ in 0..<2 {
            let connections = try PostgresConnections(url)
            _ = try await connections.run(
                "SELECT stint.enqueue('x', queue => 'q', unique_key => 'k', on_conflict => 'replace')")
            await connections.close()
        }
        #expect(try await mover.notedChanges(limit: 9).ids.count == 1)
        await #expect(throws: StintError.self) {
            try await store.claim(ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(9), worker: "w"))
        }
        #expect(try await mover.commitMove(move, lastCopied: nil))
        let changes = try await mover.notedChanges(limit: 9)
        try await mover.removeForwarded(changes.ids, notes: changes.notes)
        #expect(try await MovingPlace.jobs(of: mover).isEmpty)
        // The setting of a mover is for the owner.
        try await database.withRole { role in
            ["GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA stint TO \(role)"]
        } _: { worker in
            let error = try await stintError {
                try await database.connections.transaction { transaction in
                    _ = try await transaction.run("SET LOCAL SESSION AUTHORIZATION \(worker)")
                    _ = try await transaction.run("SET LOCAL stint.mover = 'on'")
                    _ = try await transaction.run("DELETE FROM stint.ready")
                }
            }
            #expect(error.code == .databaseMoved, "\(error)")
        }
        await store.close()
        await mover.close()
        _ = try await database.administrator.run("DROP OWNED BY \(role) CASCADE")
        _ = try await database.administrator.run("DROP ROLE \(role)")
        await database.close()
    }

    @Test("the commit is refused after the time, with a lease, and while a change of what was copied is noted")
    func commit() async throws {
        let place = try await MovingPlace()
        let (mover, move) = (place.mover, place.move)
        let id = try await place.enqueue()
        await place.expect(.invalidInput, "a freeze before") { try await mover.freeze(move, for: .seconds(1)) }
        await place.expect(.invalidInput, "a commit before") { _ = try await mover.commitMove(move, lastCopied: id) }
        try await mover.beginMove(move, to: MovingPlace.peer)
        #expect(try await !mover.commitMove(move, lastCopied: id))

        try await mover.freeze(move, for: .seconds(1))
        place.clock.advance(by: .seconds(1))
        #expect(try await !mover.commitMove(move, lastCopied: id))

        let lease = try await place.claim()[0].lease
        try await place.removeAllNotes()
        try await mover.freeze(move, for: .seconds(1))
        #expect(try await !mover.commitMove(move, lastCopied: id))
        place.clock.advance(by: .seconds(1))

        _ = try await place.store.settle([Settlement(lease, .release(after: .zero))])
        try await mover.freeze(move, for: .seconds(1))
        #expect(try await !mover.commitMove(move, lastCopied: id))
        // More time.
        place.clock.advance(by: .milliseconds(999))
        try await mover.freeze(move, for: .seconds(1))
        place.clock.advance(by: .milliseconds(999))
        try await place.removeAllNotes()
        // One that was not copied: it is forwarded.
        let later = try await place.enqueue(JobOptions(uniqueKey: "later"))
        #expect(try await !mover.commitMove(move, lastCopied: later))
        place.clock.advance(by: .milliseconds(-3))
        await place.expect(.invalidInput, "another's commit") {
            _ = try await mover.commitMove(MoveID("other"), lastCopied: id)
        }
        #expect(try await mover.commitMove(move, lastCopied: id))
        #expect(try await mover.commitMove(move, lastCopied: id))
        #expect(try await mover.notedChanges(limit: 9).ids == [later])
        await place.expect(.invalidInput, "a freeze after it") { try await mover.freeze(move, for: .seconds(1)) }
        await place.expect(.invalidInput, "to give it up") { try await mover.abandonMove(move) }
        await place.close()
    }

    @Test("a program's transaction with an older snapshot does not pass")
    func oldSnapshot() async throws {
        let place = try await MovingPlace()
        try await place.enqueue()
        let lease = try await place.claim()[0].lease
        try await place.setTime()
        let error = await #expect(throws: StintError.self) {
            let tries = Counter()
            try await place.database.connections.transaction { program in
                _ = try await program.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                _ = try await program.run("SELECT 1 FROM stint.migrations")
                if tries.increment() == 1 {
                    try await place.mover.beginMove(place.move, to: MovingPlace.peer)
                    try await place.mover.freeze(place.move, for: .seconds(60))
                }
                _ = try await program.run("SELECT stint.ack(\(lease.token.rawValue), \(lease.job.rawValue))")
            }
        }
        // It was begun again after the serialization failure, and sees the move then.
        #expect(error?.code == .databaseBusy)
        #expect(error?.description.contains("is being moved") == true)
        #expect(try await place.store.job(lease.job)?.record.state == .leased)
        await place.close()
    }
}
