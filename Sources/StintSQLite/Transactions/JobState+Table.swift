import StintCore

/// Where the jobs of a state are: each state has a table of its own, with the column `job_id`. The only place that maps
/// states to tables.
extension JobState {
    var table: String {
        switch self {
        case .ready: "stint_ready"
        case .delayed: "stint_delayed"
        case .leased: "stint_leased"
        case .buried: "stint_buried"
        case .done: "stint_done"
        case .cancelled: "stint_cancelled"
        case .expired: "stint_expired"
        }
    }

    /// Whether the table has the column `suspect`: only jobs that may yet run can be suspects.
    var hasSuspects: Bool { isUnfinished }
}
