import CStint
import Foundation
import GRDB
import Logging
import StintCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Notices commits of any process, Stint or not: the kernel tells when the log is written to (inotify; kqueue on macOS).
/// That costs nothing while nobody writes.
///
/// SQLite writes to the log before the commit can be seen, so what the kernel says is a reason to look: SQLite's own
/// `data_version`, read again after short and growing waits, tells when something has changed. A thread does it that
/// sleeps otherwise, and as long as nobody listens: every other way has one thread more to wake up before the job can
/// start.
final class LogWatch: Sendable {
    private let log: String
    private let reader: Connection
    private let signals: WakeUpSignals
    private let logger: Logger
    /// There once the thread is.
    private let stop = Mutex<StopPipe?>(nil)

    init(_ log: String, reader: Connection, signals: WakeUpSignals, logger: Logger) {
        self.log = log
        self.reader = reader
        self.signals = signals
        self.logger = logger
    }

    deinit {
        stop.withLock { $0?.stop() }
        signals.end()
    }

    /// Commits of anybody from now on, those of this process included.
    func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> {
        do {
            try stop.withLock { stop in if stop == nil { stop = try start() } }
        } catch {
            logger.warning(
                "jobs that other processes bring are only found by looking from time to time",
                metadata: ["error": "\(error)"])
        }
        return signals.stream(queues)
    }

    /// With the first listener: a process that only enqueues needs none of this, and the system has few such watches.
    private func start() throws -> StopPipe {
        let stop = try StopPipe()
        var writes: LogWrites?
        do {
            writes = try LogWrites(log)
        } catch {
            logger.warning(
                "the system cannot say when the log is written to, so it is looked at ten times a second",
                metadata: ["error": "\(error)"])
        }
        let watch = Watch(writes: writes, reader: reader, stop: stop, signals: signals, logger: logger)
        Thread.detachNewThread { watch.run() }
        return stop
    }
}

/// The thread's work, until the pipe is closed.
///
/// `@unchecked Sendable`: only that thread uses it.
private final class Watch: @unchecked Sendable {
    /// Where many commits follow each other, how long the next look waits, in microseconds.
    private static let interval: UInt32 = 5_000
    /// How long a commit may take to be seen after the log was last written to: a sync of a busy disk. Later ones are
    /// found when a worker looks by itself.
    private static let visibility: Duration = .seconds(2)
    /// How often to look where the kernel does not tell, in milliseconds.
    private static let pollInterval: Int32 = 100

    private let writes: LogWrites?
    private let reader: Connection
    private let stop: StopPipe
    private let signals: WakeUpSignals
    private let logger: Logger
    /// The last one that was seen.
    private var version: Int64?

    init(writes: LogWrites?, reader: Connection, stop: StopPipe, signals: WakeUpSignals, logger: Logger) {
        self.writes = writes
        self.reader = reader
        self.stop = stop
        self.signals = signals
        self.logger = logger
    }

    func run() {
        while signals.waitForListener() {
            switch waitForWrite(writes == nil ? Self.pollInterval : -1) {
            case .over: return
            case .nothing: _ = tellOfCommit()
            case .written: if !tellOfCommits() { return }
            }
        }
    }

    private enum Event {
        case written, nothing, over
    }

    /// Looks until everything that was announced must have become visible. A commit that can be seen is not the end: what
    /// another process has written to the log just before may still wait for the disk.
    ///
    /// - Returns: `false` when it is over.
    private func tellOfCommits() -> Bool {
        var deadline = ContinuousClock.now
        var tries: Int32 = 0
        while signals.waitForListener() {
            // Before each look: what is written after it is announced again.
            if writes?.clear() == true {
                deadline = .now + Self.visibility
                tries = 0
            }
            if tellOfCommit() { usleep(Self.interval) }
            if ContinuousClock.now >= deadline { return true }
            tries += 1
            // Mostly it is a matter of microseconds; then of a sync.
            switch tries {
            case ..<16: sched_yield()
            case ..<40: usleep(30)
            default: if waitForWrite(min(1 << min((tries - 40) / 4, 6), 64)) == .over { return false }
            }
        }
        return false
    }

