import PostgresSupport
import StintCore
import StoreConformance
import TestSupport
import Testing

@testable import StintPostgres

@Suite("The PostgreSQL store passes the scenarios of what it has")
struct PostgresConformanceTests {
    private static let groups: [Scenario.Group] = [.enqueue, .claim, .settle, .lease, .suspect, .end, .limit, .digest]

    @Test(arguments: Scenario.of(groups, []))
    func scenario(_ scenario: Scenario) async throws {
        let clock = TestClock()
        let store = try await PostgresStore.open(PostgresCluster.shared.database(), clock: clock)
        let stage = Stage(store, clock: clock) { _ in
            Issue.record("it does not know what lives")
        } death: { _ in
            Issue.record("it does not know what lives")
        }
        try await scenario.run(stage)
        await store.close()
    }
}
