/// How long a failed job waits before its next attempt, and how many attempts the worker allows.
public struct RetryPolicy: Sendable, Hashable {
    /// The longest wait of the default policy: 1 hour.
    public static let defaultCap = Backoff.afterError.longest

    private let backoff: Backoff
    /// The worker's limit of attempts: the smaller of it and the job's own `maxAttempts` applies. `nil` for no such
    /// limit.
    public let maxAttempts: Int?

    /// Waits that double from `base` up to `cap`, or to `base` if that is longer. Each is a random time between half of
    /// that and all of it ("equal jitter"), so that jobs that failed together do not retry together.
    public static func exponential(
        base: Duration = .seconds(1), cap: Duration = defaultCap, maxAttempts: Int? = nil
    ) -> RetryPolicy {
        RetryPolicy(backoff: Backoff(first: base, longest: cap, jitter: .half), maxAttempts: maxAttempts)
    }

    /// Waits the same time after each failure.
    public static func constant(_ delay: Duration, maxAttempts: Int? = nil) -> RetryPolicy {
        RetryPolicy(backoff: .constant(delay), maxAttempts: maxAttempts)
    }

    /// Retries at once.
    public static func immediate(maxAttempts: Int? = nil) -> RetryPolicy {
        RetryPolicy(backoff: .none, maxAttempts: maxAttempts)
    }

    /// The first failure buries the job.
    public static let never = RetryPolicy(backoff: .none, maxAttempts: 1)

    /// The wait after the given attempt (from 1) failed.
    public func delay(afterAttempt attempt: Int) -> Duration {
        backoff.delay(after: max(1, attempt))
    }

    /// The same with the caller's random numbers, for tests.
    package func delay(afterAttempt attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        backoff.delay(after: max(1, attempt), using: &generator)
    }
}
