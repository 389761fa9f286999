import History
import Testing
import Torture

@Suite("Processes die and stop at any moment", .timeLimit(.minutes(5)))
struct ProcessDeathTests {
    @Test("processes are killed and stopped, their database is replaced under them, and nothing is lost")
    func siege() async throws {
        let folder = try TemporaryFolder()
        let seed = chosenSeed()
        var siege = Siege(seed: seed, duration: .seconds(15), program: stintTorture, folder: folder.path)
        siege.kills = 40
        siege.stops = 6
        (siege.locks, siege.freezes, siege.orders, siege.replacements) = (1, 1, 2, 2)
        (siege.bootIDs, siege.containers, siege.descriptors) = (2, 1, 1)
        let report = try await siege.run()
        print(report.summary, report.missing)
        let problems = report.problems
        #expect(problems == [], "seed \(seed)")
        #expect(report.kills.values.reduce(0, +) == 40 && report.deeds["stops"] == 6)
        #expect(report.deeds["replaced databases"] == 2)
    }

    @Test("`stint work` with its commands, and `stint reap`, are killed, and nothing is lost")
    func commands() async throws {
        let folder = try TemporaryFolder()
        let seed = chosenSeed()
        var siege = Siege(seed: seed, duration: .seconds(10), program: stintTorture, folder: folder.path)
        siege.cast = Siege.castOfCommands
        siege.kills = 25
        (siege.replacements, siege.moves) = (1, 1)
        (siege.bootIDs, siege.containers, siege.descriptors) = (1, 1, 1)
        let report = try await siege.run()
        print(report.summary)
        let problems = report.problems
        #expect(problems == [], "seed \(seed)")
    }

    @Test("an ack of a worker that was stopped past its lease is refused")
    func lateAck() async throws {
        let folder = try TemporaryFolder()
        let siege = Siege(seed: 1, duration: .zero, program: stintTorture, folder: folder.path)
        let (report, answer) = try await siege.lateAck()
        #expect(answer == .leaseLost)
        #expect(report.problems == [])
    }
}
