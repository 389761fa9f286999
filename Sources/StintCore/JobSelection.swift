/// Which jobs of a queue a person means: those that meet all of the conditions.
public struct JobSelection: Sendable {
    public var queue: QueueName
    /// In one of these states.
    public var states: Set<JobState>
    /// The reason they were buried for, or the error of their last attempt that did not end well, contains this text,
    /// byte for byte.
    public var error: String?
    /// Enqueued before this time, in milliseconds since 1970 UTC.
    public var enqueuedBefore: Timestamp?
    /// Buried at this time or later; jobs that are not buried are not selected then.
    public var buriedSince: Timestamp?

    /// - Parameter states: All, unless you say otherwise.
    public init(
        _ queue: QueueName, states: Set<JobState> = Set(JobState.allCases), error: String? = nil,
        enqueuedBefore: Timestamp? = nil, buriedSince: Timestamp? = nil
    ) {
        self.queue = queue
        self.states = states
        self.error = error
        self.enqueuedBefore = enqueuedBefore
        self.buriedSince = buriedSince
    }
}

/// What is done to the jobs of a selection.
public enum JobChange: Sendable {
    /// Ready again, with attempts and crashes back at 0.
    case kick
    /// Set aside, with this reason.
    case bury(reason: String)
    /// Gone for good.
    case delete

    /// The states that a job can be in for it; jobs in other states are left alone.
    public var states: Set<JobState> {
        switch self {
        case .kick: [.buried]
        case .bury: [.ready, .delayed, .leased]
        case .delete: Set(JobState.allCases)
        }
    }
}

/// Where a walk over the jobs of a selection stands. It only goes forward, and it meets no job that was enqueued after it
/// began, so it ends whatever happens to the jobs meanwhile.
public struct SelectionCursor: Sendable, Hashable {
    package let state: JobState
    /// The last job that was looked at, by the order of its state's table.
    package let position: Int64
    package let job: Int64
    /// The newest job when the walk began.
    package let newest: Int64

    package init(state: JobState, position: Int64 = .min, job: Int64 = .min, newest: Int64) {
        self.state = state
        self.position = position
        self.job = job
        self.newest = newest
    }
}

/// One step of a walk over the jobs of a selection.
public struct SelectionStep: Sendable {
    /// The jobs that met the conditions, or that were changed.
    public let jobs: [JobID]
    /// Where to go on; `nil` at the end.
    public let next: SelectionCursor?
    /// The beginning of the same walk: over the jobs that were there when it began.
    public let start: SelectionCursor

    package init(jobs: [JobID], next: SelectionCursor?, start: SelectionCursor) {
        self.jobs = jobs
        self.next = next
        self.start = start
    }
}
