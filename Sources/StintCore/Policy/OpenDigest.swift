/// A digest that still takes events. Pure rules: which events fit, and when it starts. A store applies them.
///
/// | an event | the digest |
/// |---|---|
/// | fits | takes it, behind all others |
/// | has a debounce, and the start has not come | starts that long after the event, and no later than its limit |
/// | does not fit, or the digest was claimed before | is closed, and the event starts the next one |
public struct OpenDigest: Sendable, Hashable {
    /// When its first event came.
    public let openedAt: Timestamp
    /// The latest time to which events move its start; `nil`: none.
    public var startLimit: Timestamp?
    public var events: Int
    /// Of all payloads.
    public var bytes: Int
    private let contentType: String
    private let jobName: String?

    /// One that a store has kept.
    public init(
        openedAt: Timestamp, startLimit: Timestamp?, events: Int, bytes: Int, contentType: String, jobName: String?
    ) {
        self.openedAt = openedAt
        self.startLimit = startLimit
        self.events = events
        self.bytes = bytes
        self.contentType = contentType
        self.jobName = jobName
    }

    /// A digest of one event.
    public init(_ first: NewJob, at now: Timestamp) {
        self.init(
            openedAt: now, startLimit: first.options.atMost.map { now + $0.milliseconds }, events: 1,
            bytes: first.payload.count, contentType: first.contentType, jobName: first.options.headers[Headers.jobName])
    }

    /// Whether the event fits.
    public func admits(_ event: NewJob) -> Bool {
        events < event.options.maxEvents && bytes + event.payload.count <= event.options.maxEventBytes
            && event.contentType == contentType
            && event.options.headers[Headers.jobName].map(ByteText.init) == jobName.map(ByteText.init)
    }

    /// Adds an event that fits.
    public mutating func take(_ event: NewJob) {
        events += 1
        bytes += event.payload.count
        if let atMost = event.options.atMost {
            startLimit = min(startLimit ?? .max, openedAt + atMost.milliseconds)
        }
    }

    /// The new start after an event was taken; `nil`: it is not moved.
    ///
    /// - Parameter start: The start so far.
    public func start(after event: NewJob, insteadOf start: Timestamp, _ now: Timestamp) -> Timestamp? {
        guard let debounce = event.options.debounce, start > now else { return nil }
        return min(now + debounce.milliseconds, startLimit ?? .max)
    }
}

extension JobOptions {
    /// How long a job that is new waits.
    public var firstDelay: Duration { debounce.map { min($0, atMost ?? $0) } ?? delay }
}
