import GRDB
import Logging
import StintCore
import Synchronization

/// Decides when a process changes the ``FileMark``: with its first transaction, then once a second while it writes, and
/// when the log has started again. Each change adds a page to the log.
final class FileMarks: Sendable {
    private static let interval: Duration = .seconds(1)

    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        /// `nil`: not checked yet. An earlier schema has no mark.
        var isKnown: Bool?
        var last: ContinuousClock.Instant?
    }

    private let isOn: Bool

    /// - Parameter isOn: Off in simulated worlds, whose histories must not depend on what was simulated before.
    init(_ logger: Logger, isOn: Bool) {
        self.logger = logger
        self.isOn = isOn
    }

    /// Changes the mark in the transaction that is open and is about to be committed.
    func changeIfDue(_ database: Database) throws {
        let now = ContinuousClock.now
        guard isOn, state.withLock({ $0.last.map { now - $0 >= Self.interval } ?? true }) else { return }
        try change(database)
    }

    /// Changes the mark in a transaction of its own: the log's first transaction may stay the only one for long.
    func markNewLog(_ database: Database) {
        guard isOn else { return }
        do {
            try Statement("BEGIN IMMEDIATE", database).execute()
            try change(database)
            try Statement("COMMIT", database).execute()
        } catch {
            // The next transaction does it.
            state.withLock { $0.last = nil }
            logger.debug("the log could not be marked: \(error)")
            guard database.isInsideTransaction else { return }
            do { try Statement("ROLLBACK", database).execute() } catch { logger.debug("after that: \(error)") }
        }
    }

    private func change(_ database: Database) throws {
        if state.withLock({ $0.isKnown }) == nil {
            let isKnown = try database.tableExists("stint_file")
            state.withLock { $0.isKnown = isKnown }
        }
        guard state.withLock({ $0.isKnown }) == true else { return }
        try FileMark.change(database)
        state.withLock { $0.last = .now }
    }
}
