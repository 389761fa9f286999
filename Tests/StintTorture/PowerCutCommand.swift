import ArgumentParser
import CFaults
import Stint
import Torture

/// Power cuts.
struct PowerCutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "power-cut",
        abstract: "Cuts the power while databases are written to, and looks at what a disk may have kept.")

    @Option(help: "Repeats the choices of a run.") var seed: UInt64 = .random(in: 0..<1 << 32)
    @Option(help: "How many cuts of each life.") var cuts = 10_000
    @Option(help: "The first cut to try.") var first = 0
    @Option(help: "So many verbs by chance, instead of the whole script.") var wander: Int?
    @Option(help: "How many lives, with seeds from --seed on.") var lives = 1
    @Option(help: "Go on for so long, with lives of 60 verbs by chance after the first ones, 200 cuts each.")
    var minutes: Int?
    @Option(help: "Let Stint open one of so many afterwards, and do what is left to do.") var worksOffEvery = 1
    @Option(help: "How much of what was not synced a disk has got: nothing, little, half, most or everything.")
    var rest: DiskRest?
    @Flag(help: "With `Durability.normal`, which may lose the last effects and nothing else.") var normal = false
    @Option(help: "A guard to go without; then it must fail.") var without: String?

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
