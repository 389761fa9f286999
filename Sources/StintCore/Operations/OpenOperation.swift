/// An operation that has not ended, as a store keeps it and as a step needs it: the decisions that are the same in every
/// store.
package struct OpenOperation: Sendable {
    package let id: Int64
    package let change: JobChange?
    package let restores: Int64?
    package let selection: JobSelection?
    package let cursor: SelectionCursor?
    package let pass: Int64
    package let passFrom: Int64
    package let changed: Int64
    package let skipped: Int64
    package let driver: Int64?
    package let steppedAt: Int64?
    /// The cursor as it is stored.
    package let storedCursor: String?

    /// - Parameters:
    ///   - change: What is done, as ``StoredJSON``.
    ///   - selection: The same.
    package init(
        id: Int64, change: String?, restores: Int64?, selection: String?, cursor: String?, pass: Int64, passFrom: Int64,
        changed: Int64, skipped: Int64, driver: Int64?, steppedAt: Int64?
    ) {
        self.id = id
        self.change = StoredJSON.value(change)
        self.restores = restores
        self.selection = StoredJSON.value(selection)
        storedCursor = cursor
        self.cursor = cursor.flatMap { SelectionCursor($0) }
        self.pass = pass
        self.passFrom = passFrom
        self.changed = changed
        self.skipped = skipped
        self.driver = driver
        self.steppedAt = steppedAt
    }

    package var states: [JobState] {
        guard let change, let selection else { return [] }
        return selection.possibleStates.filter(change.applies(to:))
    }

    /// How many jobs it may still change.
    package func left(of selection: JobSelection) -> Int64 {
        selection.limit.map { max(0, Int64($0) - changed) } ?? .max
    }

    // MARK: - Whose turn it is

    package enum Turn {
        case idle
        case elsewhere
        case mine(OpenOperation)
    }

    /// - Parameter running: All that are running, the one whose last step is longest ago first.
    package static func turn(of driver: OperationDriver, among running: [OpenOperation], now: Timestamp) -> Turn {
        guard let first = running.first else { return .idle }
        let takeOver = BulkOperation.takeOverTime.milliseconds
        let isElsewhere = running.contains { operation in
            guard let steppedAt = operation.steppedAt, operation.driver != driver.token else { return false }
            // A time in the future is from before the clock was set back.
            return (now - takeOver < steppedAt) && steppedAt <= now + takeOver
        }
        return isElsewhere ? .elsewhere : .mine(first)
    }

    // MARK: - A look ahead

    /// What a read has found: jobs up to here do not meet the conditions, so a step need not look at them.
    package struct Ahead: Sendable {
        package let operation: Int64
        package let from: String?
        package let to: SelectionCursor

        package init(operation: Int64, from: String?, to: SelectionCursor) {
            (self.operation, self.from, self.to) = (operation, from, to)
        }
    }

    /// Where a step may begin; `nil`: the look was of another operation, or of an earlier step.
    package func place(of ahead: Ahead?) -> SelectionCursor? {
        guard let ahead, ahead.operation == id, ahead.from == storedCursor else { return nil }
        return ahead.to
    }

    // MARK: - What a step has done

    package struct Progress: Sendable {
        package var changed: Int
        /// How many it has left in this pass so far.
        package var skipped: Int64
        /// Where to go on; `nil`: it has ended.
        package var cursor: SelectionCursor?
        package private(set) var beginsPass = false
        package private(set) var failure: String?

        package init(changed: Int = 0, skipped: Int64 = 0, cursor: SelectionCursor? = nil) {
            (self.changed, self.skipped, self.cursor) = (changed, skipped, cursor)
        }

        /// Of an operation without a readable change, selection or cursor.
        package static var unreadable: Progress {
            var progress = Progress()
            progress.failure =
                "what it does or which jobs it changes cannot be read: a newer Stint or another program wrote it; "
                + "begin it again"
            return progress
        }

        /// Ends the operation if its limit is reached, or begins another pass: a job may have moved to a state that was
        /// already read, so the states are read again.
        package mutating func endPass(
            of operation: OpenOperation, _ change: JobChange, _ selection: JobSelection, start: SelectionCursor
        ) {
            if Int64(changed) >= operation.left(of: selection) {
                cursor = nil
                return
            }
            let hasChanged = operation.changed + Int64(changed) > operation.passFrom
            if cursor == nil, hasChanged, !change.mayApplyAgain, operation.pass < BulkOperation.maximumPasses {
                cursor = start
                beginsPass = true
                skipped = 0
            }
        }
    }

    // MARK: - A restore, whose place is a job alone

    package var lastRestored: Int64 { cursor?.place?.job ?? .min }

    package static func place(afterRestored job: Int64) -> SelectionCursor {
        let place = JobCursor(state: .ready, queue: 0, order: 0, job: job)
        return SelectionCursor(place: place, newest: .max, lastBurial: .max, start: 0)
    }
}
