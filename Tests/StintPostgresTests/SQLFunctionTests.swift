import PostgresSupport
import StintCore
import TestSupport
import Testing

@testable import StintPostgres

@Suite("PostgreSQL: the functions for programs without Stint")
struct SQLFunctionTests {
    /// What an enqueue can say, as the arguments of the function.
    private static func arguments(_ options: JobOptions, in queue: QueueName) -> [(name: String, PostgresValue)] {
        let policy =
            switch options.onConflict {
            case .keep: "keep"
            case .replace: "replace"
            case .collect: "collect"
            }
        return [
            ("queue", .text(queue.description)), ("content_type", .text("text/x")),
            ("headers", .text(options.headers.storedText)),
            ("priority", .int(Int64(options.priority))), ("delay_ms", .int(options.delay.milliseconds)),
            ("max_attempts", .int(Int64(options.maxAttempts))), ("max_crashes", .int(Int64(options.maxCrashes))),
            ("time_to_run_ms", .int(options.timeToRun?.milliseconds)), ("unique_key", .text(options.uniqueKey)),
            ("\"group\"", .text(options.group)), ("expires_ms", .int(options.expires?.milliseconds)),
            ("on_conflict", .text(policy)), ("debounce_ms", .int(options.debounce?.milliseconds)),
            ("at_most_ms", .int(options.atMost?.milliseconds)), ("idempotency_key", .text(options.idempotencyKey)),
        ]
    }

    private func enqueue(
        _ connections: PostgresConnections, _ payload: [UInt8], in queue: QueueName, _ options: JobOptions
    ) async throws -> (id: JobID, outcome: String) {
        let arguments = Self.arguments(options, in: queue)
        let list = arguments.enumerated().map { "\($1.name) => $\($0 + 2)" }.joined(separator: ", ")
        let row = try await connections.run([
            PostgresStatement(
                "SELECT job_id, outcome FROM stint.enqueue($1, \(list))", [.bytes(payload)] + arguments.map(\.1))
        ])[0][0]
        return (JobID(rawValue: try row.int(0)), try row.text(1))
    }

