#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Everything about one job except its payload, for people and tools.
public struct JobRecord: Sendable, Codable, Hashable {
    public var id: JobID
    public var queue: QueueName
    public var state: JobState
    public var priority: UInt32
    /// Attempts that failed or crashed, and the running one.
    public var attempts: Int
    public var maxAttempts: Int
    public var crashes: Int
    public var maxCrashes: Int
    /// Whether it may have killed its last worker and therefore runs alone next.
    public var suspect: Bool
    public var contentType: String
    public var headers: Headers
    /// Of a digest: the sum over its events.
    public var payloadBytes: Int
    /// How many events the job has if it is a digest; `nil`: it is none.
    public var events: Int?
    /// How long one run may take; `nil`: the worker decides.
    public var timeToRun: Duration? { timeToRunMilliseconds.map { .milliseconds($0) } }
    package var timeToRunMilliseconds: Int64?
    public var uniqueKey: String? {
        get { key?.text }
        set { key = newValue.map(ByteText.init) }
    }
    private var key: ByteText?
    public var group: String? {
        get { groupName?.text }
        set { groupName = newValue.map(ByteText.init) }
    }
    private var groupName: ByteText?
    public var enqueuedAt: Date { Date(enqueuedAtMilliseconds) }
    package var enqueuedAtMilliseconds: Timestamp
    /// When a delayed job becomes ready.
    public var runAt: Date? { runAtMilliseconds.map(Date.init(_:)) }
    package var runAtMilliseconds: Timestamp?
    /// The holder of a leased job (`host:pid`), its fencing token, and when the lease ends by the wall clock.
    public var worker: String?
    public var token: FencingToken?
    public var leaseExpiresAt: Date? { leaseExpiresAtMilliseconds.map(Date.init(_:)) }
    package var leaseExpiresAtMilliseconds: Timestamp?
    /// When it expires if it has not started by then.
    public var expiresAt: Date? { expiresAtMilliseconds.map(Date.init(_:)) }
    package var expiresAtMilliseconds: Timestamp?
    /// Why it was buried or cancelled, or did expire, and when; or when it was done.
    public var buriedAt: Date? { buriedAtMilliseconds.map(Date.init(_:)) }
    package var buriedAtMilliseconds: Timestamp?
    public var reason: String?
    public var doneAt: Date? { doneAtMilliseconds.map(Date.init(_:)) }
    package var doneAtMilliseconds: Timestamp?
    public var cancelledAt: Date? { cancelledAtMilliseconds.map(Date.init(_:)) }
    package var cancelledAtMilliseconds: Timestamp?
    public var expiredAt: Date? { expiredAtMilliseconds.map(Date.init(_:)) }
    package var expiredAtMilliseconds: Timestamp?

    /// A record as a store makes it. The times after `enqueuedAt` are `nil` for a job in another state than theirs.
    public init(
        id: JobID, queue: QueueName, state: JobState, priority: UInt32, attempts: Int, maxAttempts: Int, crashes: Int,
        maxCrashes: Int, suspect: Bool, contentType: String, headers: Headers, payloadBytes: Int,
        timeToRunMilliseconds: Int64?, uniqueKey: String?, enqueuedAt: Timestamp, runAt: Timestamp? = nil,
        leaseExpiresAt: Timestamp? = nil, buriedAt: Timestamp? = nil, doneAt: Timestamp? = nil,
        cancelledAt: Timestamp? = nil, expiredAt: Timestamp? = nil, expiresAt: Timestamp? = nil
    ) {
        self.id = id
        self.queue = queue
        self.state = state
        self.priority = priority
        self.attempts = attempts
        self.maxAttempts = maxAttempts
        self.crashes = crashes
        self.maxCrashes = maxCrashes
        self.suspect = suspect
        self.contentType = contentType
        self.headers = headers
        self.payloadBytes = payloadBytes
        self.timeToRunMilliseconds = timeToRunMilliseconds
        key = uniqueKey.map(ByteText.init)
        enqueuedAtMilliseconds = enqueuedAt
        runAtMilliseconds = runAt
        leaseExpiresAtMilliseconds = leaseExpiresAt
        buriedAtMilliseconds = buriedAt
        doneAtMilliseconds = doneAt
        cancelledAtMilliseconds = cancelledAt
        expiredAtMilliseconds = expiredAt
        expiresAtMilliseconds = expiresAt
    }

    private enum CodingKeys: String, CodingKey {
        case id, queue, state, priority, attempts, maxAttempts, crashes, maxCrashes, suspect, contentType, headers
        case payloadBytes, events, timeToRunMilliseconds, worker, token, reason
        case key = "uniqueKey"
        case groupName = "group"
        case enqueuedAtMilliseconds = "enqueuedAt"
        case runAtMilliseconds = "runAt"
        case leaseExpiresAtMilliseconds = "leaseExpiresAt"
        case buriedAtMilliseconds = "buriedAt"
        case doneAtMilliseconds = "doneAt"
        case expiresAtMilliseconds = "expiresAt"
        case cancelledAtMilliseconds = "cancelledAt"
        case expiredAtMilliseconds = "expiredAt"
    }
}
