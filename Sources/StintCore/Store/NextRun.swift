/// When a claim may find a job, by the wall clock of the store: ``NextReady`` before it is a duration.
package enum NextRun: Hashable {
    case now
    /// May be past.
    case at(Timestamp)
    case unknown

    /// - Parameter now: The wall clock.
    package func answer(at now: Timestamp) -> NextReady {
        switch self {
        case .now: .now
        case .at(let time): time <= now ? .now : .after(.milliseconds(time &- now))
        case .unknown: .unknown
        }
    }
}
