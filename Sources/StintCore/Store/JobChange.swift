/// A change to the jobs of a selection.
public enum JobChange: Sendable {
    /// Make ready again, with attempts and crashes reset to 0.
    case kick
    /// Bury with this reason.
    case bury(reason: String)
    /// End for good with this reason; see `JobStore.cancel(_:reason:)`.
    case cancel(reason: String)
    /// Delete permanently.
    case delete

    /// The states that this change applies to; jobs in other states are not changed.
    public var states: Set<JobState> {
        Set(JobState.allCases.filter(applies(to:)))
    }

    private func applies(to state: JobState) -> Bool {
        switch (self, state) {
        case (.kick, .buried), (.bury, .ready), (.bury, .delayed), (.bury, .leased): true
        case (.kick, .ready), (.kick, .delayed), (.kick, .leased), (.kick, .done): false
        case (.kick, .cancelled), (.kick, .expired): false
        case (.bury, .buried), (.bury, .done), (.bury, .cancelled), (.bury, .expired): false
        case (.cancel, .ready), (.cancel, .delayed), (.cancel, .leased), (.cancel, .buried): true
        case (.cancel, .done), (.cancel, .cancelled), (.cancel, .expired): false
        case (.delete, _): true
        }
    }
}
