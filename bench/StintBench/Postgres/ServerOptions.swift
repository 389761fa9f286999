import ArgumentParser
import PostgresSupport
import Stint
import StintCore
import StintPostgres

/// The PostgreSQL server that is measured.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A server that runs already: postgres://… with a user who may create databases. One of its own by default.",
            valueName: "url"))
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

    init(_ url: String) async throws {
        self.url = url
        administrator = try PostgresConnections(url)
        let rows = try await administrator.run(
            """
            SELECT name || '=' || current_setting(name) FROM unnest(ARRAY['server_version', 'fsync', 'synchronous_commit',
                'full_page_writes', 'wal_sync_method', 'shared_buffers', 'max_wal_size', 'checkpoint_timeout',
                'autovacuum_naptime']) AS name
            """)
        facts = "PostgreSQL " + (try rows.map { try $0.text(0) }.joined(separator: ", "))
    }

    /// The URL of a new database, with Stint's schema and the queue.
    func database() async throws -> String {
        let name = "stint_bench_" + String(UInt64.random(in: .min ... .max), radix: 36)
        _ = try await administrator.run("CREATE DATABASE \(name)")
        let path = url.firstIndex(of: "?").map { url[..<$0] } ?? url[...]
        guard let slash = path.lastIndex(of: "/") else { throw BenchError("\(url) names no database") }
        let database = path[...slash] + name + url[path.endIndex...]
        let queue = try await JobQueue(.postgres(String(database)))
        // Creates it.
        try await queue.resume(StintWorkload.queue)
        await queue.store.close()
        return String(database)
    }

    /// Writes all changed pages, so that this does not fall into what is measured next.
    func checkpoint() async throws { _ = try await administrator.run("CHECKPOINT") }

    /// The bytes of write-ahead log so far.
    func logPosition() async throws -> Int64 {
        try await administrator.run("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")[0].int(0)
    }
}
