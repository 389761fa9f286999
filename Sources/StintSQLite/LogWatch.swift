import Dispatch
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
/// `data_version`, read again after short and growing waits, tells when something has changed.
final class LogWatch: Sendable {
    /// Where many commits follow each other, how long the next look waits.
    private static let interval: Duration = .milliseconds(5)
    /// How long a commit may take to be seen after the log was written to: a slow disk's sync.
    private static let visibility: Duration = .milliseconds(200)
    /// How often to look where the kernel does not tell.
    private static let pollInterval: Duration = .milliseconds(100)

    private let reader: Connection
    private let logger: Logger
    private let onCommit: @Sendable () -> Void
    private let queue = DispatchQueue(label: "stint.watch")
    private let state = Mutex(State())

    private struct State {
        var version: Int?
        var lastLook = ContinuousClock.now - LogWatch.interval
        /// A look is under way or will follow.
        var isLooking = false
    }

    /// Set once, in `init`, and used again in `deinit` only.
    private nonisolated(unsafe) var source: (any DispatchSourceProtocol)?

    /// - Parameter onCommit: Called on a thread of this object's own after one or several commits, some of which may be this
    ///   process's own.
    init(_ log: String, reader: Connection, logger: Logger, onCommit: @escaping @Sendable () -> Void) {
        self.reader = reader
        self.logger = logger
        self.onCommit = onCommit
        let version = version()
        state.withLock { $0.version = version }
        source = makeSource(log)
        source?.activate()
    }

    deinit {
        source?.cancel()
    }

    private func makeSource(_ log: String) -> any DispatchSourceProtocol {
        do {
            return try makeKernelSource(log)
        } catch {
            logger.warning(
                "the system cannot say when the log is written to, so it is looked at ten times a second",
                metadata: ["error": "\(error)"])
            let timer = DispatchSource.makeTimerSource(queue: queue)
            let interval = DispatchTimeInterval.milliseconds(Int(Self.pollInterval.milliseconds))
            timer.schedule(deadline: .now() + interval, repeating: interval, leeway: .milliseconds(10))
            timer.setEventHandler { [weak self] in self?.lookOnce() }
            return timer
        }
    }

    #if canImport(Darwin)
        private func makeKernelSource(_ log: String) throws -> any DispatchSourceProtocol {
            let file = open(log, O_EVTONLY | O_CLOEXEC)
            guard file >= 0 else { throw failure() }
            let source = DispatchSource.makeFileSystemObjectSource(
                fileDescriptor: file, eventMask: [.write, .extend], queue: queue)
            source.setCancelHandler { close(file) }
            source.setEventHandler { [weak self] in self?.written() }
            return source
        }
    #else
        private func makeKernelSource(_ log: String) throws -> any DispatchSourceProtocol {
            let file = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
            guard file >= 0 else { throw failure() }
            guard inotify_add_watch(file, log, UInt32(IN_MODIFY)) >= 0 else {
                defer { close(file) }
                throw failure()
            }
            let source = DispatchSource.makeReadSource(fileDescriptor: file, queue: queue)
            source.setCancelHandler { close(file) }
            source.setEventHandler { [weak self] in
                // What they say is all the same.
                var events = [UInt8](repeating: 0, count: 4_096)
                while read(file, &events, events.count) > 0 {}
                self?.written()
            }
            return source
        }
    #endif

    private func failure() -> StintError {
        StintError(.processFailed, "the log cannot be watched: \(String(cString: strerror(errno)))")
    }

    // MARK: - Looking

    private func written() {
        let wait = state.withLock { state -> Duration? in
            guard !state.isLooking else { return nil }
            state.isLooking = true
            return Self.interval - (.now - state.lastLook)
        }
        guard let wait else { return }
        look(after: wait, tries: 0, until: .now + max(wait, .zero) + Self.visibility)
    }

    private func look(after wait: Duration, tries: Int, until deadline: ContinuousClock.Instant) {
        guard wait <= .zero else {
            let delay = DispatchTimeInterval.nanoseconds(Int(wait / .nanoseconds(1)))
            return queue.asyncAfter(deadline: .now() + delay) { [weak self] in
                self?.look(after: .zero, tries: tries, until: deadline)
            }
        }
        if lookOnce() || ContinuousClock.now >= deadline {
            return state.withLock { state in
                state.lastLook = .now
                state.isLooking = false
            }
        }
        look(after: .microseconds(50 << min(tries, 9)), tries: tries + 1, until: deadline)
    }

    /// - Returns: Whether there was a commit since the last look.
    @discardableResult
    private func lookOnce() -> Bool {
        guard let version = version() else { return false }
        let isNew = state.withLock { state in
            defer { state.version = version }
            return state.version != version
        }
        if isNew { onCommit() }
        return isNew
    }

    private func version() -> Int? {
        do {
            return try reader.runBlocking { try Int.fetchOne($0, sql: "PRAGMA data_version") }
        } catch {
            logger.debug("the log was written to, and cannot be read: \(error)")
            return nil
        }
    }
}
