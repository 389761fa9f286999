/// How a worker ended.
public enum WorkerEnd: Sendable, Hashable {
    /// It died or was killed. The text completes "worker host:pid …".
    case died(String, AttemptDiagnostics?)
    /// Its supervisor died too, as in a container that is killed: no job is blamed.
    case diedWithSupervisor
    /// It is dead, and perhaps its machine or its container ended: no job is blamed.
    case diedWithMachine
    /// It was ordered to stop and did not finish its jobs.
    case stopped
}