    /// - Parameter timeout: In milliseconds; -1: none.
    private func waitForWrite(_ timeout: Int32) -> Event {
        var polled = [pollfd(fd: stop.readEnd, events: Int16(POLLIN), revents: 0)]
        if let writes { polled.append(pollfd(fd: writes.file, events: Int16(POLLIN), revents: 0)) }
        var count: Int32
        repeat {
            count = poll(&polled, nfds_t(polled.count), timeout)
        } while count < 0 && errno == EINTR
        if count < 0 || polled[0].revents != 0 { return .over }
        return count > 0 ? .written : .nothing
    }

    /// - Returns: Whether there was one since the last look, by whomever.
    private func tellOfCommit() -> Bool {
        do {
            return try reader.runBlocking { database in
                try Statement("BEGIN", database).execute()
                defer { end(database) }
                let version = try Statement("PRAGMA data_version", database).first { $0.int(0) }
                guard version != self.version else { return false }
                self.version = version
                let transaction = JobTransaction(database, now: SystemClock().now())
                try signals.send { try transaction.nextReady(in: $0) }
                return true
            }
        } catch {
            // Who tries to claim hears it too.
            logger.debug("the log was written to, and cannot be read: \(error)")
            return false
        }
    }

    private func end(_ database: Database) {
        do { try Statement("COMMIT", database).execute() } catch { logger.debug("after a look: \(error)") }
    }
}

/// What the kernel says of writes to a file.
///
/// `@unchecked Sendable`: only the watching thread uses it.
private final class LogWrites: @unchecked Sendable {
    /// Readable after a write.
    let file: Int32

    #if canImport(Darwin)
        private let log: Int32

        init(_ path: String) throws {
            log = open(path, O_EVTONLY | O_CLOEXEC)
            guard log >= 0 else { throw Self.failure() }
            file = kqueue()
            var event = kevent(
                ident: UInt(log), filter: Int16(EVFILT_VNODE), flags: UInt16(EV_ADD | EV_CLEAR),
                fflags: UInt32(NOTE_WRITE | NOTE_EXTEND), data: 0, udata: nil)
            // From here on `deinit` closes them, also when this throws.
            guard file >= 0, kevent(file, &event, 1, nil, 0, nil) == 0 else { throw Self.failure() }
        }

        deinit {
            close(file)
            close(log)
        }

        /// - Returns: Whether it was written to since the last time.
        func clear() -> Bool {
            var event = Darwin.kevent()
            var now = timespec()
            return kevent(file, nil, 0, &event, 1, &now) > 0
        }
    #else
        init(_ path: String) throws {
            file = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
            guard file >= 0 else { throw Self.failure() }
            // From here on `deinit` closes it, also when this throws.
            guard inotify_add_watch(file, path, UInt32(IN_MODIFY)) >= 0 else { throw Self.failure() }
        }

        deinit {
            close(file)
        }

        /// - Returns: Whether it was written to since the last time.
        func clear() -> Bool {
            var events = [UInt8](repeating: 0, count: 4_096)
            var isWritten = false
            while read(file, &events, events.count) > 0 { isWritten = true }
            return isWritten
        }
    #endif

    private static func failure() -> StintError {
        StintError(.processFailed, "the log cannot be watched: \(String(cString: strerror(errno)))")
    }
}

/// Ends the watching thread: its end that is read becomes readable when the other one is closed.
private final class StopPipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard stint_pipe(&ends) == 0 else {
            throw StintError(.processFailed, "a pipe cannot be made: \(String(cString: strerror(errno)))")
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    /// Once.
    func stop() { close(writeEnd) }

    deinit { close(readEnd) }
}
