import StintCore
import StoreConformance
import TestSupport
import Testing

@testable import StintTesting

/// It never survives a reboot, so what is about boots does not apply to it.
@Suite("The in-memory store passes every scenario")
struct InMemoryConformanceTests {
    @Test(arguments: Scenario.all(.provesDeaths))
    func scenario(_ scenario: Scenario) async throws {
        try await run(scenario, provesDeaths: true)
    }

    @Test(
        "also if it cannot know which workers live, like one whose workers are on other machines",
        arguments: Scenario.all())
    func withoutProofs(_ scenario: Scenario) async throws {
        try await run(scenario, provesDeaths: false)
    }

    private func run(_ scenario: Scenario, provesDeaths: Bool) async throws {
        let clock = TestClock()
        let store = InMemoryStore(provesDeaths: provesDeaths) {
            let now = clock.now()
            return StoreTime(wall: now.wall, monotonic: now.monotonic)
        } moveClock: {
            clock.advance(by: $0)
        }
        let stage = Stage(store, clock: clock) { worker in
            store.change { state, _ in
                state.workers[worker]!.liveness = .unknown
                state.workers[worker]!.scoreboard.lose()
            }
        } death: { worker in
            store.change { state, _ in state.workers[worker]!.liveness = .dead }
        }
        try await scenario.run(stage)
    }
}

@Suite("A queue in memory that is closed")
struct ClosedInMemoryTests {
    @Test("refuses every call, and ends all wake-ups")
    func refusals() async throws {
        try await ClosedStore.expectRefusals(of: InMemoryStore())
    }
}
