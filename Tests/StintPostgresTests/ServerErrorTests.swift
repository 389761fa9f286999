import Logging
import PostgresSupport
import StintCore
import StintPlatform
import StintPostgres
import Synchronization
import TestSupport
import Testing

@Suite("PostgreSQL: what is wrong with a server is said in a sentence that tells what to do")
struct ServerErrorTests {
    @Test("a URL that cannot be read is refused without a word of it")
    func unreadableURL() {
        for url in [
            "mysql://user:secret@host/db", "host=db password=secret", "postgres://user:1/secret@host/db",
            "postgres://user:%zzsecret@host/db", "postgres://user:secret@host/db?nonsense=secret",
            "postgres://user:secret/2@host/db", "postgres://user:secret@host:1,secret/db?port=secret&nonsense",
        ] {
            let error = #expect(throws: StintError.self) { _ = try PostgresConnections(url) }
            #expect(error?.code == .invalidInput)
            #expect(error?.description.contains("postgres://user:password@host:5432/database") == true)
            #expect(error?.description.contains("cret") == false)
        }
    }

    @Test("a server that cannot be reached")
    func unreachable() async throws {
        var options = PostgresConnections.Options.one
        options.connectionWait = .zero
        for (url, name) in [
            ("postgres://u:secret@%2Fno%2Fsuch%2Ffolder/d", "/no/such/folder:5432"),
            ("postgres://u:secret@127.0.0.1:1/d", "127.0.0.1:1"),
            ("postgres://u:secret@127.0.0.1:1,127.0.0.1:2/d", "127.0.0.1:1,127.0.0.1:2"),
        ] {
            let connections = try PostgresConnections(url, options: options)
            let error = try await stintError { try await connections.run("SELECT 1") }
            #expect(error.code == .databaseBusy)
            #expect(error.description.contains("the PostgreSQL server at '\(name)' cannot be reached ("))
            #expect(error.description.contains("nothing was changed: check that it runs"))
            #expect(!error.description.contains("secret") && !error.description.contains("\n"))
            await connections.close()
        }
    }

    @Test(
        "a wrong or missing password, and a user and a database that do not exist", .enabled(if: PostgresCluster.isOwn))
    func refusedLogin() async throws {
        let database = try await TestDatabase()
        _ = try await database.administrator.run("CREATE ROLE with_password LOGIN PASSWORD 'right secret'")
        func connect(_ user: String, to name: String? = nil) throws -> PostgresConnections {
            let url = database.url.replacing("//postgres@", with: "//\(user)@")
            return try PostgresConnections(name.map { url.replacing(database.name, with: $0) } ?? url, options: .one)
        }
        for (user, name) in [
            ("with_password:wrong%20secret", "with_password"), ("with_password", "with_password"), ("nobody", "nobody"),
        ] {
            let connections = try connect(user)
            let error = try await stintError { try await connections.run("SELECT 1") }
            #expect(error.code == .databaseUnusable)
            #expect(error.description.contains("does not let the user '\(name)' in ("))
            #expect(error.description.contains("check user and password"))
            #expect(!error.description.contains("secret"))
            await connections.close()
        }
        let wrong = try connect("postgres", to: "no_such_database")
        let error = try await stintError { try await wrong.run("SELECT 1") }
        #expect(error.code == .databaseUnusable)
        #expect(error.description.contains("has no database 'no_such_database': create it"))
        await wrong.close()

        let right = try connect("with_password:right%20secret")
        #expect(try await right.run("SELECT 1::bigint")[0].int(0) == 1)
        await right.close()
        _ = try await database.administrator.run("DROP ROLE with_password")
        await database.close()
    }

    @Test("too many connections, while connecting")
    func tooManyConnections() async throws {
        var options = PostgresConnections.Options.one
        options.connectionWait = .zero
        let database = try await TestDatabase()
        let role = "limited_\(database.name)"
        _ = try await database.administrator.run("CREATE ROLE \(role) LOGIN CONNECTION LIMIT 0")
        let connections = try PostgresConnections(
            database.url.replacing("//postgres@", with: "//\(role)@"), options: options)
        let error = try await stintError { try await connections.run("SELECT 1") }
        #expect(error.code == .databaseBusy)
        #expect(error.description.contains("has too many connections") && error.description.contains("max_connections"))
        await connections.close()
        _ = try await database.administrator.run("DROP ROLE \(role)")
        await database.close()
    }

    @Test(
        "what a statement may meet",
        arguments: [
            ("25006", StintError.Code.databaseUnusable, "is a standby that can only be read"),
            ("53100", .storageFailed, "the disk of the PostgreSQL server at"),
            ("53200", .storageFailed, "is out of memory"),
            ("53300", .databaseBusy, "has too many connections"),
            ("57P03", .databaseBusy, "is shutting down or starting"),
            ("57014", .databaseBusy, "was cancelled"),
            ("55P03", .databaseBusy, "stayed locked"),
            ("25P03", .databaseBusy, "was idle for too long"),
            ("42501", .databaseUnusable, "refuses this to the user 'postgres'"),
            ("58030", .storageFailed, "the storage of"),
            ("XX001", .storageFailed, "the storage of"),
        ])
    func sentences(state: String, code: StintError.Code, part: String) async throws {
        let database = try await TestDatabase()
        let raise = "DO $$ BEGIN RAISE EXCEPTION 'as the server says' USING ERRCODE = '\(state)'; END $$"
        let error = try await stintError { try await database.connections.run(raise) }
        #expect(error.code == code)
        #expect(error.description.contains(part))
        #expect(error.description.contains("nothing was changed: "))
        let inTransaction = try await stintError {
            try await database.connections.transaction { _ = try await $0.run(raise) }
        }
        #expect(inTransaction.description == error.description)
        await database.close()
    }

