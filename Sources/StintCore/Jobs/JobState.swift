/// The state of a job. This is the only list of states: whatever depends on the state switches over it without
/// `default` or goes through all cases, so that a new state does not compile until every such place is decided.
public enum JobState: String, Sendable, Hashable, Codable, CaseIterable {
    /// Waits for a worker.
    case ready
    /// Becomes ready at a time.
    case delayed
    /// A worker holds it under a lease.
    case leased
    /// Set aside until a person kicks or deletes it.
    case buried
    /// Acknowledged. Kept only for the retention of its queue.
    case done
    /// A person or the application called it off. Kept only for the retention of its queue.
    case cancelled
    /// It had not started when its time was over. Kept only for the retention of its queue.
    case expired

    /// Whether it will run without help: it waits or runs.
    package var isUnfinished: Bool {
        switch self {
        case .ready, .delayed, .leased: true
        case .buried, .done, .cancelled, .expired: false
        }
    }

    /// Whether it is over for good: it never runs again, and is kept only for the retention of its queue.
    public var isOver: Bool {
        switch self {
        case .done, .cancelled, .expired: true
        case .ready, .delayed, .leased, .buried: false
        }
    }

    /// Whether it waits to be claimed.
    public var isWaiting: Bool {
        switch self {
        case .ready, .delayed: true
        case .leased, .buried, .done, .cancelled, .expired: false
        }
    }
}
