import ArgumentParser
import PostgresSupport
import Stint
import StintCore
import StintPostgres

/// The PostgreSQL server that is measured.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A server that runs already: postgres://… of a superuser. One of its own by default.", valueName: "url"))
    var server: String?

    /// What an own server has besides its defaults: `fsync` and `synchronous_commit` are on.
    static let settings = [
        "shared_buffers": "2GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", "autovacuum_naptime": "5s",
    ]

    /// Calls `body` with a server, which is stopped and removed afterwards if it is its own.
    func withServer<Value>(_ body: (BenchServer) async throws -> Value) async throws -> Value {
        if let server { return try await body(try await BenchServer(server)) }
        say("starting PostgreSQL")
        let cluster = try PostgresCluster(settings: Self.settings)
        do {
            let value = try await body(try await BenchServer(cluster.url("postgres")))
            try cluster.stop()
            return value
        } catch {
            try cluster.stop()
            throw error
        }
    }
}

/// A server, and the facts that the report prints of it.
struct BenchServer: Sendable {
    /// Of its maintenance database.
    private let url: String
    let facts: String
    private let administrator: PostgresConnections

    /// A large database is filled by one statement.
    private static let options = {
        var options = PostgresConnections.Options()
        options.statementTimeout = .seconds(600)
        options.settings = [:]
        return options
    }()

    init(_ url: String) async throws {
        self.url = url
        administrator = try PostgresConnections(url, options: Self.options)
        let rows = try await administrator.run(
            """
            SELECT name || '=' || current_setting(name) FROM unnest(ARRAY['fsync', 'synchronous_commit',
                'full_page_writes', 'wal_sync_method', 'shared_buffers', 'max_wal_size', 'checkpoint_timeout',
                'autovacuum_naptime']) AS name
            """)
        let version = try await administrator.run("SELECT current_setting('server_version')")[0].text(0)
        facts = "PostgreSQL \(version), " + (try rows.map { try $0.text(0) }.joined(separator: ", "))
        _ = try await administrator.run("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
    }

    // MARK: - Databases

    /// The URL of a new database, with Stint's schema and the queue.
    func database() async throws -> String {
        let name = "stint_bench_" + String(UInt64.random(in: .min ... .max), radix: 36)
        _ = try await administrator.run("CREATE DATABASE \(name)")
        let path = url.firstIndex(of: "?").map { url[..<$0] } ?? url[...]
        guard let slash = path.lastIndex(of: "/") else { throw BenchError("\(url) names no database") }
        let database = path[...slash] + name + url[path.endIndex...]
        let queue = try await BenchQueue(at: String(database))
        // Creates it.
        try await queue.resume(StintWorkload.queue)
        await queue.store.close()
        return String(database)
    }

    func drop(_ database: String) async throws {
        _ = try await administrator.run("DROP DATABASE \(Self.name(of: database)) WITH (FORCE)")
    }

    static func name(of database: String) -> String {
        let path = database.prefix { $0 != "?" }
        return String(path.split(separator: "/").last ?? "")
    }

    /// - Parameter database: `nil`: the maintenance database.
    @discardableResult
    func ask(_ sql: String, in database: String? = nil) async throws -> PostgresRows {
        guard let database else { return try await administrator.run(sql) }
        let connections = try PostgresConnections(database, options: Self.options)
        do {
            let rows = try await connections.run(sql)
            await connections.close()
            return rows
        } catch {
            await connections.close()
            throw error
        }
    }

    // MARK: - The write-ahead log

    /// Writes all changed pages, so that this does not fall into what is measured next.
    func checkpoint() async throws { _ = try await administrator.run("CHECKPOINT") }

    /// Where the log ends.
    func logPosition() async throws -> String {
        try await administrator.run("SELECT pg_current_wal_insert_lsn()::text")[0].text(0)
    }

    /// What was written to the log, in bytes.
    struct Log {
        /// Without the images of pages.
        var recordBytes = 0.0
        /// The images of whole pages, which a page gets with its first change after a checkpoint.
        var pageBytes = 0.0
        /// The records, by kind.
        var kinds: [String: Double] = [:]
    }

    func log(since position: String) async throws -> Log {
        let rows = try await administrator.run(
            """
            SELECT "resource_manager/record_type", record_size::float8, fpi_size::float8
            FROM pg_get_wal_stats($1::pg_lsn, pg_current_wal_flush_lsn(), true) WHERE count > 0
            """, .text(position))
        var log = Log()
        for row in rows {
            log.recordBytes += try row.double(1)
            log.pageBytes += try row.double(2)
            log.kinds[try row.text(0)] = try row.double(1)
        }
        return log
    }
}
