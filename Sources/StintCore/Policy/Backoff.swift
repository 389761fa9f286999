/// How long to wait before the next try, depending on how many failed directly before it. All delays of Stint that grow
/// are values of this type.
///
/// | what failed | first | longest | jitter |
/// |---|---|---|---|
/// | a handler: it threw, or its command failed (``afterError``, the default of ``RetryPolicy``) | 1 s | 1 h | yes |
/// | the worker's process, because of the job (``afterCrash``) | 0 | 0 | no |
/// | the worker's process or lease, for an unknown reason (``afterLoss``; the first loss does not count) | 1 s | 1 h | no |
/// | a command or a worker process that could not start (``start``) | 100 ms | 30 s | no |
/// | a call to the store (``store``) | 100 ms | 5 s | no |
///
/// Each delay is twice as long as the one before, up to the longest.
package struct Backoff: Sendable, Hashable {
    package enum Jitter: Sendable, Hashable {
        case none
        /// A random time between half of the delay and all of it, so that jobs that failed together do not retry
        /// together.
        case half
    }

    package let first: Duration
    package let longest: Duration
    package let jitter: Jitter

    package init(first: Duration, longest: Duration, jitter: Jitter = .none) {
        self.first = first
        self.longest = max(first, longest)
        self.jitter = jitter
    }

    /// No delay.
    package static let none = constant(.zero)

    package static func constant(_ delay: Duration) -> Backoff { Backoff(first: delay, longest: delay) }

    // MARK: - The delays of jobs

    /// An error may be the fault of something else, such as a mail server, and time may heal it.
    package static let afterError = Backoff(first: .seconds(1), longest: .seconds(3_600), jitter: .half)
    /// A crash is the fault of the job, and waiting does not help. The limit of crashes ends it.
    package static let afterCrash = none
    /// A job that is lost again and again may use up all memory of its container. That cannot be proved.
    package static let afterLoss = Backoff(first: .seconds(1), longest: .seconds(3_600))

    // MARK: - The delays of workers

    package static let start = Backoff(first: .milliseconds(100), longest: .seconds(30))
    package static let store = Backoff(first: .milliseconds(100), longest: .seconds(5))

    // MARK: - The rule

    /// - Parameter failures: How many tries failed directly before the next one. After none there is no delay.
    package func delay(after failures: Int) -> Duration {
        var generator = SystemRandomNumberGenerator()
        return delay(after: failures, using: &generator)
    }

    /// The same with the caller's random numbers, for tests.
    package func delay(after failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        guard failures > 0 else { return .zero }
        // 2^40 times any first delay is above any longest one.
        let factor = 1 << min(failures - 1, 40)
        // Divides instead of multiplying: a product above the longest delay may overflow a duration.
        let full = first >= longest / factor ? longest : first * factor
        return switch jitter {
        case .none: full
        case .half: full * Double.random(in: 0.5...1, using: &generator)
        }
    }
}
