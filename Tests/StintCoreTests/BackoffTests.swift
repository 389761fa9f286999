import StintCore
import TestSupport
import Testing

@Suite("Backoff: how long to wait after failures in a row")
struct BackoffTests {
    private static let hour: Duration = .seconds(3_600)

    /// What failed; the delays after 0, 1, 2, 3, 4 and very many failures. Those with jitter are the longest possible.
    @Test(
        "every delay that grows is one of these",
        arguments: [
            ("a handler", .afterError, [0, 1_000, 2_000, 4_000, 8_000, 3_600_000]),
            ("a process, because of the job", .afterCrash, [0, 0, 0, 0, 0, 0]),
            ("a process, for an unknown reason", .afterLoss, [0, 1_000, 2_000, 4_000, 8_000, 3_600_000]),
            ("a start of a command or a worker", .start, [0, 100, 200, 400, 800, 30_000]),
            ("a call to the store", .store, [0, 100, 200, 400, 800, 5_000]),
            ("anything, without a delay", .none, [0, 0, 0, 0, 0, 0]),
            ("anything, with the same delay", .constant(.seconds(3)), [0, 3_000, 3_000, 3_000, 3_000, 3_000]),
        ] as [(String, Backoff, [Int])])
    func table(_ what: String, _ backoff: Backoff, _ milliseconds: [Int]) {
        var highest = HighestNumbers()
        let delays = [0, 1, 2, 3, 4, .max].map { backoff.delay(after: $0, using: &highest) }
        for (delay, expected) in zip(delays, milliseconds) {
            #expect(abs(delay / .milliseconds(1) - Double(expected)) < 1, "\(what): \(delays)")
        }
    }

    @Test("jitter takes away up to a half")
    func jitter() {
        var generator = SeededGenerator(seed: 7)
        let waits = (1...100).map { _ in Backoff.afterError.delay(after: 5, using: &generator) / .seconds(1) }
        #expect(waits.allSatisfy { (8...16).contains($0) })
        #expect(Set(waits).count > 90, "two jobs that failed together do not come back together")
    }

    @Test("a longest delay below the first one counts as the first one")
    func longBase() {
        let backoff = Backoff(first: .seconds(36_500 * 86_400), longest: .seconds(1))
        #expect([1, 37, Int.max].map(backoff.delay(after:)) == Array(repeating: backoff.first, count: 3))
    }

    @Test("a counter counts failures until it is reset")
    func counter() {
        var counter = BackoffCounter(.store)
        #expect(
            (1...8).map { _ in counter.next() }
                == [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].map { .milliseconds($0) })
        #expect(counter.failures == 8)
        counter.reset()
        #expect(counter.next() == .milliseconds(100))
    }
}

/// Random numbers that make every jitter as small as possible.
private struct HighestNumbers: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
}
