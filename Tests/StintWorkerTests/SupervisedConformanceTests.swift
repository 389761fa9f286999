import Foundation
import Stint
import StintCore
import StintPlatform
import StoreConformance
import TestSupport
import Testing

@testable import StintWorker

@Suite("The store of a supervised worker passes every scenario, through a socket")
struct SupervisedConformanceTests {
    @Test(arguments: Scenario.all(.provesDeaths, .knowsBoots))
    func scenario(_ scenario: Scenario) async throws {
        let folder = try TemporaryFolder()
        let clock = TestClock()
        var options = SQLiteStore.Options()
        options.clock = clock
        let (own, supervisors) = (
            try SQLiteStore(path: folder.database, options: options),
            try SQLiteStore(path: folder.database, options: options)
        )
        let pair = try SupervisedPair(own, through: supervisors)
        let stage = Stage(pair.store, clock: clock) { [path = folder.database] worker in
            try FileManager.default.removeItem(atPath: "\(path)-worker-\(worker)")
        } death: {
            own.abandon($0)
        }
        try await scenario.run(stage)
        #expect(pair.calls.isOpen)
        await pair.end()
        for finding in try await own.examine() { #expect(finding.isGood, "\(finding)") }
    }
}
