/// All that is known of one job but its payload, for people and tools.
public struct JobRecord: Sendable, Codable, Hashable {
    public var id: JobID
    public var queue: QueueName
    public var state: JobState
    public var priority: UInt32
    /// Starts that failed or crashed, and the one that is running.
    public var attempts: Int
    public var maxAttempts: Int
    public var crashes: Int
    public var maxCrashes: Int
    /// It may have killed its last worker and therefore runs alone next.
    public var suspect: Bool
    public var contentType: String
    public var headers: Headers
    public var payloadBytes: Int
    public var timeToRunMilliseconds: Int64?
    public var uniqueKey: String? {
        get { key?.text }
        set { key = newValue.map(ByteText.init) }
    }
    private var key: ByteText?
    public var enqueuedAt: Timestamp
    /// When a delayed job becomes ready.
    public var runAt: Timestamp?
    /// Who holds a leased job (`host:pid`), its fencing token, and when the lease ends by the wall clock.
    public var worker: String?
    public var token: FencingToken?
    public var leaseExpiresAt: Timestamp?
    /// When it was buried and why, or when it was done.
    public var buriedAt: Timestamp?
    public var reason: String?
    public var doneAt: Timestamp?

    public init(
        id: JobID, queue: QueueName, state: JobState, priority: UInt32, attempts: Int, maxAttempts: Int, crashes: Int,
        maxCrashes: Int, suspect: Bool, contentType: String, headers: Headers, payloadBytes: Int,
        timeToRunMilliseconds: Int64?, uniqueKey: String?, enqueuedAt: Timestamp
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
        self.enqueuedAt = enqueuedAt
    }

    private enum CodingKeys: String, CodingKey {
        case id, queue, state, priority, attempts, maxAttempts, crashes, maxCrashes, suspect, contentType, headers
        case payloadBytes, timeToRunMilliseconds, enqueuedAt, runAt, worker, token, leaseExpiresAt, buriedAt, reason,
            doneAt
        case key = "uniqueKey"
    }
}

/// One attempt that did not end well.
public struct JobFailure: Sendable, Codable, Hashable {
    public enum Kind: String, Sendable, Codable {
        /// The handler said that it failed.
        case failed
        /// The process that ran the job died.
        case crashed
        /// The lease ran out, and no death of the worker is proved. It costs the job nothing.
        case expired
        /// The worker ended together with its supervisor or its machine. It costs the job nothing.
        case lost
        /// The handler or a person set the job aside.
        case buried
    }

    public let attempt: Int
    public let at: Timestamp
    public let kind: Kind
    public let error: String
    public let worker: String?
    public let diagnostics: AttemptDiagnostics?

    public init(
        attempt: Int, at: Timestamp, kind: Kind, error: String, worker: String?, diagnostics: AttemptDiagnostics? = nil
    ) {
        self.attempt = attempt
        self.at = at
        self.kind = kind
        self.error = error
        self.worker = worker
        self.diagnostics = diagnostics
    }
}

/// One job with its payload and its history.
public struct JobDetails: Sendable {
    public let record: JobRecord
    public let payload: [UInt8]
    /// Oldest first; the store keeps the last 50.
    public let failures: [JobFailure]

    public init(record: JobRecord, payload: [UInt8], failures: [JobFailure]) {
        self.record = record
        self.payload = payload
        self.failures = failures
    }
}

/// Which jobs to list.
public struct JobFilter: Sendable {
    /// The most jobs of a page.
    public static let maximumLimit = 1_000
    /// About how long the records of a page may be together, in bytes.
    public static let maximumBytes = 4_194_304

    public var queue: QueueName?
    public var state: JobState?
    /// How many at the most, in one page.
    public var limit: Int

    public init(queue: QueueName? = nil, state: JobState? = nil, limit: Int = 100) {
        self.queue = queue
        self.state = state
        self.limit = limit
    }
}

/// A part of a list of jobs.
public struct JobPage: Sendable {
    public var jobs: [JobRecord]
    /// Where the next part begins; `nil`: there is none.
    public var next: JobCursor?

    public init(jobs: [JobRecord] = [], next: JobCursor? = nil) {
        self.jobs = jobs
        self.next = next
    }
}

/// A place in a list of jobs: behind one of them, also when that has gone meanwhile.
public struct JobCursor: Sendable, Hashable {
    package let state: JobState
    /// The job's place in the order of its state.
    package let queue: Int64
    package let order: Int64
    package let job: Int64

    package init(state: JobState, queue: Int64, order: Int64, job: Int64) {
        self.state = state
        self.queue = queue
        self.order = order
        self.job = job
    }
}
