#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A change of many jobs that goes on until it is done, whoever began it: who did what, when, to which jobs, and how
/// far it is. Its record stays when it has ended; so do the records of changes of single jobs that named who made
/// them.
///
/// An operation works in steps: transactions of at most 1,000 jobs that also write how far it is. A process that dies
/// between two steps, or in one, loses nothing, and no job is changed twice because of that: whoever looks next goes on
/// with the next step (`stint reap`, a `Reaper`, or ``JobQueue/run(_:progress:)``).
///
/// It changes the jobs that meet its conditions when a step reaches them, of those whose id is not above the largest
/// one when it began. So it ends, even if jobs are enqueued all the time.
public struct BulkOperation: Sendable, Hashable {
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        case running
        /// A person has paused it.
        case paused
        /// It has reached all its jobs.
        case done
        /// A person has ended it. What it has changed stays changed.
        case cancelled
        /// It cannot go on; see ``BulkOperation/failure``.
        case failed

        public var isEnded: Bool {
            switch self {
            case .running, .paused: false
            case .done, .cancelled, .failed: true
            }
        }
    }

    public enum Action: Sendable, Hashable {
        case change(JobChange)
        /// Brings back what this operation has deleted.
        case restore(OperationID)
        /// Recorded by a newer Stint; with the name of what it does.
        case unknown(String)
    }

    /// For how long after its end the jobs that an operation has deleted can be brought back.
    public static let restoreTime: Duration = .seconds(600)
    /// How many records are kept, and for how long: older ones are deleted, but not those of operations that have not
    /// ended.
    public static let maximumKept = 10_000
    public static let keptFor: Duration = .seconds(90 * 86_400)
    /// How many operations may be running or paused at a time.
    public static let maximumOpen = 1_000
    /// How long after its last step another process goes on with an operation.
    public static let takeOverTime: Duration = .seconds(2)
    /// How often an operation that buries, cancels, deletes or moves jobs reads the states again at most, for jobs that
    /// have changed their state behind it.
    public static let maximumPasses = 8

    public let id: OperationID
    public let action: Action
    /// Which jobs, for people: the text of the filter, or ids.
    public let filter: String
    /// Who began it; `nil` if that is not known.
    public let actor: String?
    public var begunAt: Date { Date(begunAtMilliseconds) }
    public var endedAt: Date? { endedAtMilliseconds.map { Date($0) } }
    public let begunAtMilliseconds: Timestamp
    public var endedAtMilliseconds: Timestamp?
    public var state: State
    /// Why it failed.
    public var failure: String?
    /// How many jobs met its conditions before it began; `nil`: they were not counted. Others may meet them later.
    public let total: Int?
    /// How many jobs it has changed.
    public var changed: Int
    /// How many jobs it left as they are, because their unique key is taken.
    public var skipped: Int
    /// Until when the jobs that it has deleted can be brought back; `nil`: not now, not any more, or there are none.
    public var restorableUntil: Date? { restorableUntilMilliseconds.map { Date($0) } }
    public var restorableUntilMilliseconds: Timestamp?

    public init(
        id: OperationID, action: Action, filter: String, actor: String?, begunAt: Timestamp, endedAt: Timestamp? = nil,
        state: State = .running, failure: String? = nil, total: Int? = nil, changed: Int = 0, skipped: Int = 0,
        restorableUntil: Timestamp? = nil
    ) {
        self.id = id
        self.action = action
        self.filter = filter
        self.actor = actor
        begunAtMilliseconds = begunAt
        endedAtMilliseconds = endedAt
        self.state = state
        self.failure = failure
        self.total = total
        self.changed = changed
        self.skipped = skipped
        restorableUntilMilliseconds = restorableUntil
    }

    /// What it does: `kick`, `delete`, `restore`.
    public var verb: String {
        switch action {
        case .change(let change): change.verb
        case .restore: "restore"
        case .unknown(let verb): verb
        }
    }
}

/// For people: `kick in 5m`, `restore 12`.
extension BulkOperation.Action: CustomStringConvertible {
    public var description: String {
        switch self {
        case .change(let change): change.description
        case .restore(let operation): "restore \(operation)"
        case .unknown(let verb): verb
        }
    }
}
