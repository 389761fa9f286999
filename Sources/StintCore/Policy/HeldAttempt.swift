/// The counts and limits of a leased job, as the rules need them. `attempts` includes the current one.
package struct HeldAttempt: Sendable, Hashable {
    package var attempts: Int64
    package var crashes: Int64
    package var maxAttempts: Int64
    package var maxCrashes: Int64
    /// Whether it runs alone.
    package var isSuspect: Bool
    /// The attempts without the current one, which was not started.
    var unstarted: Int64 { max(0, attempts - 1) }

    package init(attempts: Int64, crashes: Int64, maxAttempts: Int64, maxCrashes: Int64, isSuspect: Bool) {
        self.attempts = attempts
        self.crashes = crashes
        self.maxAttempts = maxAttempts
        self.maxCrashes = maxCrashes
        self.isSuspect = isSuspect
    }
}