    @Test("an enqueue with the function has Stint's defaults, and wakes the workers of all processes")
    func defaults() async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        let twin = try #require(try await store.enqueue([NewJob(Array("Grüße".utf8), in: "q")]).first)
        var told = database.connections.notifications(ChangeAnnouncer.channel).makeAsyncIterator()
        #expect(await told.next() == "")
        let row = try await database.administrator.run("SELECT * FROM stint.enqueue('Grüße', queue => 'q')")[0]
        #expect(try row.text(1) == "added")
        let mine = try #require(try await store.job(twin.id))
        let its = try #require(try await store.job(JobID(rawValue: row.int(0))))
        #expect(its.payload == mine.payload && its.record.contentType == "text/plain; charset=utf-8")
        var record = its.record
        (record.id, record.enqueuedAtMilliseconds, record.contentType) =
            (mine.record.id, mine.record.enqueuedAtMilliseconds, mine.record.contentType)
        #expect(record == mine.record)
        var notification = await told.next()
        // The store's own.
        while let text = notification, !text.hasPrefix("sql ") { notification = await told.next() }
        #expect(StoreChange(text: String(notification?.dropFirst(4) ?? "")).wakes.count == 1)
        #expect(try await store.stats().map(\.ready) == [2])
        await store.close()
        await database.close()
    }

    /// Jobs that meet each other again and again, with and without all that an enqueue can say.
    private func randomOptions(_ chance: inout SeededGenerator) throws -> JobOptions {
        var options = JobOptions(priority: UInt32.random(in: 0...3, using: &chance))
        if Bool.random(using: &chance) { options.group = ["a", "b"].randomElement(using: &chance) }
        if Bool.random(using: &chance) { options.expires = .milliseconds(Int.random(in: 1...90_000, using: &chance)) }
        if Bool.random(using: &chance) {
            try options.headers.set("job-name", to: ["one", "two"].randomElement(using: &chance)!)
        }
        if Bool.random(using: &chance) { options.timeToRun = .seconds(7) }
        if Int.random(in: 0..<4, using: &chance) == 0 {
            options.idempotencyKey = ["i", "j"].randomElement(using: &chance)
        }
        if Int.random(in: 0..<4, using: &chance) > 0 {
            options.uniqueKey = ["k", "l"].randomElement(using: &chance)
            options.onConflict = [.keep, .replace, .collect, .collect].randomElement(using: &chance)!
        }
        if options.onConflict == .collect, Bool.random(using: &chance) {
            options.debounce = .milliseconds(Int.random(in: 1...60_000, using: &chance))
            if Bool.random(using: &chance) {
                options.atMost = options.debounce! + .milliseconds(Int.random(in: 0...60_000, using: &chance))
            }
        } else if Bool.random(using: &chance) {
            options.delay = .milliseconds(Int.random(in: 0...60_000, using: &chance))
        }
        return options
    }

    @Test("random enqueues have the same outcomes and jobs as those of a store")
    func differential() async throws {
        let seed = chosenSeed()
        var chance = SeededGenerator(seed: seed)
        let database = try await TestDatabase(.one)
        let clock = TestClock()
        let store = try await PostgresStore.open(database.url, clock: clock)
        // The same time for the function.
        func setTime() async throws {
            _ = try await database.connections.run(
                "SELECT set_config('stint.test_now_ms', $1, false)", .text(String(clock.now().wall)))
        }
        // Groups whose turns are equal are served in the order in which they were first named, and the function names
        // that of a repeated job too. So the order is the same from here on.
        for group in ["a", "b"] {
            for queue in ["mine", "its"] as [QueueName] {
                _ = try await store.enqueue([NewJob([], in: queue, options: JobOptions(group: group))])
            }
        }
        for step in 0..<300 {
            let options = try randomOptions(&chance)
            let payload = [UInt8](repeating: UInt8(step % 256), count: Int.random(in: 0...9, using: &chance))
            let mine = try #require(
                try await store.enqueue([NewJob(payload, in: "mine", contentType: "text/x", options: options)]).first)
            try await setTime()
            let its = try await enqueue(database.connections, payload, in: "its", options)
            try #require("\(mine.outcome)" == its.outcome, "step \(step) of seed \(seed): \(options)")
            let (one, other) = (try await store.job(mine.id), try await store.job(its.id))
            try #require(Comparable(one) == Comparable(other), "step \(step) of seed \(seed): \(options)")
            switch Int.random(in: 0..<6, using: &chance) {
            case 0: clock.advance(by: .milliseconds(Int.random(in: 1...30_000, using: &chance)))
            case 2 where step % 10 == 0: clock.advance(by: .seconds(50_000))
            case 1:
                // What a claim has seen is not replaced, and takes no more events.
                var claims: [[[UInt8]]] = []
                for queue in ["mine", "its"] as [QueueName] {
                    let request = ClaimRequest(queues: [queue], limit: 2, lease: .seconds(60), worker: "w")
                    let jobs = try await store.claim(request)
                    claims.append(jobs.map { $0.payload + ($0.events ?? []).joined() })
                    let settlements = jobs.enumerated().map { place, job in
                        Settlement(job.lease, place == 0 && step % 2 == 0 ? .ack : .release(after: .seconds(1)))
                    }
                    _ = try await store.settle(settlements)
                }
                try #require(claims[0] == claims[1], "step \(step) of seed \(seed)")
            default: break
            }
        }
        let stats = try await store.stats().sorted { "\($0.name)" < "\($1.name)" }
        #expect(stats.count == 2 && stats[0].ready == stats[1].ready && stats[0].delayed == stats[1].delayed)
        #expect(stats[0].ready + stats[0].delayed > 0, "nothing was left to compare")
        await store.close()
        await database.close()
    }

    @Test(
        "what Stint would refuse is refused with the reason, and nothing is changed",
        arguments: [
            "queue => ''", "queue => '-q'", "queue => 'a b'", "queue => E'a\\u0085'", "queue => E'a\\u3000'",
            "queue => repeat('é', 101)", "priority => -1", "priority => 4294967296", "delay_ms => -1",
            "delay_ms => 3162240000001", "max_attempts => 0", "max_crashes => 2147483648", "time_to_run_ms => 0",
            "unique_key => ''", "idempotency_key => ''", "unique_key => repeat('x', 1025)", "\"group\" => ''",
            "\"group\" => repeat('x', 201)",
            "content_type => ''", "content_type => 'é'", "content_type => E'text/plain\\n'", "headers => 'no colon'",
            "headers => ': x'", "headers => '1a: x'", "headers => 'a_b: x'", "headers => E'a: x\\r\\nb: y'",
            "headers => E'a: x\\nb: \\u0007'", "headers => E'a: \\u2028'",
            "headers => repeat('a: x' || chr(10), 20000)",
            "expires_ms => 0", "on_conflict => 'add', unique_key => 'k'", "on_conflict => 'collect'",
            "debounce_ms => 1, unique_key => 'k'",
            "debounce_ms => 0, unique_key => 'k', on_conflict => 'collect'",
            "debounce_ms => 1, delay_ms => 1, unique_key => 'k', on_conflict => 'collect'",
            "at_most_ms => 1, unique_key => 'k', on_conflict => 'collect'",
            "debounce_ms => 2, at_most_ms => 1, unique_key => 'k', on_conflict => 'collect'",
        ])
    func refusals(_ arguments: String) async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        let error = await #expect(throws: PostgresError.self) {
            _ = try await database.administrator.run("SELECT stint.enqueue('x', \(arguments))")
        }
        #expect(
            error?.sqlState == "22023" && error?.message.hasPrefix("stint.enqueue: ") == true,
            "\(String(describing: error))")
        #expect(try await store.stats().isEmpty)
        await store.close()
        await database.close()
    }

    @Test("a role that may only enqueue can do nothing else, and its transaction decides whether there is a job")
    func onlyEnqueue() async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        try await database.withRole { role in
            [
                """
                DO $$ DECLARE f regprocedure; BEGIN
                    FOR f IN SELECT oid FROM pg_proc WHERE proname = 'enqueue' AND pronamespace = 'stint'::regnamespace LOOP
                        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO \(role)', f);
                    END LOOP;
                END $$
                """
            ]
        } _: { role in
            let producer = database.connections
            struct Undone: Error {}
            for isKept in [false, true] {
                do {
                    try await producer.transaction { transaction in
                        _ = try await transaction.run("SET LOCAL ROLE \(role)")
                        _ = try await transaction.run(
                            "SELECT * FROM stint.enqueue('1', queue => 'q', \"group\" => 'g')")
                        _ = try await transaction.run(
                            "SELECT * FROM stint.enqueue('2', queue => 'q', unique_key => 'k')")
                        if !isKept { throw Undone() }
                    }
                } catch is Undone {}
                #expect(try await store.stats().map(\.ready) == (isKept ? [2] : []))
            }
            // Neither its own types nor the clock of tests get anywhere in functions that run as their owner.
            let id = try await producer.transaction { transaction in
                for statement in [
                    "SET LOCAL ROLE \(role)", "CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (false)",
                    "SET LOCAL stint.test_now_ms = '1'", "SET LOCAL SESSION AUTHORIZATION \(role)",
                ] { _ = try await transaction.run(statement) }
                let id = try await transaction.run("SELECT job_id FROM stint.enqueue('3', queue => 'q')")[0].int(0)
                _ = try await transaction.run("SET LOCAL SESSION AUTHORIZATION DEFAULT")
                _ = try await transaction.run("DROP DOMAIN pg_temp.text")
                return id
            }
            let made = try #require(try await store.job(JobID(rawValue: id)))
            #expect(made.record.enqueuedAtMilliseconds > 1_000_000_000_000)
            for forbidden in ["SELECT * FROM stint.jobs", "DELETE FROM stint.ready", "SELECT stint.ack(1, 1)"] {
                let error = try await stintError {
                    try await producer.transaction { transaction in
                        _ = try await transaction.run("SET LOCAL ROLE \(role)")
                        _ = try await transaction.run(forbidden)
                    }
                }
                #expect("\(error)".contains("permission denied"), "\(error)")
            }
        }
        await store.close()
        await database.close()
    }

    @Test("a program's transaction that stays open holds up no reap")
    func openTransaction() async throws {
        let database = try await TestDatabase(.one)
        let clock = TestClock()
        let store = try await PostgresStore.open(database.url, clock: clock)
        let time = PostgresValue.text(String(clock.now().wall))
        _ = try await store.enqueue([NewJob([], in: "q")])
        _ = try await store.claim(ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(60), worker: "w"))
        try await database.connections.transaction { program in
            _ = try await program.run("SELECT set_config('stint.test_now_ms', $1, false)", time)
            _ = try await program.run("SELECT stint.enqueue('1', queue => 'q')")
        }
        try await database.connections.transaction { program in
            // The row of its counts was there before, and is locked until the commit.
            _ = try await program.run("SELECT stint.enqueue('2', queue => 'q')")
            clock.advance(by: .seconds(600))
            #expect(try await store.reap().requeued == 1)
        }
        #expect(try await store.stats().map(\.ready) == [3])
        await store.close()
        await database.close()
    }

    @Test("an ack in a program's own transaction ends the job if that commits, and only for its holder")
    func ownTransaction() async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        try await store.configure("kept", QueueSettings(retention: .seconds(600)))
        _ = try await store.enqueue((0..<3).map { try NewJob([$0], in: "q", options: JobOptions(uniqueKey: "\($0)")) })
        _ = try await store.enqueue([NewJob([9], in: "kept")])
        let request = ClaimRequest(queues: ["q", "kept"], limit: 4, lease: .seconds(60), worker: "w")
        let jobs = try await store.claim(request)
        #expect(jobs.count == 4)
        func acknowledge(_ job: LeasedJob, token: Int64? = nil, undoes: Bool = false) async throws -> Bool {
            struct Undone: Error {}
            var answer = false
            do {
                answer = try await database.connections.transaction { transaction in
                    let row = try await transaction.run(
                        "SELECT stint.ack($1, $2)", .int(token ?? job.lease.token.rawValue),
                        .int(job.lease.job.rawValue))
                    if undoes { throw Undone() }
                    return try row[0].bool(0)
                }
            } catch is Undone {}
            return answer
        }
        #expect(try await acknowledge(jobs[1], undoes: true) == false)
        #expect(try await store.settle([Settlement(jobs[1].lease, .ack)]) == [.settled(.done)])
        #expect(try await acknowledge(jobs[1]) == false)
        #expect(try await acknowledge(jobs[0], token: jobs[0].lease.token.rawValue + 1_000) == false)
        for job in [jobs[0], jobs[2], jobs[3]] { #expect(try await acknowledge(job)) }
        #expect(try await store.settle(jobs.map { Settlement($0.lease, .ack) }).allSatisfy { $0 == .leaseLost })
        let stats = try await store.stats()
        #expect(stats.map(\.leased) == [0, 0] && stats.map(\.done).reduce(0, +) == 4)
        #expect(try await store.job(jobs[3].lease.job)?.record.state == .done)
        #expect(try await store.job(jobs[0].lease.job) == nil)
        // Its key is free again.
        let again = try await store.enqueue([NewJob([0], in: "q", options: JobOptions(uniqueKey: "0"))])
        #expect(again.first?.outcome == .added)
        await store.close()
        await database.close()
    }
}

/// All of a job but what two jobs of two queues cannot have in common.
private struct Comparable: Equatable {
    var record: JobRecord
    let payload: [UInt8]
    let events: [[UInt8]]?

    init?(_ details: JobDetails?) {
        guard let details else { return nil }
        (record, payload, events) = (details.record, details.payload, details.events)
        (record.id, record.queue) = (JobID(rawValue: 0), "q")
    }
}
