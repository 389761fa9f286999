import Logging
import StintCore

/// A few connections to one PostgreSQL server, or to several of which one takes writes, and a listener.
///
/// Connects when the first call needs it, and again whenever a connection was lost. Calls wait meanwhile, for
/// ``Options/connectionWait`` at most.
///
/// Errors of a connection, of the server and of an outcome that is not known are ``StintError``s that say what to do.
/// An error of a statement itself, such as a violated constraint, is a ``PostgresError``. After all but
/// `outcomeUnknown` nothing has changed.
package final class PostgresConnections: Sendable {
    let pool: ConnectionPool

    /// - Parameter url: `postgres://user@host:port/database?…`
    ///   (https://www.postgresql.org/docs/current/libpq-connect.html#id-1.7.3.8.3.6), with several hosts if one wants.
    ///   What it leaves out comes from the environment, as with all programs that use libpq.
    /// - Throws: ``StintError`` with the code `invalidInput` if it is no such URL.
    package init(_ url: String, options: Options = Options()) throws {
        let server = try Server(url, options)
        let listenServer = try options.listenURL.map { try Server($0, options) } ?? server
        pool = ConnectionPool(server, listensAt: listenServer, options, on: try Reactor.shared())
    }

    /// How often a connection was made again after one was lost or refused: it may be to another server. A call that was
    /// given the new connection sees the new number.
    package var reconnects: Int { pool.reconnects }

    deinit {
        let pool = self.pool
        Task { await pool.close() }
    }

    /// Runs all statements in one pipeline with one Sync: it is one transaction and one round trip. It is repeated by
    /// itself after serialization failures and deadlocks.
    ///
    /// - Parameter isReading: Whether the statements change nothing. Then a lost connection only means to run them on
    ///   another one.
    /// - Returns: The rows of each statement, in order.
    package func run(_ statements: [PostgresStatement], isReading: Bool = false) async throws -> [PostgresRows] {
        guard !statements.isEmpty else { return [] }
        return try await pool.run(PipelineRequest(statements, isReading ? .reading : .writing))
    }

    /// Runs one statement.
    package func run(_ sql: String, _ parameters: PostgresValue...) async throws -> PostgresRows {
        try await run([PostgresStatement(sql, parameters)])[0]
    }

    /// Runs `body` in a transaction on one connection. Everything is rolled back if it throws.
    ///
    /// It is called again if the server reports a serialization failure or a deadlock, or if the connection is lost
    /// before COMMIT was sent. So it must change nothing but the database. It must not use these connections
    /// otherwise, since all of them may be in use by such bodies.
    ///
    /// - Parameter isReading: Whether `body` changes nothing. Then it is also called again if the connection is lost
    ///   after COMMIT was sent.
    package func transaction<Value: Sendable>(
        isReading: Bool = false, _ body: @Sendable (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        var repetition = Repetition()
        while true {
            let transaction = PostgresTransaction(pool: pool, lease: try await pool.acquire())
            var failure: any Error
            do {
                let value = try await body(transaction)
                try await pool.commit(transaction.lease)
                return value
            } catch {
                failure = await pool.rollback(transaction.lease) ?? error
            }
            if isReading, let lost = failure as? LostConnection {
                failure = LostConnection(reason: lost.reason, mayHaveCommitted: false)
            }
            guard await repetition.isWorthwhile(after: failure) else { throw pool.server.translated(failure) }
        }
    }

    /// What is sent to a channel with NOTIFY, over a connection of its own.
    ///
    /// An empty text comes first, when the server listens, and whenever some may have been missed since: because the
    /// connection was lost, or because the caller did not read fast enough. Then look at the tables.
    package func notifications(_ channel: String) -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: String.self, bufferingPolicy: .bufferingNewest(Self.unreadNotifications))
        let pool = self.pool
        Task { await pool.listen(to: channel, continuation) }
        return stream
    }

    /// Further calls fail. Those before end as usual, and then all connections are closed.
    package func close() async { await pool.close() }

    /// The hosts that the address names, with their ports.
    package var hosts: String { pool.server.hosts }

    /// Raises the limit of connections; never lowers it. They are opened when they are needed.
    package func allow(_ connections: Int) {
        let pool = self.pool
        Task { await pool.allow(connections) }
    }

    /// From now on connections that were not used for this long are closed, and opened again when they are needed. Before,
    /// they stay.
    package func closeIdle(after limit: Duration) {
        let pool = self.pool
        Task { await pool.closeIdle(after: limit) }
    }

    /// How many a caller of ``notifications(_:)`` may have left unread before the oldest are dropped.
    package static let unreadNotifications = 1_024
}

/// A transaction that is open.
package struct PostgresTransaction: Sendable {
    let pool: ConnectionPool
    let lease: ConnectionLease

    /// Runs the statements in one round trip.
    ///
    /// - Parameter commits: Whether the transaction ends with them, which saves a round trip. Further calls fail.
    /// - Returns: The rows of each statement, in order.
    package func run(_ statements: [PostgresStatement], commits: Bool = false) async throws -> [PostgresRows] {
        try await pool.run(statements, in: lease, commits: commits)
    }

    /// Runs one statement.
    package func run(_ sql: String, _ parameters: PostgresValue...) async throws -> PostgresRows {
        try await run([PostgresStatement(sql, parameters)])[0]
    }
}
