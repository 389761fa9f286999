#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A claimed job, as its holder gets it. It does not change.
///
/// A class, since a worker hands it on many times: a copy would retain each of its parts.
public final class LeasedJob: Sendable {
    public let lease: Lease
    public let queue: QueueName
    package let body: JobBody
    /// Of a digest: all payloads as ``DigestFormat/lengthPrefixed`` writes them, made anew at each call; use ``events``.
    public var payload: [UInt8] { body.payload }
    /// The payloads of a digest, oldest first; `nil` for any other job.
    public var events: [[UInt8]]? { body.events }
    /// Of a digest: that of each event.
    public let contentType: String
    public let headers: Headers
    public let priority: UInt32
    /// The number of this attempt, from 1. It is stored before the handler starts, so that a crash counts.
    public let attempt: Int
    public let maxAttempts: Int
    public let timeToRun: Duration?
    public var enqueuedAt: Date { Date(enqueuedAtMilliseconds) }
    package let enqueuedAtMilliseconds: Timestamp
    /// When it expires: from then on it must not be started any more. A run that has started may finish. `nil`: never.
    public var expiresAt: Date? { expiresAtMilliseconds.map(Date.init(_:)) }
    package let expiresAtMilliseconds: Timestamp?
    /// How long after its claim it expires, by the store's clock: its holder counts by its own.
    public let expiresIn: Duration?
    /// Whether it is a suspect: it may have killed its last worker, so it is claimed alone and must run alone.
    public let runsAlone: Bool

    public var id: JobID { lease.job }

    /// The size of its payload, or of its events, and headers, in bytes.
    public var bytes: Int { body.byteCount + headers.byteCount }

    public init(
        lease: Lease, queue: QueueName, payload: [UInt8], contentType: String, headers: Headers, priority: UInt32,
        attempt: Int, maxAttempts: Int, timeToRun: Duration?, enqueuedAt: Timestamp, runsAlone: Bool,
        events: [[UInt8]]? = nil, expiresAt: Timestamp? = nil,
        expiresIn: Duration? = nil
    ) {
        self.lease = lease
        self.queue = queue
        body = events.map(JobBody.digest) ?? .single(payload)
        self.contentType = contentType
        self.headers = headers
        self.priority = priority
        self.attempt = attempt
        self.maxAttempts = maxAttempts
        self.timeToRun = timeToRun
        enqueuedAtMilliseconds = enqueuedAt
        self.runsAlone = runsAlone
        expiresAtMilliseconds = expiresAt
        self.expiresIn = expiresIn
    }
}
