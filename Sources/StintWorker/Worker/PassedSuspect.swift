import StintCore

/// A suspect that was skipped because others ran in the worker's process.
struct PassedSuspect {
    let job: JobID
    let since: ContinuousClock.Instant
    /// It was claimed when the process was idle, but another worker of the process started a job first.
    var wasGivenBack = false
    /// Nothing is started until the process is idle.
    var isMakingRoom = false
    /// When it was last seen still ready.
    var lastLook: ContinuousClock.Instant?
}
