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
