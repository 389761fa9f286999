import Logging
import ServiceLifecycle
import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// How a ``Supervisor`` treats its workers.
public struct SupervisorOptions: Sendable {
    /// How many processes.
    public var workers = 1
    /// How long handlers may go on after the order to stop; workers that need longer to end are killed.
    public var gracePeriod: Duration = .seconds(30)
    /// How long a worker may take until it is ready; then it is killed and replaced.
    public var startupTimeout: Duration = .seconds(30)
    /// How long a worker may be silent; then it hangs, and is killed and replaced. Handlers that block all threads of
    /// Swift's pool make it silent, and keep it from extending its leases.
    public var heartbeatTimeout: Duration = .seconds(30)
    /// The most memory for data that a worker process may have, in bytes (`RLIMIT_DATA`); what it allocates past it fails.
    public var memoryLimit: Int64?
    /// What the workers are started with; by default what this process was started with.
    public var arguments = Array(CommandLine.arguments.dropFirst())

    public init() {}

    /// How often a worker says that it is awake: a word may be lost.
    var beatInterval: Duration { min(heartbeatTimeout / 4, .seconds(10)) }
}
