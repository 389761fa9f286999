#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The number of a group of jobs whose latest errors have the same ``ErrorFingerprint``. As text it has 16 hexadecimal
/// digits.
public struct ErrorGroupID: Sendable, Hashable, LosslessStringConvertible {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public var description: String {
        let digits = String(UInt64(bitPattern: rawValue), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Reads what ``description`` has written; `nil` if it is something else.
    public init?(_ description: String) {
        guard description.utf8.count == 16, description.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
            let value = UInt64(description, radix: 16)
        else { return nil }
        rawValue = Int64(bitPattern: value)
    }
}

/// Jobs whose latest errors are alike but for numbers, ids and other variable parts.
public struct ErrorGroup: Sendable, Hashable, Identifiable {
    public let id: ErrorGroupID
    /// The error with its variable parts replaced, for people; see ``ErrorFingerprint``.
    public let fingerprint: String
    /// How many jobs there are; for failing jobs, of those that were read for this page.
    public var jobs: Int
    /// Where they are, by name: up to 20 of them for buried jobs.
    public var queues: [QueueName]
    /// When the first of them got this error, as far as it is known.
    public var firstSeen: Date
    public var lastSeen: Date
    /// One of them, a recent one.
    public var sample: JobID
    /// Its latest error, or the reason of its burial.
    public var sampleError: String

    public init(
        id: ErrorGroupID, fingerprint: String, jobs: Int, queues: [QueueName], firstSeen: Timestamp,
        lastSeen: Timestamp, sample: JobID, sampleError: String
    ) {
        self.id = id
        self.fingerprint = fingerprint
        self.jobs = jobs
        self.queues = queues
        self.firstSeen = Date(firstSeen)
        self.lastSeen = Date(lastSeen)
        self.sample = sample
        self.sampleError = sampleError
    }

    /// Adds other jobs of the same group.
    public mutating func add(_ other: ErrorGroup) {
        jobs += other.jobs
        if !other.queues.allSatisfy(queues.contains) { queues = Set(queues + other.queues).sorted() }
        firstSeen = min(firstSeen, other.firstSeen)
        lastSeen = max(lastSeen, other.lastSeen)
    }

    /// The order of lists: the group with more jobs first.
    public static func isLarger(_ one: ErrorGroup, _ other: ErrorGroup) -> Bool {
        (one.jobs, one.id.rawValue) > (other.jobs, other.id.rawValue)
    }

    /// The query for its jobs in these states.
    public func query(_ kind: ErrorGroupFilter.Kind) -> JobQuery {
        JobQuery(terms: kind.states.map { .init(.state($0)) } + [.init(.errorGroup(id))])
    }
}

/// Which groups of errors to list.
public struct ErrorGroupFilter: Sendable {
    /// The most groups on a page.
    public static let maximumLimit = 200

    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case buried
        /// Jobs that wait for their next attempt after one that did not succeed: ready or delayed.
        case failing

        public var states: [JobState] {
            switch self {
            case .buried: [.buried]
            case .failing: [.ready, .delayed]
            }
        }
    }

    public var kind: Kind
    /// `nil`: all.
    public var queue: QueueName?
    /// The most groups on one page.
    public var limit: Int

    public init(_ kind: Kind, queue: QueueName? = nil, limit: Int = 50) {
        self.kind = kind
        self.queue = queue
        self.limit = limit
    }
}

/// One page of a list of groups of errors.
public struct ErrorGroupPage: Sendable {
    /// The groups with the most jobs first.
    public var groups: [ErrorGroup]
    /// Where the next page begins; `nil` if this is the last one.
    public var next: ErrorGroupCursor?

    public init(groups: [ErrorGroup] = [], next: ErrorGroupCursor? = nil) {
        self.groups = groups
        self.next = next
    }

    /// Puts the groups of failing jobs of two pages together: those of a later page are of other jobs, whose latest
    /// errors are older.
    public func merging(_ later: ErrorGroupPage) -> ErrorGroupPage {
        var merged = groups
        var places = Dictionary(uniqueKeysWithValues: merged.enumerated().map { ($1.id, $0) })
        for group in later.groups {
            guard let place = places[group.id] else {
                places[group.id] = merged.count
                merged.append(group)
                continue
            }
            merged[place].add(group)
        }
        merged.sort(by: ErrorGroup.isLarger)
        return ErrorGroupPage(groups: merged, next: later.next)
    }
}

/// A position in a list of groups of errors. Only the store that made it reads it. As text it can be part of a link.
public struct ErrorGroupCursor: Sendable, Hashable, LosslessStringConvertible {
    /// What the list is ordered by: a number of jobs, or a time.
    public let order: Int64
    /// The group or failure at which it is.
    public let position: Int64

    public init(order: Int64, position: Int64) {
        self.order = order
        self.position = position
    }

    public var description: String { "\(order).\(position)" }

    /// Reads what ``description`` has written; `nil` if it is something else.
    public init?(_ description: String) {
        let parts = description.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let order = Int64(parts[0]), let position = Int64(parts[1]) else { return nil }
        self.init(order: order, position: position)
    }
}
