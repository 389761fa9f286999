/// What the tables of the stores have for each state.
extension JobState {
    /// The column that orders the jobs of a queue in this state; `nil`: their ids do.
    package var orderColumn: String? {
        switch self {
        case .ready: "priority"
        case .delayed: "run_at"
        case .leased: nil
        case .buried: "burial"
        case .done: "done_at"
        case .cancelled: "cancelled_at"
        case .expired: "expired_at"
        }
    }

    /// Whether the table has the column `reason`.
    package var hasReason: Bool {
        switch self {
        case .buried, .cancelled, .expired: true
        case .ready, .delayed, .leased, .done: false
        }
    }
}

extension QueryPlan.Scope {
    /// The column that orders the jobs of a part, before their ids; `s` is the table of their state.
    package func orderColumn(of state: JobState) -> String? {
        switch (self, state) {
        case (.all, _), (.queue, _): state.orderColumn.map { "s.\($0)" }
        case (.group, .ready): "s.priority"
        // As its index has it.
        case (.group, .delayed): "s.holds_group"
        case (.group, .buried): "s.burial"
        case (.group, _): nil
        case (.errors, _): "s.queue_id"
        case (.job, _): nil
        }
    }
}
