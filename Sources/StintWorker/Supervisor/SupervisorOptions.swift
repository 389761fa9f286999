import StintCore

/// How a ``Supervisor`` treats its workers.
public struct SupervisorOptions: Sendable {
    /// How many worker processes.
    public var workers = 1
    /// How long handlers may continue after the order to stop. Workers that need longer to end are killed.
    public var gracePeriod: Duration = .seconds(30)
    /// How long a worker may take to become ready. After that it is killed and replaced.
    public var startupTimeout: Duration = .seconds(30)
    /// How long a worker may go without a heartbeat. After that it counts as hanging, and is killed and replaced.
    /// Handlers that block all threads of Swift's pool stop heartbeats and the extension of leases.
    public var heartbeatTimeout: Duration = .seconds(30)
    /// The most memory for data that a worker process may have, in bytes (`RLIMIT_DATA`); allocations beyond it fail.
    /// `nil` for no limit.
    public var memoryLimit: Int64?
    /// The arguments of the workers; by default those of this process.
    public var arguments = Array(CommandLine.arguments.dropFirst())
    /// Variables that the worker processes have besides those of this process.
    public var variables: [String: String] = [:]

    /// Whether the supervisor writes to the store for its workers. `nil`: only if that helps. Set by tests and the benchmark.
    package var sharesWriter: Bool?

    public init() {}

    /// How often a worker sends a heartbeat: several times within the timeout, since one may be lost.
    var beatInterval: Duration { min(heartbeatTimeout / 4, .seconds(10)) }
}