    @Test("a statement and a wait for a lock that take too long are ended by the server")
    func timeouts() async throws {
        var options = PostgresConnections.Options.one
        options.statementTimeout = .milliseconds(50)
        let database = try await TestDatabase(options)
        let slow = try await stintError { try await database.connections.run("SELECT pg_sleep(3600)") }
        #expect(slow.code == .databaseBusy)
        #expect(slow.description.contains("statement timeout"))

        var impatientOptions = PostgresConnections.Options.one
        impatientOptions.lockTimeout = .milliseconds(50)
        let impatient = try PostgresConnections(database.url, options: impatientOptions)
        let locked = try await database.administrator.transaction { holder in
            _ = try await holder.run("SELECT pg_advisory_xact_lock(1)")
            return try await stintError { try await impatient.run("SELECT pg_advisory_xact_lock(1)") }
        }
        #expect(locked.code == .databaseBusy)
        #expect(locked.description.contains("stayed locked"))
        await impatient.close()
        await database.close()
    }

    @Test("a frozen server is given up after a while: a call that writes has an unknown outcome")
    func frozen() async throws {
        var options = PostgresConnections.Options.one
        options.statementTimeout = .zero  // the server's way to say never
        options.commitTimeout = .milliseconds(200)
        let database = try await TestDatabase()
        let frozen = try PostgresConnections(database.url, options: options)
        let error = try await stintError { try await frozen.run("SELECT pg_sleep(3600)") }
        #expect(error.code == .outcomeUnknown)
        #expect(error.description.contains("did not answer in time"))
        try await eventually("the sleeping server process is found and ended") {
            try await !database.administrator.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
                    + "AND datname = current_database()"
            ).isEmpty
        }
        await frozen.close()
        await database.close()
    }

    @Test("the same trouble is logged once, without a password", .enabled(if: PostgresCluster.isOwn))
    func log() async throws {
        let lines = LogLines()
        var options = PostgresConnections.Options.one
        options.connectionWait = .milliseconds(1)
        options.reconnect = .constant(.zero)
        options.logger = Logger(label: "test") { _ in LinesHandler(lines: lines) }
        let connections = try PostgresConnections("postgres://u:secret@127.0.0.1:1/d", options: options)
        for _ in 1...5 { _ = try await stintError { try await connections.run("SELECT 1") } }
        #expect(lines.all.count == 1)
        #expect(lines.all.first?.contains("cannot be connected to") == true)
        #expect(lines.all.first?.contains("secret") == false)
        await connections.close()
    }

    @Test(
        "a standby says that it is one; of several servers the one that takes writes is used, also after a failover",
        .enabled(if: PostgresCluster.isOwn))
    func standby() async throws {
        let primary = try PostgresCluster(settings: ["fsync": "off"])
        let url = try await primary.createDatabase()
        let before = try PostgresConnections(url)
        _ = try await before.run("CREATE TABLE t (n bigint)")
        let standby = try PostgresCluster(settings: ["fsync": "off"], standbyOf: primary)
        let name = String(url.split(separator: "/").last ?? "")

        let wrong = try PostgresConnections(standby.url(name), options: .one)
        let error = try await stintError { try await wrong.run("SELECT 1") }
        #expect(error.code == .databaseUnusable)
        #expect(error.description.contains("is a standby that can only be read: name the primary"))
        await wrong.close()

        let reader = try PostgresConnections(standby.url(name) + "?target_session_attrs=any", options: .one)
        let readOnly = try await stintError { try await reader.run("INSERT INTO t VALUES (1)") }
        #expect(readOnly.code == .databaseUnusable)
        #expect(readOnly.description.contains("is a standby that can only be read; nothing was changed"))

        let folders = try [#require(standby.folder), #require(primary.folder)]
        var options = PostgresConnections.Options.one
        options.connectionWait = .seconds(120)
        let both = try PostgresConnections(
            "postgres://postgres@/\(name)?host=\(folders.joined(separator: ",").replacing("/", with: "%2F"))",
            options: options)
        _ = try await both.run("INSERT INTO t VALUES (1)")
        let position = try await before.run("SELECT pg_current_wal_lsn()::text")[0].text(0)
        try await eventually("the standby has it") {
            try await reader.run("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", .text(position))[0].bool(0)
        }
        await before.close()
        try primary.stop()
        // Else the row may be written on the primary, which takes it along.
        try await eventually("the primary is gone") { access(folders[1], F_OK) != 0 }
        // Nobody takes writes now, and the call waits for one that does.
        let insert = Task {
            while true {
                do { return try await both.run("INSERT INTO t VALUES (2) ON CONFLICT DO NOTHING") } catch let error
                    as StintError where error.code == .outcomeUnknown
                {}
            }
        }
        _ = try await reader.run("SELECT pg_promote()")
        _ = try await insert.value
        #expect(try await both.run("SELECT count(DISTINCT n) FROM t")[0].int(0) == 2)
        await both.close()
        await reader.close()
        try standby.stop()
    }
}

/// The lines of a log.
private final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct LinesHandler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.append("\(event.message) \(event.metadata ?? [:])") }
}
