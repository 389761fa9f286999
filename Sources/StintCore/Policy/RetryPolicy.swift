/// How long a failed job waits before its next attempt, and how many attempts the worker grants.
public struct RetryPolicy: Sendable, Hashable {
    /// The longest wait of the default policy.
    public static let defaultCap: Duration = .seconds(3_600)

    private enum Shape: Sendable, Hashable {
        case none
        case constant(Duration)
        case exponential(base: Duration, cap: Duration)
    }

    private let shape: Shape
    /// Fewer attempts than the job's own `maxAttempts`, if not `nil`.
    public let maxAttempts: Int?

    /// Doubling from `base` up to `cap` (or `base`, where that is longer), each wait between half of that and all of it at random ("equal jitter"), so
    /// that jobs that failed together do not come back together.
    public static func exponential(
        base: Duration = .seconds(1), cap: Duration = defaultCap, maxAttempts: Int? = nil
    ) -> RetryPolicy {
        RetryPolicy(shape: .exponential(base: base, cap: max(base, cap)), maxAttempts: maxAttempts)
    }

    public static func constant(_ delay: Duration, maxAttempts: Int? = nil) -> RetryPolicy {
        RetryPolicy(shape: .constant(delay), maxAttempts: maxAttempts)
    }

    /// Again at once.
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

    /// The same with the caller's source of chance, for tests.
    public func delay(afterAttempt attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        switch shape {
        case .none: return .zero
        case .constant(let delay): return delay
        case .exponential(let base, let cap):
            let factor = 1 << min(max(attempt - 1, 0), 40)
            // Divided and not multiplied: a product past the cap may be past the range of a duration.
            let full = base >= cap / factor ? cap : base * factor
            return full * Double.random(in: 0.5...1, using: &generator)
        }
    }
}
