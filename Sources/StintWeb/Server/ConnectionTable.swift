import NIOCore
import Synchronization

/// The connections of a server. When there are nearly as many as it may have, each new one replaces the one that has
/// waited longest without a whole request: so very many slow or broken ones do not keep the others out.
final class ConnectionTable: Sendable {
    private struct Connection {
        let channel: any Channel
        /// When it began to wait; `nil`: the server is busy with it.
        var turn: Int?
    }

    private struct State {
        var connections: [Int: Connection] = [:]
        var lastNumber = 0
        var lastTurn = 0
        var isEnding = false
        /// Those that wait, in their order, with their turns. An entry whose turn has passed counts no more.
        var line = CircularBuffer<(number: Int, turn: Int)>()

        mutating func wait(_ number: Int) {
            lastTurn += 1
            connections[number]?.turn = lastTurn
            line.append((number, lastTurn))
            guard line.count > 2 * connections.count + 1_000 else { return }
            let kept = line.filter { connections[$0.number]?.turn == $0.turn }
            line = CircularBuffer(kept)
        }

        mutating func longestWaiting() -> (any Channel)? {
            while let (number, turn) = line.popFirst() {
                guard let connection = connections[number], connection.turn == turn else { continue }
                connections[number]?.turn = nil
                return connection.channel
            }
            return nil
        }
    }

    /// How many there may be before they are replaced.
    let most: Int
    private let state = Mutex(State())

    init(most: Int) {
        self.most = most
    }

    var count: Int { state.withLock { $0.connections.count } }
    /// The length of the line, with the entries that count no more.
    var lineLength: Int { state.withLock { $0.line.count } }

    /// - Returns: The number by which it is named.
    func opened(_ channel: any Channel) -> Int {
        let (number, replaced) = state.withLock { state -> (Int, (any Channel)?) in
            let replaced =
                state.isEnding ? channel : state.connections.count >= most ? state.longestWaiting() : nil
            state.lastNumber += 1
            state.connections[state.lastNumber] = Connection(channel: channel)
            state.wait(state.lastNumber)
            return (state.lastNumber, replaced)
        }
        replaced?.close(promise: nil)
        return number
    }

    func closed(_ number: Int) { state.withLock { _ = $0.connections.removeValue(forKey: number) } }

    /// - Parameter isServed: Whether it waits for the server, and not the server for it.
    func note(_ number: Int, isServed: Bool) {
        state.withLock { state in
            guard let connection = state.connections[number], (connection.turn == nil) != isServed else { return }
            if isServed { state.connections[number]?.turn = nil } else { state.wait(number) }
        }
    }

    /// Closes all that wait, now and from now on.
    func closeWaiting() {
        let waiting = state.withLock { state in
            state.isEnding = true
            return state.connections.values.filter { $0.turn != nil }.map(\.channel)
        }
        for channel in waiting { channel.close(promise: nil) }
    }
}
