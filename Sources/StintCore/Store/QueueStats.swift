/// The counts of one queue. The store maintains them, so reading them costs the same at ten million jobs.
public struct QueueStats: Sendable, Hashable, Codable {
    public let name: QueueName
    public let ready: Int
    public let delayed: Int
    public let leased: Int
    public let buried: Int
    /// Jobs acknowledged since the queue was created, whether or not they are retained.
    public let done: Int
    /// Jobs cancelled since the queue was created, whether or not they are retained.
    public let cancelled: Int
    /// Jobs that did expire since the queue was created, whether or not they are retained.
    public let expired: Int
    public let paused: Bool
    /// Why it is paused, if who paused it said so.
    public let pauseReason: String?
    public var limits: QueueLimits { ownLimits ?? QueueLimits() }
    /// `nil`: it has none. So the JSON of most queues has no limits.
    private let ownLimits: QueueLimits?

    private enum CodingKeys: String, CodingKey {
        case name, ready, delayed, leased, buried, done, cancelled, expired, paused, pauseReason
        case ownLimits = "limits"
    }

    public init(
        name: QueueName, ready: Int, delayed: Int, leased: Int, buried: Int, done: Int, cancelled: Int = 0,
        expired: Int = 0, paused: Bool, pauseReason: String? = nil, limits: QueueLimits = QueueLimits()
    ) {
        self.name = name
        self.ready = ready
        self.delayed = delayed
        self.leased = leased
        self.buried = buried
        self.done = done
        self.cancelled = cancelled
        self.expired = expired
        self.paused = paused
        self.pauseReason = pauseReason
        ownLimits = limits == QueueLimits() ? nil : limits
    }

    /// The number of jobs in a state. Those of states in which jobs are over are counted whether or not they are kept.
    public func count(of state: JobState) -> Int {
        switch state {
        case .ready: ready
        case .delayed: delayed
        case .leased: leased
        case .buried: buried
        case .done: done
        case .cancelled: cancelled
        case .expired: expired
        }
    }

    /// Jobs that wait or run. Clamped to the range of `Int`, since another program may have written any count.
    public var unfinished: Int { sum(of: \.isUnfinished) }

    /// Jobs that wait to be claimed. Clamped as ``unfinished`` is.
    package var waiting: Int { sum(of: \.isWaiting) }

    private func sum(of isCounted: (JobState) -> Bool) -> Int {
        JobState.allCases.filter(isCounted).map(count(of:)).reduce(0) { sum, count in
            let (next, overflow) = sum.addingReportingOverflow(count)
            return overflow ? (count > 0 ? .max : .min) : next
        }
    }
}
