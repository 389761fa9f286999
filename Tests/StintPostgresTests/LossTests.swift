import PostgresSupport
import StintCore
import StintPostgres
import TestSupport
import Testing

@Suite("PostgreSQL: lost connections and what is known of the outcome")
struct LossTests {
    @Test("a connection that the server has ended is replaced, and its statements are prepared again")
    func idle() async throws {
        let database = try await TestDatabase(.one)
        let process = PostgresStatement("SELECT pg_backend_pid()")
        var processes: Set<Int64> = []
        for _ in 1...5 {
            let number = try await database.connections.run([process])[0][0].int(0)
            processes.insert(number)
            try await database.terminate(number)
        }
        #expect(processes.count == 5)
        await database.close()
    }

    @Test("a call whose server process is ended before the commit has changed nothing, and is made again")
    func duringACall() async throws {
        let database = try await TestDatabase(.one)
        let connections = database.connections
        _ = try await connections.run("CREATE TABLE t (n bigint)")
        let task = try await blocking(database.administrator) {
            try await connections.run([
                PostgresStatement("INSERT INTO t VALUES (1)"), PostgresStatement("SELECT pg_advisory_xact_lock(1)"),
            ])
        } whileWaiting: { process, holder in
            _ = try await holder.run("SELECT pg_terminate_backend($1::integer)", .int32(Int32(process)))
            _ = try await waitingProcess(holder, besides: process)
        }
        _ = try await task.value
        #expect(try await connections.run("SELECT count(*) FROM t")[0].int(0) == 1)
        await database.close()
    }

    @Test("a transaction that loses its connection before the commit is made again")
    func duringATransaction() async throws {
        let database = try await TestDatabase(.one)
        let connections = database.connections
        _ = try await connections.run("CREATE TABLE t (n bigint)")
        let calls = Counter()
        try await connections.transaction { transaction in
            let process = try await transaction.run("INSERT INTO t VALUES (1) RETURNING pg_backend_pid()")[0].int(0)
            if calls.increment() < 3 { try await database.terminate(process) }
        }
        #expect(calls.value == 3)
        #expect(try await connections.run("SELECT count(*) FROM t")[0].int(0) == 1)
        await database.close()
    }

