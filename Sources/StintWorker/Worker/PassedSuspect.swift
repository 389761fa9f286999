import Logging
import StintCore

/// A suspect whose turn it was, and that had to stay where it is since others ran in the worker's process.
struct PassedSuspect {
    let job: JobID
    let since: ContinuousClock.Instant
    /// It was claimed when the process was empty, and another worker of it was quicker to start a job.
    var wasGivenBack = false
    /// Nothing is started until the process is empty.
    var isMakingRoom = false
    /// When it was last seen to be ready still.
    var lastLook: ContinuousClock.Instant?
}
