import StintCore
import StintSQLite
import StoreConformance
import Testing

@Suite("The SQLite store passes every scenario")
struct ConformanceTests {
    @Test(arguments: Scenario.all)
    func scenario(_ scenario: Scenario) async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.database)
        try await scenario.run(Stage(store, clock: ManualClock()))
        try await expectSound(store)
    }
}
