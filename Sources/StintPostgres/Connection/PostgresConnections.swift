import CPostgres
import Dispatch
import Foundation
import StintCore
import StintPlatform
import Synchronization

/// A few connections to one server, and a listener.
package final class PostgresConnections: Sendable {
    package struct Options: Sendable {
        package var applicationName = "stint"
        /// `SET name = value` on each connection.
        package var settings: [String: String] = [:]

        package init() {}
    }

    private let connection: BlockingConnection
    private let lock = TransactionLock()

    /// - Parameter url: `postgres://user@host:port/database?…`; see
    ///   https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
    package init(_ url: String, options: Options = Options()) throws {
        connection = BlockingConnection(url, options)
    }

    /// Runs all statements in one pipeline, which is one transaction and one round trip.
    ///
    /// - Returns: The rows of each statement, in order.
    package func run(_ statements: [PostgresStatement]) async throws -> [PostgresRows] {
        await lock.lock()
        defer { lock.unlock() }
        return try await connection.run(statements)
    }

    package func run(_ sql: String, _ parameters: PostgresValue...) async throws -> PostgresRows {
        try await run([PostgresStatement(sql, parameters)])[0]
    }

    /// Runs `body` in a transaction, and again after a serialization failure or a deadlock.
    package func transaction<T: Sendable>(
        _ body: @Sendable (PostgresTransaction) async throws -> T
    ) async throws -> T {
        await lock.lock()
        defer { lock.unlock() }
        for attempt in 1... {
            do {
                _ = try await connection.run([PostgresStatement("BEGIN")])
                let value = try await body(PostgresTransaction(connection: connection))
                _ = try await connection.run([PostgresStatement("COMMIT")])
                return value
            } catch {
                _ = try? await connection.run([PostgresStatement("ROLLBACK")])
                guard let error = error as? PostgresError, ["40001", "40P01"].contains(error.sqlState), attempt < 10
                else { throw error }
            }
        }
        preconditionFailure("the loop ends only by a return or an error")
    }

    /// What is sent to a channel by NOTIFY. An empty text means that some may have been missed.
    package func notifications(_ channel: String) -> AsyncStream<String> {
        connection.notifications(channel)
    }

    package func close() async {
        await connection.close()
    }
}

/// A transaction that is open.
package struct PostgresTransaction: Sendable {
    let connection: BlockingConnection

    /// Runs the statements in one round trip.
    package func run(_ statements: [PostgresStatement]) async throws -> [PostgresRows] {
        try await connection.run(statements)
    }

    package func run(_ sql: String, _ parameters: PostgresValue...) async throws -> PostgresRows {
        try await run([PostgresStatement(sql, parameters)])[0]
    }
}

final class TransactionLock: Sendable {
    private let state = Mutex<(locked: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    func lock() async {
        await withCheckedContinuation { continuation in
            let free = state.withLock { state in
                if state.locked {
                    state.waiting.append(continuation)
                } else {
                    state.locked = true
                    return true
                }
                return false
            }
            if free { continuation.resume() }
        }
    }

    func unlock() {
        state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiting.isEmpty {
                state.locked = false
                return nil
            }
            return state.waiting.removeFirst()
        }?.resume()
    }
}

final class BlockingConnection: @unchecked Sendable {
    private let url: String
    private let options: PostgresConnections.Options
    private let queue = DispatchQueue(label: "stint.postgres")
    private var connection: OpaquePointer?
    private var prepared: [String: String] = [:]

    init(_ url: String, _ options: PostgresConnections.Options) {
        self.url = url
        self.options = options
    }

    func close() async {
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                if let connection { PQfinish(connection) }
                connection = nil
                continuation.resume()
            }
        }
    }

    func notifications(_ channel: String) -> AsyncStream<String> {
        AsyncStream { continuation in
            let url = self.url
            Thread.detachNewThread {
                guard let connection = PQconnectdb(url) else { return continuation.finish() }
                PQclear(PQexec(connection, "LISTEN \(channel)"))
                continuation.yield("")
                while true {
                    var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
                    poll(&descriptor, 1, -1)
                    guard PQconsumeInput(connection) == 1 else { break }
                    while let notification = PQnotifies(connection) {
                        continuation.yield(String(cString: notification.pointee.extra))
                        PQfreemem(notification)
                    }
                }
                PQfinish(connection)
                continuation.finish()
            }
        }
    }

    func run(_ statements: [PostgresStatement]) async throws -> [PostgresRows] {
        let encoded = statements.map { ($0.sql, EncodedParameters($0.parameters)) }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try self.runBlocking(encoded) }) }
        }
    }

    private func runBlocking(_ statements: [(String, EncodedParameters)]) throws -> [PostgresRows] {
        if let connection, PQstatus(connection) != CONNECTION_OK {
            PQfinish(connection)
            self.connection = nil
        }
        if connection == nil {
            guard let new = PQconnectdb(url) else { throw StintError(.processFailed, "no memory") }
            guard PQstatus(new) == CONNECTION_OK else {
                defer { PQfinish(new) }
                throw StintError(.databaseUnusable, String(cString: PQerrorMessage(new)))
            }
            for (name, value) in options.settings {
                PQclear(PQexec(new, "SET \(name) = '\(value)'"))
            }
            PQenterPipelineMode(new)
            prepared = [:]
            connection = new
        }
        guard let connection else { throw StintError(.processFailed, "no connection") }
        var isPrepare: [Bool] = []
        for (sql, parameters) in statements {
            let key = "\(parameters.types) \(sql)"
            if prepared[key] == nil {
                let name = "s\(prepared.count)"
                prepared[key] = name
                PQsendPrepare(connection, name, sql, Int32(parameters.types.count), parameters.types)
                isPrepare.append(true)
            }
            _ = parameters.withPointers { values, lengths, formats in
                PQsendQueryPrepared(
                    connection, prepared[key], Int32(parameters.types.count), values, lengths, formats, 1)
            }
            isPrepare.append(false)
        }
        PQpipelineSync(connection)
        var rows: [PostgresRows] = []
        var failure: PostgresError?
        for isPrepare in isPrepare {
            guard let result = PQgetResult(connection) else { break }
            let owned = PostgresResult(result)
            if PQresultStatus(result) == PGRES_FATAL_ERROR, failure == nil { failure = PostgresError(result) }
            if !isPrepare { rows.append(PostgresRows(owned)) }
            PQclear(PQgetResult(connection))
        }
        PQclear(PQgetResult(connection))
        if let failure {
            prepared = [:]
            PQfinish(connection)
            self.connection = nil
            throw failure
        }
        return rows
    }
}
