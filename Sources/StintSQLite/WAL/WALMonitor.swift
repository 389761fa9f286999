import Dispatch
import Foundation
import GRDB
import Logging
import StintCore
import StintPlatform
import Synchronization

/// Notices commits of any process, Stint or not: the kernel reports when the log is written to (inotify; kqueue on
/// macOS). That costs nothing while no process writes.
///
/// SQLite writes to the log before the commit can be seen. So a report of the kernel is a reason to look, again and
/// again after growing waits (``LookPace``). It first looks at the header of the memory that SQLite's connections
/// share, which costs next to nothing (``WALIndexHeader``). If that has changed, it looks at SQLite's `data_version`
/// and the queues of the listeners. A thread does this that sleeps otherwise, and as long as there is no listener:
/// every other way has one thread more to wake before the job can start.
final class WALMonitor: Sendable {
    private let log: String
    private let connect: @Sendable () throws -> Connection
    private let signals: WakeUpSignals
    private let logger: Logger
    private let safetyInterval: Duration
    private let checkStillThere: @Sendable () throws -> Void
    private let isWatching = Atomic(false)
    /// Set when the thread exists.
    private let stop = Mutex<StopPipe?>(nil)
    /// Entered while the thread exists.
    private let thread = DispatchGroup()

    /// - Parameters:
    ///   - safetyInterval: How often the thread reads the queues of the listeners although the kernel has reported
    ///     nothing. A lost wake-up is made good for after this time.
    ///   - checkStillThere: Called with each of these looks. If it throws, the listeners are woken, so that they get
    ///     the error.
    ///   - connect: Opens a connection for the watching thread alone, and is called there.
    init(
        _ log: String, signals: WakeUpSignals, logger: Logger, safetyInterval: Duration,
        checkStillThere: @escaping @Sendable () throws -> Void, connect: @escaping @Sendable () throws -> Connection
    ) {
        self.log = log
        self.connect = connect
        self.signals = signals
        self.logger = logger
        self.safetyInterval = safetyInterval
        self.checkStillThere = checkStillThere
    }

    /// `nil` if there is no thread that looks.
    var safetyLookInterval: Duration? { isWatching.load(ordering: .acquiring) ? safetyInterval : nil }

    deinit {
        stop.withLock { $0?.stop() }
        signals.end()
    }

    /// Ends all wake-ups, and waits until the thread has ended.
    func close() async {
        stop.withLock { stop in
            stop?.stop()
            stop = nil
        }
        signals.end()
        await withCheckedContinuation { continuation in
            thread.notify(queue: .global()) { continuation.resume() }
        }
    }

    /// Commits of any process from now on, including those of this process.
    func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> {
        startIfNeeded()
        return signals.stream(queues)
    }

    /// Changes of the time of the next tick by any process.
    func tickChanges() -> AsyncStream<Void> {
        startIfNeeded()
        return signals.tickChanges()
    }

    /// Commits of any process.
    func changes() -> AsyncStream<Void> {
        startIfNeeded()
        return signals.changes()
    }

    private func startIfNeeded() {
        do {
            try stop.withLock { stop in if stop == nil { stop = try start() } }
        } catch {
            logger.warning(
                "jobs that other processes enqueue are found only by looking from time to time",
                metadata: ["error": "\(error)"])
        }
    }

    /// Starts with the first listener: a process that only enqueues needs none of this, and the system has few such
    /// watches.
    private func start() throws -> StopPipe {
        let stop = try StopPipe()
        var writes: FileWrites?
        do {
            writes = try FileWrites(log)
        } catch {
            logger.warning(
                "the system cannot report writes to the log, so the log is checked ten times a second",
                metadata: ["error": "\(error)"])
        }
        let watch = CommitWatcher(
            writes: writes, stop: stop, signals: signals, logger: logger, safetyInterval: safetyInterval,
            checkStillThere: checkStillThere, connect: connect)
        isWatching.store(true, ordering: .releasing)
        thread.enter()
        Thread.detachNewThread { [thread, weak self] in
            watch.run()
            self?.isWatching.store(false, ordering: .releasing)
            thread.leave()
        }
        return stop
    }
}
