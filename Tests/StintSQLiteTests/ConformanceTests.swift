import Foundation
import StintCore
import StintSQLite
import StoreConformance
import TestSupport
import Testing

@Suite("The SQLite store passes every scenario")
struct ConformanceTests {
    @Test(arguments: Scenario.all(.provesDeaths, .knowsBoots, .moves))
    func scenario(_ scenario: Scenario) async throws {
        let folder = try TemporaryFolder()
        let clock = TestClock()
        var options = SQLiteStore.Options()
        options.clock = clock
        let store = try SQLiteStore(path: folder.database, options: options)
        let stage = Stage(store, clock: clock) { [path = folder.database] worker in
            try FileManager.default.removeItem(atPath: "\(path)-worker-\(worker)")
        } death: {
            store.abandon($0)
        }
        try await scenario.run(stage)
        try await expectSound(store)
    }
}
