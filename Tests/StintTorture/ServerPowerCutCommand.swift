import ArgumentParser
import CFaults
import Stint
import Torture

/// Power cuts at a server of beanstalkd's protocol.
struct ServerPowerCutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server-power-cut",
        abstract: "Cuts the power while clients of beanstalkd's protocol work, and starts the server again.")

    @Option(help: "Repeats the choices of a run.") var seed: UInt64 = .random(in: 0..<1 << 32)
    @Option(help: "How many commands each of the clients sends.") var commands = 100
    @Option(help: "How many cuts.") var cuts = 200
    @Option(help: "How much of what was not synced is on the disk: nothing, little, half, most or everything.")
    var rest: DiskRest?
    @Flag(help: "With `Durability.normal`, as `-f 1000` has it, which may lose the last effects.") var normal = false
    @Option(help: "A guard to remove; then it must fail.") var without: String?

    func run() async throws {
        guard faults_install() == 0 else { throw ValidationError("SQLite takes no VFS") }
        try removeGuard(without)
        print(
            "stint-torture server-power-cut --seed \(seed) --commands \(commands) --cuts \(cuts)\(normal ? " --normal" : "")"
        )
        let place = try TortureFolder(inMemory: true)
        var power = try await ServerPowerCuts(
            commands: commands, in: place.path, seed: seed, durability: normal ? .normal : .full)
        power.rest = rest
        let report = try await power.cut(0..<cuts)
        print("\(report.cuts) power cuts at a server; \(report.undone) undid what it had answered")
        try conclude(report.problems, place)
    }
}
