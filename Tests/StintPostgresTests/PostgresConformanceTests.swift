import PostgresSupport
import StintCore
import StoreConformance
import TestSupport
import Testing

@testable import StintPostgres

@Suite("The PostgreSQL store passes every scenario")
struct PostgresConformanceTests {
    @Test(arguments: Scenario.all())
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
