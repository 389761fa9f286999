/// The counts and limits of a leased job, as ``Transition`` needs them. `attempts` includes the current one.
public struct HeldAttempt: Sendable, Hashable {
    public var attempts: Int64
    public var crashes: Int64
    public var maxAttempts: Int64
    public var maxCrashes: Int64
    /// Whether it runs alone.
    public var isSuspect: Bool
    /// The attempts without the current one, which was not started.
    var unstarted: Int64 { max(0, attempts - 1) }

    public init(attempts: Int64, crashes: Int64, maxAttempts: Int64, maxCrashes: Int64, isSuspect: Bool) {
        self.attempts = attempts
        self.crashes = crashes
        self.maxAttempts = maxAttempts
        self.maxCrashes = maxCrashes
        self.isSuspect = isSuspect
    }
}
