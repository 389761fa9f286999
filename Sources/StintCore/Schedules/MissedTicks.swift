/// What becomes of the ticks of a time in which nothing ticked: no worker ran, or the machine was off.
public enum MissedTicks: String, Sendable, Hashable, Codable, CaseIterable {
    /// Nothing: a tick that comes more than ``Schedule/tolerance`` too late makes no job.
    case skip
    /// One job for all of them.
    case once
    /// A job for each of them.
    case all
}
