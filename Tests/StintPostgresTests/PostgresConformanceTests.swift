import PostgresSupport
import StintCore
import StintRunFiles
import StoreConformance
import TestSupport
import Testing

@testable import StintPostgres

@Suite("The PostgreSQL store passes every scenario")
struct PostgresConformanceTests {
    /// A store has up to four connections, and the server's are not endless.
    private static let limit = ConcurrencyLimit(8)

    @Test(arguments: Scenario.all(.provesDeaths, .moves))
    func scenario(_ scenario: Scenario) async throws { try await Self.limit.run { try await run(scenario) } }

    private func run(_ scenario: Scenario) async throws {
        let clock = TestClock()
        let folder = try TemporaryFolder(inMemory: true)
        let store = try await PostgresStore.open(
            PostgresCluster.shared.database(), options: .init(runFolder: folder.path), clock: clock)
        let stage = Stage(store, clock: clock) { worker in
            store.scoreboards.remove([worker])
        } death: { worker in
            store.scoreboards.abandon(worker)
        } supervisorDeath: { sign in
            // That its file is gone proves nothing.
            (sign as? SupervisorFile)?.abandon()
        }
        do {
            try await scenario.run(stage)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }
}

@Suite("A PostgreSQL store that is closed")
struct ClosedPostgresTests {
    @Test("refuses every call, and ends all wake-ups")
    func refusals() async throws {
        try await ClosedStore.expectRefusals(of: PostgresStore.open(PostgresCluster.shared.database()))
    }
}
