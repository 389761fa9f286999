/// A change to the jobs of a selection.
public enum JobChange: Sendable {
    /// Make ready again, with attempts and crashes reset to 0.
    case kick
    /// Bury with this reason.
    case bury(reason: String)
    /// Delete permanently.
    case delete

    /// The states that this change applies to; jobs in other states are not changed.
    public var states: Set<JobState> {
        switch self {
        case .kick: [.buried]
        case .bury: [.ready, .delayed, .leased]
        case .delete: Set(JobState.allCases)
        }
    }
}
