/// The outcome of an attempt, with the lease of the job's holder.
public struct Settlement: Sendable {
    public let lease: Lease
    public let outcome: Outcome
    /// Jobs to enqueue in the same transaction, if and only if the lease is still valid.
    public let followUps: [NewJob]
    /// Diagnostics of the process that ran the attempt; stored if the attempt failed, crashed or was buried.
    public let diagnostics: AttemptDiagnostics?
    /// The worker's limit of attempts, if it is lower than the job's own `maxAttempts`. It applies to failures and
    /// crashes.
    public let maxAttempts: Int?
    /// The priority that the job has from now on, unless it is done; `nil`: the same as before.
    public let priority: UInt32?

    public init(
        _ lease: Lease, _ outcome: Outcome, followUps: [NewJob] = [], diagnostics: AttemptDiagnostics? = nil,
        maxAttempts: Int? = nil, priority: UInt32? = nil
    ) {
        self.lease = lease
        self.outcome = outcome
        self.followUps = followUps
        self.diagnostics = diagnostics
        self.maxAttempts = maxAttempts
        self.priority = priority
    }

    public enum Outcome: Sendable, Hashable {
        /// Done: the job never runs again.
        case ack
        /// Ready again after the delay, and the attempt does not count: it was not started, or stopped in an orderly
        /// way.
        case release(after: Duration)
        /// Its process died while it ran other jobs too, so the cause is unknown: ready again at once, at no cost, and
        /// run alone next.
        case suspect
        /// The attempt failed: ready again after the delay, or buried when no attempts are left.
        case fail(error: String, retryAfter: Duration)
        /// The process that ran it died: as `fail`, and it counts towards `maxCrashes` too.
        case crash(error: String, retryAfter: Duration)
        /// Set aside until a person looks at it.
        case bury(reason: String)
        /// Its time was over before it was started: it has expired, and the attempt does not count.
        case expire
        /// The holder has no handler for this kind of job: ready again after the delay, or after longer ones as the
        /// refusals go on, and the attempt does not count. It is buried once it was refused for `patience`, without
        /// another outcome between; zero buries it at once.
        case refuse(reason: String, retryAfter: Duration, patience: Duration)

        /// Whether its attempt ran, so that it had a run time.
        public var hasRun: Bool {
            switch self {
            case .ack, .fail, .crash, .bury: true
            case .release, .suspect, .expire, .refuse: false
            }
        }
    }

    /// Derives the result of a settlement whose transaction had an unknown outcome from the job's state afterwards.
    ///
    /// - Parameters:
    ///   - isHeld: Whether its lease is still valid.
    ///   - state: The job's state; `nil` if it does not exist any more.
    /// - Returns: `nil` if nothing was changed: settle it again.
    package func answer(isHeld: Bool, state: JobState?) -> Answer? {
        if isHeld { return nil }
        switch (outcome, state) {
        // An acknowledged job is gone, or kept as done.
        case (.ack, .done?), (.ack, nil): return .settled(.done)
        case (.ack, _): return .leaseLost
        case (.bury, .buried?), (.refuse, .buried?): return .settled(.buried)
        // An expired job is gone, or kept as expired.
        case (.expire, .expired?), (.expire, nil): return .settled(.expired)
        case (.expire, _): return .leaseLost
        case (.fail, .buried?), (.crash, .buried?): return .settled(.buried)
        case (.fail, .delayed?), (.crash, .delayed?), (.release, .delayed?), (.refuse, .delayed?):
            return .settled(.delayed)
        case (.fail, .ready?), (.crash, .ready?), (.release, .ready?), (.suspect, .ready?): return .settled(.ready)
        // It was ready at once, and has been claimed or changed since.
        case (.fail, _), (.crash, _), (.release, _), (.suspect, _), (.refuse, _): return .settled(.ready)
        case (.bury, _): return .leaseLost
        }
    }

    /// The store's result for a settlement.
    public enum Answer: Sendable, Hashable {
        /// The job is now in this state.
        case settled(JobState)
        /// The lease was not valid any more: nothing was changed, no follow-up was enqueued.
        case leaseLost
    }
}
