import Foundation
import Synchronization
import Testing

/// Gives each test of a suite a ``Workplace``, and runs no more tests at once than the machine has cores. Each test
/// starts several processes, and a process that hardly gets a core keeps no lease.
struct OwnFolder: TestTrait, SuiteTrait, TestScoping {
    let isRecursive = true

    /// Of all suites that have this trait.
    private static let turns = Turns(ProcessInfo.processInfo.activeProcessorCount)

    func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? {
        testCase == nil ? nil : self
    }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        await Self.turns.begin()
        defer { Self.turns.end() }
        let place = try Workplace()
        defer { place.remove() }
        try await Workplace.$current.withValue(place) { try await function() }
    }
}

extension Trait where Self == OwnFolder {
    static var inOwnFolder: Self { Self() }
}

/// A semaphore whose waiters suspend and do not block.
private final class Turns: Sendable {
    private let state: Mutex<(free: Int, waiting: [CheckedContinuation<Void, Never>])>

    init(_ count: Int) { state = Mutex((count, [])) }

    func begin() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func end() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
