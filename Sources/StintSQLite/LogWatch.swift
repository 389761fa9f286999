import CStint
import Foundation
import GRDB
import Logging
import StintCore

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
/// sleeps in the kernel otherwise: every other way has one thread more to wake up before the job can start.
final class LogWatch: Sendable {
    private let stop: StopPipe

    /// - Parameter onCommit: Called on a thread of this object's own after one or several commits, some of which may be this
    ///   process's own.
    init(_ log: String, reader: Connection, logger: Logger, onCommit: @escaping @Sendable () -> Void) throws {
        let stop = try StopPipe()
        self.stop = stop
        let version = CommitLook(reader: reader, logger: logger)
        var writes: LogWrites?
        do {
            writes = try LogWrites(log)
        } catch {
            logger.warning(
                "the system cannot say when the log is written to, so it is looked at ten times a second",
                metadata: ["error": "\(error)"])
        }
        let watch = Watch(writes: writes, look: version, stop: stop, onCommit: onCommit)
        Thread.detachNewThread { watch.run() }
    }

    deinit {
        stop.stop()
    }
}

/// The thread's work, until the pipe is closed.
///
/// `@unchecked Sendable`: only that thread uses it.
private final class Watch: @unchecked Sendable {
    /// Where many commits follow each other, how long the next look waits.
    private static let interval: UInt32 = 5_000
    /// How long a commit may take to be seen after the log was written to: a slow disk's sync.
    private static let visibility: Duration = .milliseconds(200)
    /// How often to look where the kernel does not tell, in milliseconds.
    private static let pollInterval: Int32 = 100

    private let writes: LogWrites?
    private let look: CommitLook
    private let stop: StopPipe
    private let onCommit: @Sendable () -> Void

    init(writes: LogWrites?, look: CommitLook, stop: StopPipe, onCommit: @escaping @Sendable () -> Void) {
        self.writes = writes
        self.look = look
        self.stop = stop
        self.onCommit = onCommit
    }

    func run() {
        while waitForWrite() {
            let deadline = ContinuousClock.now + Self.visibility
            var pause: UInt32 = 20
            while !look.findsCommit() && writes != nil && ContinuousClock.now < deadline {
                usleep(pause)
                pause = min(pause * 2, 10_000)
            }
            if look.isNews { onCommit() }
            usleep(Self.interval)
        }
    }

    /// - Returns: `false` when it is over.
    private func waitForWrite() -> Bool {
        var polled = [pollfd(fd: stop.readEnd, events: Int16(POLLIN), revents: 0)]
        if let writes { polled.append(pollfd(fd: writes.file, events: Int16(POLLIN), revents: 0)) }
        while poll(&polled, nfds_t(polled.count), writes == nil ? Self.pollInterval : -1) < 0 {
            guard errno == EINTR else { return false }
        }
        writes?.clear()
        return polled[0].revents == 0
    }
}

/// Whether somebody has committed since the last look.
///
/// `@unchecked Sendable`: only the watching thread uses it.
private final class CommitLook: @unchecked Sendable {
    private let reader: Connection
    private let logger: Logger
    private var version: Int?
    /// What the last look found.
    private(set) var isNews = false

    init(reader: Connection, logger: Logger) {
        self.reader = reader
        self.logger = logger
        _ = findsCommit()
    }

    func findsCommit() -> Bool {
        do {
            let version = try reader.runBlocking { database in
                try Statement("PRAGMA data_version", database).first { Int($0.int(0)) }
            }
            isNews = version != self.version
            self.version = version
        } catch {
            logger.debug("the log was written to, and cannot be read: \(error)")
            isNews = false
        }
        return isNews
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
            guard file >= 0, kevent(file, &event, 1, nil, 0, nil) == 0 else {
                defer { close(log) }
                throw Self.failure()
            }
        }

        deinit {
            close(file)
            close(log)
        }

        func clear() {
            var event = Darwin.kevent()
            var now = timespec()
            while kevent(file, nil, 0, &event, 1, &now) > 0 {}
        }
    #else
        init(_ path: String) throws {
            file = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
            guard file >= 0 else { throw Self.failure() }
            guard inotify_add_watch(file, path, UInt32(IN_MODIFY)) >= 0 else {
                defer { close(file) }
                throw Self.failure()
            }
        }

        deinit {
            close(file)
        }

        func clear() {
            var events = [UInt8](repeating: 0, count: 4_096)
            while read(file, &events, events.count) > 0 {}
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
