import PostgresSupport
import StintCore
import StintPostgres
import TestSupport
import Testing

@Suite("PostgreSQL: transactions")
struct TransactionTests {
    private struct OwnError: Error {}

    private let raise =
        "CREATE FUNCTION raise(state text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'raised' "
        + "USING ERRCODE = state; END $$"

    @Test("what a body has done is there when it returns, and nothing of it when it throws")
    func commitAndRollback() async throws {
        let database = try await TestDatabase(.one)
        let connections = database.connections
        _ = try await connections.run("CREATE TABLE t (n bigint)")
        let sum = try await connections.transaction { transaction in
            _ = try await transaction.run("INSERT INTO t VALUES (1), ($1)", .int(2))
            return try await transaction.run("SELECT sum(n)::bigint FROM t")[0].int(0)
        }
        #expect(sum == 3)
        await #expect(throws: OwnError.self) {
            try await connections.transaction { transaction in
                _ = try await transaction.run("INSERT INTO t VALUES (3)")
                throw OwnError()
            }
        }
        #expect(try await connections.transaction { _ in 5 } == 5)
        #expect(try await database.administrator.run("SELECT count(*) FROM t")[0].int(0) == 2)
        await database.close()
    }

    @Test("its last statements may carry the commit")
    func commitsAtOnce() async throws {
        let database = try await TestDatabase(.one)
        let connections = database.connections
        _ = try await connections.run("CREATE TABLE t (n bigint PRIMARY KEY)")
        let rows = try await connections.transaction { transaction in
            try await transaction.run(
                [PostgresStatement("INSERT INTO t VALUES (1)"), PostgresStatement("SELECT n FROM t")], commits: true)
        }
        #expect(rows.count == 2)
        #expect(try rows[1][0].int(0) == 1)
        await #expect(throws: PostgresError.self) {
            try await connections.transaction { transaction in
                _ = try await transaction.run("INSERT INTO t VALUES (2)")
                _ = try await transaction.run([PostgresStatement("INSERT INTO t VALUES (1)")], commits: true)
            }
        }
        // The connection has no open transaction.
        #expect(try await connections.run("SELECT count(*) FROM t")[0].int(0) == 1)
        await database.close()
    }

    @Test("a body that goes on after an error has changed nothing, and gets the error at its end")
    func ignoredError() async throws {
        let database = try await TestDatabase(.one)
        let connections = database.connections
        _ = try await connections.run("CREATE TABLE t (n bigint)")
        let error = await #expect(throws: PostgresError.self) {
            try await connections.transaction { transaction in
                _ = try await transaction.run("INSERT INTO t VALUES (1)")
                do { _ = try await transaction.run("SELECT 1 / 0") } catch is PostgresError {}
            }
        }
        #expect(error?.sqlState == "22012")
        #expect(try await connections.run("SELECT count(*) FROM t")[0].int(0) == 0)
        await database.close()
    }

    @Test("serialization failures and deadlocks are repeated, also if the body throws another error for them")
    func repeated() async throws {
        let database = try await TestDatabase(.one)
        let connections = database.connections
        _ = try await connections.run([
            PostgresStatement(raise), PostgresStatement("CREATE TABLE t (n bigint)"),
            PostgresStatement("CREATE SEQUENCE tries"),
        ])
        for state in ["40001", "40P01"] {
            let calls = Counter()
            try await connections.transaction { transaction in
                _ = try await transaction.run("INSERT INTO t VALUES (1)")
                guard calls.increment() < 3 else { return }
                do { _ = try await transaction.run("SELECT raise($1)", .text(state)) } catch { throw OwnError() }
            }
            #expect(calls.value == 3)
        }
        #expect(try await connections.run("SELECT count(*) FROM t")[0].int(0) == 2)
        // A sequence is not rolled back.
        _ = try await connections.run([
            PostgresStatement("INSERT INTO t VALUES (1)"),
            PostgresStatement("SELECT CASE WHEN nextval('tries') < 3 THEN raise('40001') END"),
        ])
        #expect(try await connections.run("SELECT last_value, (SELECT count(*) FROM t) FROM tries")[0].int(0) == 3)
        #expect(try await connections.run("SELECT count(*) FROM t")[0].int(0) == 3)
        await database.close()
    }

    @Test("conflicts without end are reported after a bounded number of times")
    func bounded() async throws {
        let database = try await TestDatabase(.one)
        let connections = database.connections
        _ = try await connections.run(raise)
        let calls = Counter()
        let error = try await stintError {
            try await connections.transaction { transaction in
                calls.increment()
                _ = try await transaction.run("SELECT raise('40001')")
            }
        }
        #expect(error.code == .databaseBusy)
        #expect(error.description.contains("again and again"))
        #expect(calls.value == 11)
        await database.close()
    }

    @Test("two transactions that lock each other out both end")
    func deadlock() async throws {
        let database = try await TestDatabase()
        let connections = database.connections
        _ = try await connections.run([
            PostgresStatement("CREATE TABLE t (n bigint)"), PostgresStatement("INSERT INTO t VALUES (1), (2)"),
        ])
        let (first, second) = (Counter(), Counter())
        @Sendable func lock(_ rows: [Int64], _ mine: Counter, _ other: Counter) async throws {
            try await connections.transaction { transaction in
                _ = try await transaction.run("SELECT 1 FROM t WHERE n = $1 FOR UPDATE", .int(rows[0]))
                mine.increment()
                try await eventually("both have locked a row once") { other.value > 0 }
                _ = try await transaction.run("SELECT 1 FROM t WHERE n = $1 FOR UPDATE", .int(rows[1]))
            }
        }
        async let one: Void = lock([1, 2], first, second)
        async let two: Void = lock([2, 1], second, first)
        _ = try await (one, two)
        // One of them has begun again; on a busy machine both may.
        #expect(first.value + second.value >= 3)
        await database.close()
    }

    @Test("a transaction waits for a connection of its own, and calls beside it wait for another")
    func exclusive() async throws {
        var options = PostgresConnections.Options()
        options.connections = 2
        let database = try await TestDatabase(options)
        let connections = database.connections
        let process = try await connections.transaction { transaction in
            let process = try await transaction.run("SELECT pg_backend_pid()")[0].int(0)
            for _ in 1...20 {
                #expect(try await connections.run("SELECT pg_backend_pid()")[0].int(0) != process)
            }
            return process
        }
        #expect(process != 0)
        await database.close()
    }

    @Test("calls that find all connections in use for too long are told so")
    func allInUse() async throws {
        var options = PostgresConnections.Options.one
        // Long enough to connect on a busy machine; the second call waits for all of it.
        options.connectionWait = .seconds(3)
        let database = try await TestDatabase(options)
        let connections = database.connections
        let error = try await connections.transaction { transaction in
            _ = try await transaction.run("SELECT 1")
            return try await stintError { try await connections.run("SELECT 1") }
        }
        #expect(error.code == .databaseBusy)
        #expect(error.description.contains("all connections to"))
        await database.close()
    }

    @Test("calls beyond the allowed number that wait are refused at once")
    func tooManyWaiting() async throws {
        var options = PostgresConnections.Options.one
        options.maxWaiting = 2
        let database = try await TestDatabase(options)
        let connections = database.connections
        let (refused, served) = (Counter(), Counter())
        let tasks = try await connections.transaction { transaction in
            _ = try await transaction.run("SELECT 1")
            let tasks = (1...5).map { _ in
                Task {
                    do {
                        _ = try await connections.run("SELECT 1")
                        served.increment()
                    } catch let error as StintError where error.description.contains("2 calls wait") {
                        refused.increment()
                    }
                }
            }
            try await eventually("three are refused") { refused.value == 3 }
            return tasks
        }
        for task in tasks { try await task.value }
        #expect(served.value == 2)
        await database.close()
    }
}
