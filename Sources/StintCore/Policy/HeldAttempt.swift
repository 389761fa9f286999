/// A leased job as far as rules need it: what it has used up, with the attempt that is under way, and what it may.
package struct HeldAttempt: Sendable, Hashable {
    package var attempts: Int64
    package var crashes: Int64
    package var maxAttempts: Int64
    package var maxCrashes: Int64
    /// It runs alone.
    package var isSuspect: Bool

    package init(attempts: Int64, crashes: Int64, maxAttempts: Int64, maxCrashes: Int64, isSuspect: Bool) {
        self.attempts = attempts
        self.crashes = crashes
        self.maxAttempts = maxAttempts
        self.maxCrashes = maxCrashes
        self.isSuspect = isSuspect
    }
}
