/// Counts failures in a row and says how long to wait after each.
package struct BackoffCounter: Sendable {
    package let backoff: Backoff
    package private(set) var failures = 0

    package init(_ backoff: Backoff) {
        self.backoff = backoff
    }

    /// How long to wait after one more failure.
    package mutating func next() -> Duration {
        failures += 1
        return backoff.delay(after: failures)
    }

    package mutating func reset() { failures = 0 }
}
