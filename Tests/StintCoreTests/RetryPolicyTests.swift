import StintCore
import TestSupport
import Testing

@Suite("Retry policies")
struct RetryPolicyTests {
    @Test("the exponential wait doubles, has jitter of a half, and ends at the cap")
    func exponential() {
        var generator = SeededGenerator(seed: 7)
        let policy = RetryPolicy.exponential()
        for attempt in 1...1_000 {
            let full = min(3_600, Double(1 << min(attempt - 1, 40)))
            let wait = policy.delay(afterAttempt: attempt, using: &generator) / .seconds(1)
            #expect(wait >= full / 2 - 0.001 && wait <= full + 0.001, "attempt \(attempt)")
        }
    }

    @Test("a base longer than the cap, or as long as can be, is no trap")
    func longBase() {
        var generator = SeededGenerator(seed: 7)
        for attempt in [1, 37, Int.max] {
            let wait = RetryPolicy.exponential(base: .seconds(36_500 * 86_400)).delay(
                afterAttempt: attempt, using: &generator)
            #expect(wait >= .seconds(36_500 * 43_200) && wait <= .seconds(36_500 * 86_400))
        }
    }

    @Test("two jobs that failed together do not come back together")
    func jitter() {
        var generator = SeededGenerator(seed: 7)
        let waits = (1...100).map { _ in RetryPolicy.exponential().delay(afterAttempt: 5, using: &generator) }
        #expect(Set(waits).count > 90)
    }

    @Test("constant and immediate policies wait as they say")
    func constant() {
        #expect(RetryPolicy.constant(.seconds(3)).delay(afterAttempt: 9) == .seconds(3))
        #expect(RetryPolicy.immediate().delay(afterAttempt: 9) == .zero)
        #expect(RetryPolicy.never.maxAttempts == 1)
    }
}
