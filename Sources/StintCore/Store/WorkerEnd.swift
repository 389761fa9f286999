/// How a worker came to its end.
public enum WorkerEnd: Sendable, Hashable {
    /// By itself, or killed by somebody. The text completes "worker host:pid …".
    case died(String, AttemptDiagnostics?)
    /// Their supervisor has died too, as in a container that is killed: no job is blamed.
    case diedWithSupervisor
    /// They are dead, and it may have been their machine or their container that ended: no job is blamed.
    case diedWithMachine
    /// By order, with jobs that it did not finish.
    case stopped
}