    @Test(
        "a connection that breaks after COMMIT was sent leaves an unknown outcome, whether the server has it or not",
        .enabled(if: PostgresCluster.isOwn))
    func atCommit() async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: #require(PostgresCluster.shared.get().folder))
        let connections = try PostgresConnections(proxy.url(database.name), options: .one)
        _ = try await connections.run("CREATE TABLE t (n bigint)")
        let calls = Counter()
        for (place, commitsAtOnce, count) in [
            (CuttingProxy.Place.beforeTheAnswer, false, 1 as Int64), (.beforeTheServer, false, 1),
            (.beforeTheAnswer, true, 2), (.beforeTheServer, true, 2),
        ] {
            proxy.cut(place, at: "COMMIT")
            let error = try await stintError {
                try await connections.transaction { transaction in
                    calls.increment()
                    _ = try await transaction.run(
                        [PostgresStatement("INSERT INTO t VALUES (1)")], commits: commitsAtOnce)
                }
            }
            #expect(error.code == .outcomeUnknown)
            #expect(try await database.administrator.run("SELECT count(*) FROM t")[0].int(0) == count)
        }
        #expect(calls.value == 4, "none is made again")
        #expect(proxy.cutCount == 4)
        await connections.close()
        await database.close()
    }

    @Test(
        "a transaction that only reads is made again if its connection breaks after COMMIT was sent",
        .enabled(if: PostgresCluster.isOwn))
    func readingAtCommit() async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: #require(PostgresCluster.shared.get().folder))
        let connections = try PostgresConnections(proxy.url(database.name), options: .one)
        for place in [CuttingProxy.Place.beforeTheAnswer, .beforeTheServer] {
            let calls = Counter()
            proxy.cut(place, at: "COMMIT")
            let answer = try await connections.transaction(isReading: true) { transaction in
                calls.increment()
                return try await transaction.run("SELECT 1::bigint")[0].int(0)
            }
            #expect(answer == 1 && calls.value == 2)
        }
        #expect(proxy.cutCount == 2)
        await connections.close()
        await database.close()
    }

    @Test(
        "a pipeline whose Sync was sent has an unknown outcome, one that only reads is made again",
        .enabled(if: PostgresCluster.isOwn))
    func atSync() async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: #require(PostgresCluster.shared.get().folder))
        let connections = try PostgresConnections(proxy.url(database.name), options: .one)
        _ = try await connections.run("CREATE TABLE t (n bigint)")
        for (place, count) in [(CuttingProxy.Place.beforeTheAnswer, 1 as Int64), (.beforeTheServer, 1)] {
            proxy.cut(place, at: "INSERT")
            let error = try await stintError { try await connections.run("INSERT INTO t VALUES (1)") }
            #expect(error.code == .outcomeUnknown)
            #expect(try await database.administrator.run("SELECT count(*) FROM t")[0].int(0) == count)

            proxy.cut(place, at: "count")
            let rows = try await connections.run([PostgresStatement("SELECT count(*) FROM t")], isReading: true)
            #expect(try rows[0][0].int(0) == count)
        }
        #expect(proxy.cutCount == 4)
        await connections.close()
        await database.close()
    }

    @Test(
        "a connection that breaks before COMMIT was sent has changed nothing, and the transaction is made again",
        .enabled(if: PostgresCluster.isOwn))
    func beforeCommit() async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: #require(PostgresCluster.shared.get().folder))
        let connections = try PostgresConnections(proxy.url(database.name), options: .one)
        _ = try await connections.run("CREATE TABLE t (n bigint)")
        for (place, count) in [(CuttingProxy.Place.beforeTheAnswer, 1 as Int64), (.beforeTheServer, 2)] {
            let calls = Counter()
            // A new text each time: one that is known is sent by its name.
            let insert = "INSERT INTO t VALUES (\(count))"
            proxy.cut(place, at: insert)
            try await connections.transaction { transaction in
                calls.increment()
                _ = try await transaction.run(insert)
            }
            #expect(calls.value == 2)
            #expect(try await database.administrator.run("SELECT count(*) FROM t")[0].int(0) == count)
        }
        await connections.close()
        await database.close()
    }

    @Test(
        "an enqueue with an idempotency key is repeated, and if that fails its outcome is still unknown",
        .enabled(if: PostgresCluster.isOwn))
    func repeated() async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: #require(PostgresCluster.shared.get().folder))
        let store = try await PostgresStore.open(proxy.url(database.name))
        func enqueue(_ key: String) async throws -> Enqueued {
            try await store.enqueue([try NewJob([], in: "q", options: JobOptions(idempotencyKey: key))])[0]
        }
        let cuts: [(CuttingProxy.Place, Enqueued.Outcome)] = [
            (.beforeTheAnswer, .duplicate), (.beforeTheServer, .added),
        ]
        for (place, outcome) in cuts {
            proxy.cut(place, at: "COMMIT")
            #expect(try await enqueue("\(place)").outcome == outcome)
        }
        #expect(proxy.cutCount == 2)
        // The server refuses what the first try has added, so that the second one fails.
        let refusal = [
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF EXISTS (SELECT FROM stint.idempotency_keys WHERE key = NEW.key) THEN RAISE EXCEPTION 'refused'; END IF;
                RETURN NEW;
            END $$
            """,
            """
            CREATE TRIGGER refuse BEFORE INSERT ON stint.idempotency_keys FOR EACH ROW EXECUTE FUNCTION public.refuse()
            """,
        ]
        for statement in refusal { _ = try await database.administrator.run(statement) }
        proxy.cut(.beforeTheAnswer, at: "COMMIT")
        let error = try await stintError { try await enqueue("refused") }
        #expect(error.code == .outcomeUnknown, "\(error)")
        #expect(try await store.stats().map(\.ready) == [3])
        await store.close()
        await database.close()
    }

    // MARK: - The wait for a synchronous standby

    /// A server whose commits wait for a standby that never comes, if they ask for it.
    private func withWaitingServer(
        _ body: (_ connections: PostgresConnections, _ administrator: PostgresConnections, _ url: String) async throws
            -> Void
    ) async throws {
        let cluster = try PostgresCluster(settings: [
            "fsync": "off", "synchronous_standby_names": "nobody", "synchronous_commit": "local",
        ])
        let url = try await cluster.createDatabase()
        var options = PostgresConnections.Options.one
        // It passes in any case.
        options.commitTimeout = .milliseconds(300)
        let connections = try PostgresConnections(url, options: options)
        let administrator = try PostgresConnections(url)
        _ = try await administrator.run("CREATE TABLE t (n bigint)")
        try await body(connections, administrator, url)
        _ = try await administrator.run(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        await connections.close()
        await administrator.close()
        try cluster.stop()
    }

    private let waits = PostgresStatement("SELECT set_config('synchronous_commit', 'on', true)")
    private let insert = PostgresStatement("INSERT INTO t VALUES (1)")

    @Test(
        "a COMMIT that waits too long is abandoned without being cancelled, and its outcome is unknown",
        .enabled(if: PostgresCluster.isOwn))
    func commitTimeout() async throws {
        try await withWaitingServer { connections, administrator, _ in
            let error = try await stintError {
                try await connections.transaction { _ = try await $0.run([waits, insert]) }
            }
            #expect(error.code == .outcomeUnknown)
            #expect(error.description.contains("in time"))
            try await eventually("the server still waits") {
                try await administrator.run("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'").count == 1
            }
        }
    }

    @Test(
        "a wait for the standby that is cancelled is an unknown outcome and no success",
        .enabled(if: PostgresCluster.isOwn), arguments: ["pg_cancel_backend", "pg_terminate_backend"])
    func cancelledWait(function: String) async throws {
        try await withWaitingServer { _, administrator, url in
            var options = PostgresConnections.Options.one
            options.commitTimeout = .seconds(300)
            let patient = try PostgresConnections(url, options: options)
            for isPipeline in [true, false] {
                let (waits, insert) = (waits, insert)
                let task = Task {
                    if isPipeline {
                        _ = try await patient.run([waits, insert])
                    } else {
                        try await patient.transaction { _ = try await $0.run([waits, insert]) }
                    }
                }
                try await eventually("the commit waits, and is cancelled") {
                    try await !administrator.run(
                        "SELECT \(function)(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                    ).isEmpty
                }
                let error = try await stintError { try await task.value }
                #expect(error.code == .outcomeUnknown)
            }
            try await eventually("both changes are there, for now") {
                try await administrator.run("SELECT count(*) FROM t")[0].int(0) == 2
            }
            await patient.close()
        }
    }
}
