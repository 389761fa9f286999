/// The holder's word about a claimed job, with the lease that gives it the right to speak.
public struct Settlement: Sendable {
    public let lease: Lease
    public let outcome: Outcome
    /// Jobs to enqueue in the same transaction, if and only if the lease still stands.
    public let followUps: [NewJob]
    /// What is known of the process that ran the attempt; kept where the attempt failed, crashed or was buried.
    public let diagnostics: AttemptDiagnostics?
    /// How many attempts the worker grants the job, where that is fewer than the job's own `maxAttempts`. It counts for
    /// failures and crashes.
    public let maxAttempts: Int?

    public init(
        _ lease: Lease, _ outcome: Outcome, followUps: [NewJob] = [], diagnostics: AttemptDiagnostics? = nil, maxAttempts: Int? = nil
    ) {
        self.lease = lease
        self.outcome = outcome
        self.followUps = followUps
        self.diagnostics = diagnostics
        self.maxAttempts = maxAttempts
    }

    public enum Outcome: Sendable, Hashable {
        /// Done: the job never runs again.
        case ack
        /// Back to ready after the delay, and the attempt does not count: it was not started, or stopped in an orderly way.
        case release(after: Duration)
        /// Its process died while others ran in it too, and nobody knows which was the cause: ready again at once, at no
        /// cost, and run alone next.
        case suspect
        /// The attempt failed: ready again after the delay, or buried when no attempts are left.
        case fail(error: String, retryAfter: Duration)
        /// The process that ran it died: as `fail`, and it counts towards `maxCrashes` too.
        case crash(error: String, retryAfter: Duration)
        /// Set aside for a person.
        case bury(reason: String)
    }

    /// What became of a settlement whose transaction had an unknown outcome, by what is found afterwards.
    ///
    /// - Parameters:
    ///   - isHeld: Whether its lease still stands.
    ///   - state: The job's own state; `nil`: it is not there any more.
    /// - Returns: `nil` where nothing has happened, so that it is to be settled again.
    package func answer(isHeld: Bool, state: JobState?) -> Answer? {
        if isHeld { return nil }
        switch (outcome, state) {
        // An acknowledged job is gone, or kept as done.
        case (.ack, .done?), (.ack, nil): return .settled(.done)
        case (.ack, _): return .leaseLost
        case (.bury, .buried?): return .settled(.buried)
        case (.fail, .buried?), (.crash, .buried?): return .settled(.buried)
        case (.fail, .delayed?), (.crash, .delayed?), (.release, .delayed?): return .settled(.delayed)
        case (.fail, .ready?), (.crash, .ready?), (.release, .ready?), (.suspect, .ready?): return .settled(.ready)
        // Ready at once, and another has claimed it by now, or done more with it.
        case (.fail, _), (.crash, _), (.release, _), (.suspect, _): return .settled(.ready)
        case (.bury, _): return .leaseLost
        }
    }

    /// What the store says to a settlement.
    public enum Answer: Sendable, Hashable {
        /// The job is now in this state.
        case settled(JobState)
        /// The lease no longer stood: nothing was changed, no follow-up was enqueued.
        case leaseLost
    }
}
