import ArgumentParser
import Foundation
import PostgresSupport
import Torture

/// SIGKILL and SIGSTOP, with everything running.
struct KillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Kills and stops processes at random while all are at work; then nothing may be lost.")

    @Option(help: "Repeats the choices of a run.") var seed: UInt64 = .random(in: 0..<1 << 32)
    @Option(help: "How long, in seconds.") var seconds = 300
    @OptionGroup var hardships: Hardships
    @Flag(help: "The workers are `stint work` with a command, and the reaper is `stint reap`.") var commands = false
    @Flag(help: "On a PostgreSQL server, which is killed and restarted too.") var server = false
    @Option(help: "A guard to remove; then it must fail.") var without: String?

    func run() async throws {
        let place = try TortureFolder()
        var run = ChaosRun(seed: seed, duration: .seconds(seconds), program: try ownProgram(), folder: place.path)
        // As many as the time has room for: 1,000 kills in five minutes.
        hardships.apply(
            to: &run,
            usual: [
                \.kills: seconds * 10 / 3, \.stops: seconds / 5, \.locks: seconds / 8, \.freezes: seconds / 30,
                \.orders: seconds / 8, \.replacements: seconds / 15, \.moves: commands ? seconds / 8 : 0,
                \.bootIDs: 3, \.containers: 1, \.descriptors: 1,
            ])
        run.without = without
        if commands { run.roles = ChaosRun.castOfCommands }
        if server {
            let cluster = try PostgresCluster()
            run.server = (cluster, try await cluster.createDatabase())
            run.roles = ChaosRun.castOnServer
            (run.locks, run.replacements, run.bootIDs, run.containers, run.descriptors) = (0, 0, 0, 0, 0)
            (run.disconnects, run.restarts, run.crashes) = (seconds / 3, seconds / 10, seconds / 5)
        }
        let command = "kill\(commands ? " --commands" : "")\(server ? " --server" : "")"
        print("stint-torture \(command) --seed \(seed) --seconds \(seconds) \(run.options)")
        let report = try await run.run()
        report.tell()
        try conclude(report.problems, place)
    }
}
