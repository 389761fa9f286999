import Foundation
import StintPlatform
import Synchronization

/// Samples the size of a database and its log, on a thread of its own.
package final class SizeSampler: Sendable {
    package struct Sizes: Codable, Sendable {
        package var largestFile: Int64 = 0
        package var largestLog: Int64 = 0
        package var samples = 0
        /// At most every 100 ms: milliseconds from the start, bytes of the file, bytes of the log.
        package var curve: [[Int64]] = []
    }

    private struct State {
        var sizes = Sizes()
        var isRunning = true
    }

    private let database: String
    private let state = Mutex(State())
    private let started = ContinuousClock.now

    package init(_ database: String, every interval: Duration = .milliseconds(10)) {
        self.database = database
        Thread.detachNewThread { [self] in
            while look() { usleep(UInt32(interval / .microseconds(1))) }
        }
    }

    /// The largest since the start or the last call.
    package func take() -> Sizes {
        _ = look()
        return state.withLock { state in
            defer { state.sizes = Sizes() }
            return state.sizes
        }
    }

    package func stop() -> Sizes {
        let sizes = take()
        state.withLock { $0.isRunning = false }
        return sizes
    }

    private func look() -> Bool {
        let (file, log) = (Self.size(database), Self.size(database + "-wal"))
        let milliseconds = Int64((ContinuousClock.now - started) / .milliseconds(1))
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
    package static func size(_ path: String) -> Int64 {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int64(facts.st_size) : 0
    }
}
