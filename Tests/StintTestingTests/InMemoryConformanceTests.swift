import StintCore
import StoreConformance
import Testing

@testable import StintTesting

@Suite("The in-memory store passes every scenario")
struct InMemoryConformanceTests {
    @Test(arguments: Scenario.all)
    func scenario(_ scenario: Scenario) async throws {
        let store = InMemoryStore()
        let stage = Stage(store, clock: store.manualClock) { worker in
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
