import ArgumentParser
import Torture

/// The scripted scenes of a run, without random choices.
struct ScriptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "script", shouldDisplay: false)

    enum Script: String, ExpressibleByArgument { case poison, lateAck }

    @Argument var script: Script
    @Option var without: String?

    func run() async throws {
        let place = try TortureFolder()
        var run = ChaosRun(seed: 1, duration: .zero, program: try ownProgram(), folder: place.path)
        run.lease = .seconds(30)
        run.without = without
        let report = script == .poison ? try await run.poison() : try await run.lateAck().report
        try conclude(report.problems, place)
    }
}
