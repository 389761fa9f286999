import History
import TestSupport
import Testing
import Torture

@Suite("Processes die and stop at any moment", .timeLimit(.minutes(5)))
struct ProcessDeathTests {
    @Test("processes are killed and stopped, their database is replaced under them, and nothing is lost")
    func run() async throws {
        let folder = try TemporaryFolder()
        let seed = chosenSeed()
        var run = ChaosRun(seed: seed, duration: .seconds(15), program: stintTorture, folder: folder.path)
        run.kills = 40
        run.stops = 6
        (run.locks, run.freezes, run.orders, run.replacements) = (1, 1, 2, 2)
        (run.bootIDs, run.containers, run.descriptors) = (2, 1, 1)
        let report = try await run.run()
        print(report.summary, report.missing)
        let problems = report.problems
        #expect(problems == [], "seed \(seed)")
        #expect(report.kills.values.reduce(0, +) == 40 && report.actions["stops"] == 6)
        #expect(report.supervisedWriters > 0)
        #expect(report.actions["replaced databases"] == 2)
    }

    @Test("`stint work` with its commands, and `stint reap`, are killed, and nothing is lost")
    func commands() async throws {
        let folder = try TemporaryFolder()
        let seed = chosenSeed()
        var run = ChaosRun(seed: seed, duration: .seconds(10), program: stintTorture, folder: folder.path)
        run.roles = ChaosRun.castOfCommands
        run.kills = 25
        (run.replacements, run.moves) = (1, 1)
        (run.bootIDs, run.containers, run.descriptors) = (1, 1, 1)
        let report = try await run.run()
        print(report.summary)
        let problems = report.problems
        #expect(problems == [], "seed \(seed)")
    }

    @Test("an ack of a worker that was stopped past its lease is refused")
    func lateAck() async throws {
        let folder = try TemporaryFolder()
        let run = ChaosRun(seed: 1, duration: .zero, program: stintTorture, folder: folder.path)
        let (report, answer) = try await run.lateAck()
        #expect(answer == .leaseLost)
        #expect(report.problems == [])
    }
}
