import PostgresSupport
import StintCore
import Synchronization
import TestSupport
import Testing

@testable import StintPostgres

/// Connections to a new, empty database, and an administrator's to the same.
struct TestDatabase {
    let url: String
    let connections: PostgresConnections
    let administrator: PostgresConnections

    init(_ options: PostgresConnections.Options = .init()) async throws {
        url = try await PostgresCluster.shared.database()
        connections = try PostgresConnections(url, options: options)
        administrator = try PostgresConnections(url)
    }

    /// Its name.
    var name: String { String(url.split(separator: "/").last ?? "") }

    func close() async {
        await connections.close()
        await administrator.close()
    }

    /// A role that may use the schema, and what these statements grant it. It is removed after `body`.
    func withRole(
        _ grants: (String) -> [String], _ body: (String) async throws -> Void
    ) async throws {
        let role = "role_\(name)"
        for statement in ["CREATE ROLE \(role)", "GRANT USAGE ON SCHEMA stint TO \(role)"] + grants(role) {
            _ = try await administrator.run(statement)
        }
        try await body(role)
        _ = try await administrator.run("DROP OWNED BY \(role)")
        _ = try await administrator.run("DROP ROLE \(role)")
    }

    /// Ends a server process, and waits for its end.
    func terminate(_ process: Int64) async throws {
        _ = try await administrator.run("SELECT pg_terminate_backend($1::integer)", .int32(Int32(process)))
        try await eventually("the process of the server has ended") {
            try await administrator.run("SELECT 1 FROM pg_stat_activity WHERE pid = $1", .int32(Int32(process))).isEmpty
        }
    }
}

extension PostgresConnections.Options {
    /// One connection, so that a test knows which one it has.
    static var one: PostgresConnections.Options {
        var options = PostgresConnections.Options()
        options.connections = 1
        return options
    }
}

/// A counter that concurrent code may use.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    /// The count after adding one.
    @discardableResult
    func increment() -> Int { count.add(1, ordering: .relaxed).newValue }

    var value: Int { count.load(ordering: .relaxed) }
}

/// The error that a call throws, as one that callers of the store get.
func stintError<Value>(_ body: () async throws -> Value) async throws -> StintError {
    let error = await #expect(throws: StintError.self) { _ = try await body() }
    return try #require(error)
}

/// Runs `body` while another transaction has a lock that it waits for, and ends that transaction then.
///
/// - Parameters:
///   - body: What waits for `pg_advisory_xact_lock(1)`.
///   - whileWaiting: What happens meanwhile. It gets the server's process that waits, and the transaction of the lock.
func blocking<Value: Sendable>(
    _ administrator: PostgresConnections, _ body: @escaping @Sendable () async throws -> Value,
    whileWaiting: @escaping @Sendable (_ process: Int64, PostgresTransaction) async throws -> Void = { _, _ in }
) async throws -> Task<Value, any Error> {
    let task = Mutex<Task<Value, any Error>?>(nil)
    try await administrator.transaction { holder in
        _ = try await holder.run("SELECT pg_advisory_xact_lock(1)")
        task.withLock { $0 = Task { try await body() } }
        try await whileWaiting(waitingProcess(holder, besides: 0), holder)
    }
    return try #require(task.withLock { $0 })
}

/// The server's process that waits for an advisory lock, as soon as there is one.
func waitingProcess(_ transaction: PostgresTransaction, besides other: Int64) async throws -> Int64 {
    var process: Int64 = 0
    try await eventually("a process waits for the lock") {
        let rows = try await transaction.run(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid <> $1", .int32(Int32(other)))
        process = try rows.first?.int(0) ?? 0
        return process != 0
    }
    return process
}

/// Returns when a transaction in the database waits for a lock.
func untilLockIsAwaited(_ administrator: PostgresConnections) async throws {
    try await eventually("a transaction waits for a lock") {
        try await !administrator.run(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).isEmpty
    }
}

/// Runs `body` while a verb has changed or locked something and is not committed, and commits that as soon as `body` waits
/// for it.
///
/// - Parameter whenAwaited: What the transaction does before the commit.
func whileUncommitted<Value: Sendable>(
    _ store: PostgresStore, _ url: String,
    _ verb: @escaping @Sendable (JobTransaction) async throws -> Void,
    whenAwaited: @escaping @Sendable (JobTransaction) async throws -> Void = { _ in },
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let administrator = try PostgresConnections(url)
    let task = Mutex<Task<Value, any Error>?>(nil)
    try await store.change { transaction in
        try await verb(transaction)
        task.withLock { $0 = Task { try await body() } }
        try await untilLockIsAwaited(administrator)
        try await whenAwaited(transaction)
    }
    await administrator.close()
    return try await #require(task.withLock { $0 }).value
}
