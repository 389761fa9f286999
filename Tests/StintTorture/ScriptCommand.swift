import ArgumentParser
import Torture

/// The scenes of a siege that need no chance.
struct ScriptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "script", shouldDisplay: false)

    enum Script: String, ExpressibleByArgument { case poison, lateAck }

    @Argument var script: Script
    @Option var without: String?

    func run() async throws {
        let place = try TortureFolder()
        var siege = Siege(seed: 1, duration: .zero, program: try ownProgram(), folder: place.path)
        siege.lease = .seconds(30)
        siege.without = without
        let report = script == .poison ? try await siege.poison() : try await siege.lateAck().report
        try conclude(report.problems, place)
    }
}
