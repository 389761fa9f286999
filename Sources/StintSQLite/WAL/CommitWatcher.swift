import Foundation
import GRDB
import Logging
import StintCore
import StintPlatform

/// The work of the thread of a ``WALMonitor``, until its pipe is closed.
///
/// `@unchecked Sendable`: only that thread uses it.
final class CommitWatcher: @unchecked Sendable {
    /// How often to look if the kernel cannot report writes, in milliseconds.
    private static let pollInterval: Int32 = 100

    private let writes: FileWrites?
    private let connect: @Sendable () throws -> Connection
    private var reader: Connection?
    private let stop: StopPipe
    private let signals: WakeUpSignals
    private let logger: Logger
    /// How often it reads the queues although nothing was reported and the header has not changed.
    private let safetyInterval: Duration
    private let checkStillThere: @Sendable () throws -> Void
    /// When it reads the queues the next time for that reason.
    private var nextSafetyLook = ContinuousClock.now
    /// The last version that was seen.
    private var version: Int64?
    private var pace = LookPace(writtenAt: .now)
    /// The header before the last look; `nil` before the first look, and if it cannot be read.
    private var header: WALIndexHeader?

    init(
        writes: FileWrites?, stop: StopPipe, signals: WakeUpSignals, logger: Logger, safetyInterval: Duration,
        checkStillThere: @escaping @Sendable () throws -> Void, connect: @escaping @Sendable () throws -> Connection
    ) {
        self.writes = writes
        self.connect = connect
        self.stop = stop
        self.signals = signals
        self.logger = logger
        self.safetyInterval = safetyInterval
        self.checkStillThere = checkStillThere
    }

    func run() {
        // The connection is closed on this thread, before it ends.
        defer { reader = nil }
        // This opens its connection before the first job comes.
        notifyOfCommit()
        while signals.waitForListener() {
            switch waitForWrite(writes == nil ? Self.pollInterval : .max) {
            case .over: return
            case .nothing: notifyOfCommit()
            case .written: if !tellOfCommits() { return }
            }
        }
    }

    private enum Event {
        case written, nothing, over
    }

    /// Looks until everything that was written must have become visible.
    ///
    /// - Returns: `false` when the watch is over.
    private func tellOfCommits() -> Bool {
        pace.written(at: .now)
        while signals.waitForListener() {
            // This comes before each look: what is written after it is reported again.
            if writes?.clear() == true { pace.written(at: .now) }
            let found = notifyOfCommit()
            if found != .nothing {
                usleep(UInt32(pace.found(isNews: found == .told, at: .now) / .microseconds(1)))
            }
            switch pace.next(at: .now) {
            case nil: return true
            case .yield?: sched_yield()
            case .microseconds(let time)?: usleep(time)
            case .milliseconds(let time)?: if waitForWrite(time) == .over { return false }
            }
        }
        return false
    }

    private var timeUntilSafetyLook: Duration { max(.zero, nextSafetyLook - .now) }

    private func planSafetyLook() { nextSafetyLook = .now + MachineClock.untilNext(safetyInterval) }

    /// Waits until the log was written to, and at most until the next safety look.
    ///
    /// - Parameter timeout: In milliseconds.
    private func waitForWrite(_ timeout: Int32) -> Event {
        let timeout = min(timeout, Int32(clamping: timeUntilSafetyLook.milliseconds + 1))
        var polled = [pollfd(fd: stop.readEnd, events: Int16(POLLIN), revents: 0)]
        if let writes { polled.append(pollfd(fd: writes.descriptor, events: Int16(POLLIN), revents: 0)) }
        var count: Int32
        repeat {
            count = poll(&polled, nfds_t(polled.count), timeout)
        } while count < 0 && errno == EINTR
        if count < 0 || polled[0].revents != 0 { return .over }
        return count > 0 ? .written : .nothing
    }

    private enum Find {
        /// No commit since the last look, by any process.
        case nothing
        /// A commit that brought nothing new for any listener.
        case untold
        case told
    }

    @discardableResult
    private func notifyOfCommit() -> Find {
        let isSafetyLook = timeUntilSafetyLook == .zero
        do {
            if isSafetyLook { try checkStillThere() }
            let reader = try self.reader ?? connect()
            self.reader = reader
            return try reader.runBlocking { try look($0, isSafetyLook) }
        } catch {
            logger.debug("the log was written to, or not for long, and cannot be read: \(error)")
            guard isSafetyLook else { return .nothing }
            // A worker that tries to claim gets the error too, and reports it.
            planSafetyLook()
            signals.send()
            return .told
        }
    }

    private func look(_ database: Database, _ isSafetyLook: Bool) throws -> Find {
        // Read before the look: a later commit changes it again.
        let header = version == nil ? nil : WALIndexHeader(of: database)
        if !isSafetyLook, let header, header == self.header { return .nothing }
        try Statement("BEGIN", database).execute()
        defer { end(database) }
        let version = try Statement("PRAGMA data_version", database).first { $0.int(0) }
        var find = Find.nothing
        if version != self.version || isSafetyLook {
            let isNew = version != self.version
            if isNew { signals.sendChange() }
            let transaction = JobTransaction(database, SystemClock())
            let tickIsTold = try signals.sendTickChange { try transaction.nextTick() }
            let isTold = try signals.send(repeats: isNew) { queues in
                let next = try transaction.nextReady(in: queues)
                // The wall clock may have been set forward.
                if isSafetyLook, case .at(let time) = next, time <= transaction.now.wall { return .now }
                return next
            }
            find = isTold || tickIsTold ? .told : isNew ? .untold : .nothing
        }
        if isSafetyLook { planSafetyLook() }
        (self.version, self.header) = (version, header)
        return find
    }

    private func end(_ database: Database) {
        do { try Statement("COMMIT", database).execute() } catch { logger.debug("after a look: \(error)") }
    }
}
