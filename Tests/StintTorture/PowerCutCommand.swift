import ArgumentParser
import CFaults
import Stint
import StintCore
import Torture

/// Power cuts.
struct PowerCutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "power-cut",
        abstract: "Cuts the power while databases are written to, and looks at what a disk may have kept.")

    @Option(help: "Repeats the choices of a run.") var seed: UInt64 = .random(in: 0..<1 << 32)
    @Option(help: "How many cuts in each workload.") var cuts = 10_000
    @Option(help: "The first cut to try.") var first = 0
    @Option(help: "This many random verbs instead of the whole script.") var wander: Int?
    @Option(help: "How many workloads, with seeds from --seed on.") var lives = 1
    @Option(help: "Go on for this long, with workloads of 60 random verbs after the first ones, 200 cuts each.")
    var minutes: Int?
    @Option(help: "Let Stint open one in this many afterwards, and finish its jobs.") var worksOffEvery = 1
    @Option(help: "How much of what was not synced is on the disk: nothing, little, half, most or everything.")
    var rest: DiskRest?
    @Flag(help: "With `Durability.normal`, which may lose the last effects and nothing else.") var normal = false
    @Option(help: "A guard to remove; then it must fail.") var without: String?

    func run() async throws {
        guard faults_install() == 0 else { throw ValidationError("SQLite takes no VFS") }
        try removeGuard(without)
        let place = try TortureFolder(inMemory: true)
        var report = PowerCuts.Report()
        let end = minutes.map { ContinuousClock.now + .seconds($0 * 60) }
        var life = 0
        while report.problems.isEmpty, life < lives || end.map({ .now < $0 }) ?? false {
            let isExtra = life >= lives
            report.add(
                try await cut(
                    isExtra ? 200 : cuts, seed &+ UInt64(life), wander: wander ?? (isExtra ? 60 : nil),
                    end: isExtra ? end : nil,
                    "\(place.path)/\(life)"))
            life += 1
        }
        print(
            "\(report.cuts) power cuts in \(life == 1 ? "a life" : "\(life) lives"), \(report.second) of them followed by "
                + "another one while the databases were opened; \(report.undone) undid the last effects")
        try conclude(report.problems, place)
    }

    private func cut(
        _ cuts: Int, _ seed: UInt64, wander: Int?, end: ContinuousClock.Instant?, _ place: String
    ) async throws -> PowerCuts.Report {
        let choices = "--seed \(seed) --first \(first) --cuts \(cuts) --works-off-every \(worksOffEvery)"
        print(
            "stint-torture power-cut \(choices)\(normal ? " --normal" : "")\(wander.map { " --wander \($0)" } ?? "")")
        let script = wander.map { ScriptedWorkload.Script.wandering(seed: seed, steps: $0) } ?? .whole
        var power = try await PowerCuts(of: script, in: place, seed: seed, durability: normal ? .normal : .full)
        power.worksOffEvery = worksOffEvery
        power.rest = rest
        return try await power.cut(first..<first + cuts) { end.map { .now < $0 } ?? true }
    }
}

extension DiskRest: ExpressibleByArgument {}
