import GRDB
import Synchronization

/// A few connections for reading, opened when they are needed, so that one long read does not delay the next one.
final class ReaderPool: Sendable {
    /// The maximum number of connections; further reads wait for one of them, in order.
    static let limit = 3

    private struct State {
        var idle: [Connection] = []
        /// Counts connections that are open or being opened.
        var count = 0
        var waiting: [CheckedContinuation<Connection, any Error>] = []
    }

    private let state = Mutex(State())
    private let opening: BlockingExecutor
    private let open: @Sendable () throws -> Connection

    /// - Parameter open: Blocks, and is called on an executor.
    init(_ executors: BlockingExecutor.Maker, open: @escaping @Sendable () throws -> Connection) {
        opening = executors("stint.reader.open", .unspecified)
        self.open = open
    }

    /// Opens all of them now. Blocks. Simulated worlds use it, because their first read must be like any other.
    func fill() throws {
        for _ in 0..<Self.limit {
            let connection = try open()
            state.withLock { state in
                state.idle.append(connection)
                state.count += 1
            }
        }
    }

    /// Closes all connections. No read may be in progress, and none may follow.
    func close() async {
        let idle = state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
        for connection in idle { await connection.close() }
    }

    func run<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        let connection = try await withCheckedThrowingContinuation { take($0) }
        defer { give(connection) }
        return try await connection.run(body)
    }

    private func take(_ continuation: CheckedContinuation<Connection, any Error>) {
        enum Choice {
            case use(Connection)
            case open, wait
        }
        let choice = state.withLock { state -> Choice in
            if let connection = state.idle.popLast() { return .use(connection) }
            guard state.count < Self.limit else {
                state.waiting.append(continuation)
                return .wait
            }
            state.count += 1
            return .open
        }
        switch choice {
        case .use(let connection): continuation.resume(returning: connection)
        case .open: open(for: continuation)
        case .wait: break
        }
    }

    private func open(for continuation: CheckedContinuation<Connection, any Error>) {
        opening.async {
            do {
                continuation.resume(returning: try self.open())
            } catch {
                continuation.resume(throwing: error)
                self.giveUp()
            }
        }
    }

    /// Gives the connection to the next one in line.
    private func give(_ connection: Connection) {
        let next = state.withLock { state -> CheckedContinuation<Connection, any Error>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.idle.append(connection)
            return nil
        }
        next?.resume(returning: connection)
    }

    /// A connection could not be opened; the next one in line tries again.
    private func giveUp() {
        let next = state.withLock { state -> CheckedContinuation<Connection, any Error>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.count -= 1
            return nil
        }
        if let next { open(for: next) }
    }
}
