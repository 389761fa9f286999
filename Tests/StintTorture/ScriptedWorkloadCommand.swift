import ArgumentParser
import CFaults
import Stint
import StintCore
import Torture

/// One workload on databases, until it ends or is killed.
struct ScriptedWorkloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "life", shouldDisplay: false)

    @Option var folder: String
    @Option var dieAt: Int64?
    @Flag var torn = false
    @Option var wander: UInt64?
    @Option var steps = 0

    func run() async throws {
        guard faults_install() == 0 else { throw ValidationError("SQLite takes no VFS") }
        if let dieAt { faults_die_at(dieAt, torn) }
        let script = wander.map { ScriptedWorkload.Script.wandering(seed: $0, steps: steps) } ?? .whole
        try await ScriptedWorkload(in: folder, script: script, landmarks: try Progress.landmarks(in: folder)).live()
        print(faults_steps())
    }
}
