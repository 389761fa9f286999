import PostgresSupport
import StintCore
import StintPostgres
import TestSupport
import Testing

@Suite("PostgreSQL: calls and connections")
struct ConnectionTests {
    @Test("statements of a pipeline return their rows in order, in one transaction")
    func pipeline() async throws {
        let database = try await TestDatabase()
        let rows = try await database.connections.run([
            PostgresStatement("CREATE TABLE numbers (n bigint)"),
            PostgresStatement("INSERT INTO numbers SELECT generate_series(1, 3)"),
            PostgresStatement("SELECT $1::bigint, $2::text", [.int(7), .text("seven")]),
            PostgresStatement("SELECT n, txid_current() = xmin::text::bigint FROM numbers ORDER BY n"),
        ])
        #expect(rows.count == 4)
        #expect(rows[1].affected == 3)
        #expect(try rows[2][0].int(0) == 7)
        #expect(try rows[2][0].text(1) == "seven")
        #expect(try rows[3].map { try $0.int(0) } == [1, 2, 3])
        #expect(try rows[3].allSatisfy { try $0.bool(1) })
        #expect(try await database.connections.run([]).isEmpty)
        await database.close()
    }

    @Test("a statement that fails undoes the others of its pipeline, and is an error with its SQLSTATE and constraint")
    func refused() async throws {
        let database = try await TestDatabase(.one)
        _ = try await database.connections.run("CREATE TABLE t (n bigint CONSTRAINT one_each PRIMARY KEY)")
        let error = await #expect(throws: PostgresError.self) {
            try await database.connections.run([
                PostgresStatement("INSERT INTO t VALUES ($1)", [.int(1)]),
                PostgresStatement("INSERT INTO t VALUES ($1)", [.int(1)]),
                PostgresStatement("INSERT INTO t VALUES ($1)", [.int(2)]),
            ])
        }
        #expect(error?.sqlState == "23505")
        #expect(error?.constraint == "one_each")
        #expect(try await database.connections.run("SELECT count(*) FROM t")[0].int(0) == 0)
        // Those that were not reached can still be used.
        _ = try await database.connections.run("INSERT INTO t VALUES ($1)", .int(2))
        await database.close()
    }

    @Test("calls of many tasks share a few connections: each gets its own rows, and those of a task keep their order")
    func manyTasks() async throws {
        var options = PostgresConnections.Options()
        options.connections = 2
        let database = try await TestDatabase(options)
        _ = try await database.connections.run(
            "CREATE TABLE log (place bigserial, task bigint, number bigint, again bigint)")
        let connections = database.connections
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<64 as Range<Int64> {
                group.addTask {
                    for number in 0..<20 as Range<Int64> {
                        let rows = try await connections.run([
                            PostgresStatement(
                                "INSERT INTO log (task, number) VALUES ($1, $2)", [.int(task), .int(number)]),
                            PostgresStatement("SELECT $1::bigint, $2::bigint", [.int(task), .int(number)]),
                            PostgresStatement(
                                "UPDATE log SET again = $2 WHERE task = $1 AND number = $2", [.int(task), .int(number)]),
                        ])
                        #expect(try rows[1][0].int(0) == task)
                        #expect(try rows[1][0].int(1) == number)
                        #expect(rows[2].affected == 1)
                    }
                }
            }
            try await group.waitForAll()
        }
        let outOfOrder = try await connections.run(
            """
            SELECT count(*), count(*) FILTER (WHERE n <> number OR again <> number)
            FROM (SELECT number, again, row_number() OVER (PARTITION BY task ORDER BY place) - 1 AS n FROM log) AS l
            """)
        #expect(try outOfOrder[0].int(0) == 64 * 20)
        #expect(try outOfOrder[0].int(1) == 0)
        let backends = try await database.administrator.run(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'stint'")
        #expect(try backends[0].int(0) <= 2 + 1, "with the administrator's")
        await database.close()
    }

    @Test("several calls are in flight on one connection before the first is answered, up to the depth")
    func depth() async throws {
        var options = PostgresConnections.Options.one
        options.pipelineDepth = 3
        let database = try await TestDatabase(options)
        let (connections, administrator) = (database.connections, database.administrator)
        let gate = try await administrator.transaction { holder in
            _ = try await holder.run("SELECT pg_advisory_xact_lock(1)")
            let tasks = (0..<6 as Range<Int64>).map { number in
                Task {
                    try await connections.run("SELECT $1::bigint, pg_advisory_xact_lock_shared(1)", .int(number))[0]
                        .int(0)
                }
            }
            try await eventually("a call waits for the lock") {
                try await !holder.run("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").isEmpty
            }
            return tasks
        }
        var numbers: [Int64] = []
        for task in gate { numbers.append(try await task.value) }
        #expect(numbers.sorted() == Array(0..<6))
        await database.close()
    }

    @Test("settings are made on each connection, and may be changed")
    func settings() async throws {
        var options = PostgresConnections.Options.one
        options.settings["work_mem"] = "7MB"
        options.applicationName = "a test's"
        options.lockTimeout = .seconds(77)
        let database = try await TestDatabase(options)
        for (name, value) in [
            ("jit", "off"), ("enable_seqscan", "off"), ("work_mem", "7MB"), ("lock_timeout", "77s"),
            ("statement_timeout", "30s"), ("client_encoding", "UTF8"), ("application_name", "a test's"),
            ("standard_conforming_strings", "on"), ("client_min_messages", "warning"),
        ] {
            #expect(try await database.connections.run("SELECT current_setting($1)", .text(name))[0].text(0) == value)
        }
        await database.close()
    }

    @Test("through a pooler nothing is prepared by name, and each transaction makes the settings for itself")
    func pooled() async throws {
        var options = PostgresConnections.Options.one
        options.isPooled = true
        let database = try await TestDatabase(options)
        let connections = database.connections
        let read = PostgresStatement("SELECT current_setting('jit'), $1::bigint", [.int(1)])
        // As the pooler does before it gives the connection to another client.
        let reset = PostgresStatement("SELECT set_config('jit', 'on', false)")
        for _ in 1...3 {
            #expect(try await connections.run([read, reset])[0][0].text(0) == "off")
            let inTransaction = try await connections.transaction { transaction in
                let rows = try await transaction.run([read])[0]
                _ = try await transaction.run([reset], commits: true)
                return try rows[0].text(0)
            }
            #expect(inTransaction == "off")
        }
        #expect(try await connections.run("SELECT count(*) FROM pg_prepared_statements")[0].int(0) == 0)
        await database.close()
    }

    @Test("statements are prepared once, and again if they are gone or their tables were changed")
    func preparation() async throws {
        let database = try await TestDatabase(.one)
        let connections = database.connections
        _ = try await connections.run("CREATE TABLE t (n bigint)")
        let count = "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT * FROM t'"
        for _ in 1...3 { _ = try await connections.run("SELECT * FROM t") }
        #expect(try await connections.run(count)[0].int(0) == 1)

        _ = try await connections.run("DEALLOCATE ALL")
        _ = try await connections.run("SELECT * FROM t")
        _ = try await database.administrator.run("ALTER TABLE t ADD m bigint")
        _ = try await connections.run("SELECT * FROM t")

        _ = try await database.administrator.run("ALTER TABLE t ADD o bigint")
        let calls = Counter()
        try await connections.transaction { transaction in
            calls.increment()
            _ = try await transaction.run("SELECT * FROM t")
        }
        #expect(calls.value == 2)
        await database.close()
    }

    @Test("texts of which there are many are not prepared by name")
    func rare() async throws {
        let database = try await TestDatabase(.one)
        for number in 1...5 {
            _ = try await database.connections.run([PostgresStatement("SELECT \(number)", isRare: true)])
        }
        for number in 1...600 { _ = try await database.connections.run("SELECT \(number) + 1") }
        let count = try await database.connections.run([
            PostgresStatement(
                "SELECT count(*), count(*) FILTER (WHERE statement NOT LIKE '%+%') FROM pg_prepared_statements",
                isRare: true)
        ])[0][0]
        #expect(try count.int(0) == 512)
        #expect(try count.int(1) == 0)
        await database.close()
    }

    @Test("after close calls fail, and those before it end as usual")
    func close() async throws {
        let database = try await TestDatabase()
        let (connections, administrator) = (database.connections, database.administrator)
        let isWaiting = Counter()
        let task = try await blocking(administrator) {
            try await connections.run("SELECT 5::bigint, pg_advisory_xact_lock(1)")[0].int(0)
        } whileWaiting: { _, _ in
            isWaiting.increment()
        }
        #expect(isWaiting.value == 1)
        await connections.close()
        #expect(try await task.value == 5)
        let error = try await stintError { try await connections.run("SELECT 1") }
        #expect(error.code == .closed)
        await connections.close()
        for await _ in connections.notifications("c") { Issue.record("a notification after close") }
        try await eventually("the server has no connection of it any more") {
            try await administrator.run(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).isEmpty
        }
        await administrator.close()
    }
}
