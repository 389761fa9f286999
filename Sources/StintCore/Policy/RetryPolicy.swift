/// How long a failed job waits before its next attempt, and how many attempts the worker allows.
public struct RetryPolicy: Sendable, Hashable {
    /// The longest wait of the default policy: 1 hour.
    public static let defaultCap: Duration = .seconds(3_600)

    private enum Shape: Sendable, Hashable {
        case none
        case constant(Duration)
        case exponential(base: Duration, cap: Duration)
    }

    private let shape: Shape
    /// The worker's limit of attempts: the smaller of it and the job's own `maxAttempts` applies. `nil` for no such
    /// limit.
    public let maxAttempts: Int?

    /// Waits that double from `base` up to `cap`, or to `base` if that is longer. Each is a random time between half of
    /// that and all of it ("equal jitter"), so that jobs that failed together do not retry together.
    public static func exponential(
        base: Duration = .seconds(1), cap: Duration = defaultCap, maxAttempts: Int? = nil
    ) -> RetryPolicy {
        RetryPolicy(shape: .exponential(base: base, cap: max(base, cap)), maxAttempts: maxAttempts)
    }

    /// Waits the same time after each failure.
    public static func constant(_ delay: Duration, maxAttempts: Int? = nil) -> RetryPolicy {
        RetryPolicy(shape: .constant(delay), maxAttempts: maxAttempts)
    }

    /// Retries at once.
    public static func immediate(maxAttempts: Int? = nil) -> RetryPolicy {
        RetryPolicy(shape: .none, maxAttempts: maxAttempts)
    }

    /// The first failure buries the job.
    public static let never = RetryPolicy(shape: .none, maxAttempts: 1)

    /// The wait after the given attempt (from 1) failed.
    public func delay(afterAttempt attempt: Int) -> Duration {
        var generator = SystemRandomNumberGenerator()
        return delay(afterAttempt: attempt, using: &generator)
    }

    /// The same with the caller's random numbers, for tests.
    public func delay(afterAttempt attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        switch shape {
        case .none: return .zero
        case .constant(let delay): return delay
        case .exponential(let base, let cap):
            let factor = 1 << min(max(attempt - 1, 0), 40)
            // Divides instead of multiplying: a product above the cap may overflow a duration.
            let full = base >= cap / factor ? cap : base * factor
            return full * Double.random(in: 0.5...1, using: &generator)
        }
    }
}
