/// The state that a leased job moves to when its holder settles it or is gone. Pure rules: a store applies them and
/// decides nothing by itself.
///
/// | what happened | the job | attempts | crashes |
/// |---|---|---|---|
/// | ack | done | | |
/// | release, a claim that did not start | ready after the delay | − 1 | same |
/// | suspect | ready, runs alone next | − 1 | same |
/// | fail | ready after the delay, or buried at `maxAttempts` | same | same |
/// | crash, blamed | the same, or buried at `maxCrashes` | same | + 1 |
/// | lost | ready after a delay that grows with each loss | − 1 | same |
/// | bury | buried | same | same |
/// | expire, its time was over before its start | expired | − 1 | same |
/// | refuse, its holder has no handler for it | ready after a delay that grows, then buried | − 1 | same |
///
/// An attempt counts from its claim, so "same" has used it up, and "− 1" gives it back.
public struct Transition: Sendable, Hashable {
    public enum Destination: Sendable, Hashable {
        /// Done: deleted, or kept for the retention of its queue.
        case done
        /// Ready, or delayed if the delay is above zero.
        case waiting(after: Duration, attempts: Int64, crashes: Int64, isSuspect: Bool)
        /// Set aside, with the reason for people.
        case buried(reason: String, attempts: Int64, crashes: Int64)
        /// Over, since its time was over before its start.
        case expired(reason: String, attempts: Int64, crashes: Int64)
    }

    /// What is stored about an attempt that did not succeed.
    public struct Failure: Sendable, Hashable {
        public let kind: JobFailure.Kind
        public let error: String

        public init(kind: JobFailure.Kind, error: String) {
            self.kind = kind
            self.error = error
        }
    }

    public let destination: Destination
    /// What to add to the job's history; `nil` for nothing.
    public var failure: Failure?

    private init(_ destination: Destination, _ failure: Failure? = nil) {
        self.destination = destination
        self.failure = failure
    }

    /// The holder has settled the job.
    ///
    /// - Parameters:
    ///   - maxAttempts: The worker's limit of attempts, if it is lower than the job's own.
    ///   - refusedFor: How long ago the job was first refused, without another outcome since; `nil` if the last outcome
    ///     was another one.
    public static func after(
        _ outcome: Settlement.Outcome, _ attempt: HeldAttempt, maxAttempts: Int? = nil, refusedFor: Duration? = nil
    ) -> Transition {
        switch outcome {
        case .ack: Transition(.done)
        case .release(let delay): givenBack(attempt, after: delay)
        case .suspect: givenBack(attempt, isSuspect: true)
        case .fail(let error, let delay):
            Transition(
                retry(attempt, crashes: attempt.crashes, error, after: delay, maxAttempts),
                Failure(kind: .failed, error: error))
        case .crash(let error, let delay):
            Transition(
                retry(attempt, crashes: attempt.crashes + 1, error, after: delay, maxAttempts),
                Failure(kind: .crashed, error: error))
        case .bury(let reason):
            Transition(
                .buried(reason: reason, attempts: attempt.attempts, crashes: attempt.crashes),
                Failure(kind: .buried, error: reason))
        case .expire:
            Transition(
                .expired(
                    reason: expiryReason(attempts: attempt.unstarted), attempts: attempt.unstarted,
                    crashes: attempt.crashes))
        case .refuse(let reason, let delay, let patience):
            refused(attempt, reason, after: delay, for: refusedFor, patience)
        }
    }

    /// The longest delay between two refusals, unless the worker asks for a longer one.
    private static let longestRefusal: Duration = .seconds(60)

    /// Half of the time so far: a job of a kind that no worker knows yet costs few claims, and one that a worker of the
    /// new version knows starts soon.
    private static func refused(
        _ attempt: HeldAttempt, _ reason: String, after delay: Duration, for soFar: Duration?, _ patience: Duration
    ) -> Transition {
        if soFar ?? .zero >= patience {
            let reason = patience > .zero ? "\(reason); no worker had one for \(patience)" : reason
            return Transition(
                .buried(reason: reason, attempts: attempt.unstarted, crashes: attempt.crashes),
                Failure(kind: .buried, error: reason))
        }
        guard let soFar else {
            var first = givenBack(attempt, after: delay)
            first.failure = Failure(kind: .refused, error: reason)
            return first
        }
        return givenBack(attempt, after: max(delay, min(soFar / 2, longestRefusal)))
    }

    /// Why a job whose time is over was not started.
    public static func expiryReason(attempts: Int64) -> String {
        attempts == 0
            ? "its time was over before it was started" : "its time was over before its next attempt was started"
    }

    /// The holder or its lease has ended.
    ///
    /// - Parameters:
    ///   - failure: What is stored if the job is blamed or was lost.
    ///   - earlierLosses: How often the job was lost directly before this, without another outcome between.
    public static func after(
        _ ending: CrashAttribution.Ending, _ start: CrashAttribution.Start, _ attempt: HeldAttempt, _ failure: Failure,
        earlierLosses: @autoclosure () throws -> Int, maxAttempts: Int? = nil
    ) rethrows -> Transition {
        switch CrashAttribution.blame(ending, start, isSuspect: attempt.isSuspect) {
        case .free: return givenBack(attempt)
        case .suspect: return givenBack(attempt, isSuspect: true)
        case .lost:
            let next = CrashAttribution.afterLoss(ending, earlierLosses: try earlierLosses())
            var transition = givenBack(attempt, after: next.delay, isSuspect: next.isSuspect)
            // Not blamed, although its worker died by itself.
            transition.failure = Failure(kind: failure.kind == .crashed ? .lost : failure.kind, error: failure.error)
            return transition
        case .culprit:
            let crashes = attempt.crashes + 1
            let delay = Backoff.afterCrash.delay(after: Int(clamping: crashes))
            return Transition(retry(attempt, crashes: crashes, failure.error, after: delay, maxAttempts), failure)
        }
    }

    private static func givenBack(
        _ attempt: HeldAttempt, after delay: Duration = .zero, isSuspect: Bool = false
    ) -> Transition {
        Transition(
            .waiting(
                after: delay, attempts: attempt.unstarted, crashes: attempt.crashes,
                isSuspect: attempt.isSuspect || isSuspect))
    }

    private static func retry(
        _ attempt: HeldAttempt, crashes: Int64, _ error: String, after delay: Duration, _ maxAttempts: Int?
    ) -> Destination {
        func buried(_ why: String) -> Destination {
            .buried(reason: "\(why), last: \(error)", attempts: attempt.attempts, crashes: crashes)
        }
        if crashes >= attempt.maxCrashes {
            return buried("crashed \(crashes) times (at most \(attempt.maxCrashes) allowed)")
        }
        if let maxAttempts, attempt.attempts >= maxAttempts, attempt.attempts < attempt.maxAttempts {
            return buried("no attempts left (\(attempt.attempts) of the worker's \(maxAttempts))")
        }
        if attempt.attempts >= attempt.maxAttempts {
            return buried("no attempts left (\(attempt.attempts) of \(attempt.maxAttempts))")
        }
        return .waiting(after: delay, attempts: attempt.attempts, crashes: crashes, isSuspect: false)
    }
}
