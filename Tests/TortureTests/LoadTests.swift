import TestSupport
import Testing
import Torture

@Suite("Many processes at once", .timeLimit(.minutes(5)))
struct LoadTests {
    @Test("8 producers and 8 workers: nothing is lost, grows or starves")
    func load() async throws {
        let folder = try TemporaryFolder()
        let seed = chosenSeed()
        let run = ChaosRun(seed: seed, duration: .seconds(12), program: stintTorture, folder: folder.path)
        let report = try await Load(run, producers: 8, workers: 8).run()
        print(report.summary)
        let problems = report.problems
        #expect(problems == [], "seed \(seed)")
        #expect((report.sizes?.samples ?? 0) > 1 && (report.sizes?.largestLog ?? 0) > 0)
    }
}
