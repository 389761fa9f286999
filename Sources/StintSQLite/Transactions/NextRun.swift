import StintCore

/// When a claim may find a job, by the wall clock of this machine: ``NextReady`` before it is a duration.
enum NextRun: Hashable {
    case now
    /// May be past.
    case at(Timestamp)
    case unknown

    /// - Parameter now: The wall clock.
    func answer(at now: Timestamp) -> NextReady {
        switch self {
        case .now: .now
        case .at(let time): time <= now ? .now : .after(.milliseconds(time &- now))
        case .unknown: .unknown
        }
    }
}
