import TestSupport
import Testing
import Torture

@Suite("Death at every step", .timeLimit(.minutes(5)))
struct DeathTests {
    @Test(
        "whatever call of the file system is a process's last one, what was answered is there and the rest is whole or not"
    )
    func everyStep() async throws {
        let folder = try TemporaryFolder(inMemory: true)
        let seed = chosenSeed()
        var death = DeathAtEveryStep(program: stintTorture, arguments: ["life"], folder: folder.path, seed: seed)
        death.stride = 5
        let report = try await death.run()
        print("\(report.deaths) deaths in \(report.places.count) of the life's steps, \(report.torn) of them torn")
        #expect(report.problems.isEmpty, "seed \(seed): \(report.problems.joined(separator: "\n"))")
        // The number of calls differs by a few from run to run.
        #expect(report.steps > 1_000 && report.deaths * death.stride > report.steps - 30)
        #expect(report.places.count > 40, "\(report.places)")
    }
}
