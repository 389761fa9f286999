import ArgumentParser
import Foundation
import Torture

/// SIGKILL and SIGSTOP, with everything running.
struct KillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Kills and stops processes at random while all are at work; then nothing may be lost.")

    @Option(help: "Repeats the choices of a run.") var seed: UInt64 = .random(in: 0..<1 << 32)
    @Option(help: "How long, in seconds.") var seconds = 300
    @Option(help: "How many processes to kill.") var kills = 1_000
    @Option(help: "How many processes to stop for longer than their lease.") var stops = 60
    @Option(help: "How often a program holds the write lock for longer than a lease.") var locks = 40
    @Option(help: "How often all processes are stopped for longer than a lease.") var freezes = 10
    @Option(help: "How often a whole tree of processes gets SIGTERM.") var orders = 40
    @Flag(help: "The workers are `stint work` with a command, and the reaper is `stint reap`.") var commands = false
    @Option(help: "A guard to remove; then it must fail.") var without: String?

    func run() async throws {
        print("stint-torture kill --seed \(seed) --seconds \(seconds) --kills \(kills) --stops \(stops)")
        let place = try TortureFolder()
        var run = ChaosRun(seed: seed, duration: .seconds(seconds), program: try ownProgram(), folder: place.path)
        run.kills = kills
        run.stops = stops
        (run.locks, run.freezes, run.orders) = (locks, freezes, orders)
        run.without = without
        if commands { run.roles = ChaosRun.castOfCommands }
        let report = try await run.run()
        print(report.summary)
        let killed = report.kills.sorted { $0.key.rawValue < $1.key.rawValue }
        print(
            "killed: \(killed.map { "\($0.value) of \($0.key)" }.joined(separator: ", ")); stopped, locked out, frozen or ordered to stop: \(report.stops)"
        )
        try conclude(report.problems, place)
    }
}
