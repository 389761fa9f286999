import Foundation
import Synchronization

/// Samples the size of a database and its log every 10 ms, on a thread of its own.
final class SizeSampler: Sendable {
    struct Sizes: Codable, Sendable {
        var largestFile: Int64 = 0
        var largestLog: Int64 = 0
        var samples = 0
        /// Every 100 ms: milliseconds from the start, bytes of the file, bytes of the log.
        var curve: [[Int64]] = []
    }

    private struct State {
        var sizes = Sizes()
        var isRunning = true
    }

    private let database: String
    private let state = Mutex(State())
    private let started = MonotonicClock.nanoseconds()

    init(_ database: String) {
        self.database = database
        Thread.detachNewThread { [self] in
            while look() { usleep(10_000) }
        }
    }

    /// The largest since the start or the last call.
    func take() -> Sizes {
        _ = look()
        return state.withLock { state in
            defer { state.sizes = Sizes() }
            return state.sizes
        }
    }

    func stop() -> Sizes {
        let sizes = take()
        state.withLock { $0.isRunning = false }
        return sizes
    }

    private func look() -> Bool {
        let (file, log) = (Self.size(database), Self.size(database + "-wal"))
        let milliseconds = (MonotonicClock.nanoseconds() - started) / 1_000_000
        return state.withLock { state in
            state.sizes.largestFile = max(state.sizes.largestFile, file)
            state.sizes.largestLog = max(state.sizes.largestLog, log)
            state.sizes.samples += 1
            if milliseconds - (state.sizes.curve.last?[0] ?? -100) >= 100 {
                state.sizes.curve.append([milliseconds, file, log])
            }
            return state.isRunning
        }
    }

    /// By its name and without opening it: closing a file of SQLite releases the process's locks on it.
    static func size(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }
}

/// The log's limit: Stint's journal_size_limit.
let logLimit: Int64 = 16_777_216
