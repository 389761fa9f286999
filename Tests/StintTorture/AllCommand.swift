import ArgumentParser
import Foundation
import StintPlatform
import Subprocess

/// Runs one trial after the other, and prints a report at the end.
struct AllCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all", abstract: "Does all of these within some time, and reports.")

    @Option(help: "Repeats the choices of a run.") var seed: UInt64 = .random(in: 0..<1 << 32)
    @Option(help: "About how long in all; at least 10.") var minutes = 30

    func validate() throws {
        guard (10...10_080).contains(minutes) else {
            throw ValidationError("a run takes 10 minutes to a week (10080), and not \(minutes)")
        }
    }

    private struct Trial {
        let name: String
        let arguments: [String]
        var status: TerminationStatus?
        var duration: Duration = .zero
    }

    /// The share of the time of each trial, as far as it is known beforehand.
    private var trials: [Trial] {
        let seconds = minutes * 60
        func trial(_ name: String, _ arguments: String...) -> Trial {
            Trial(name: name, arguments: [name.prefix { $0 != " " }.description, "--seed", "\(seed)"] + arguments)
        }
        let (kills, load) = (seconds / 5, seconds / 4)
        return [
            trial("kill", "--seconds", "\(kills)"),
            trial("kill (commands)", "--commands", "--seconds", "\(kills / 4)", "--kills", "\(kills / 2)"),
            trial("death", "--minutes", "\(minutes / 10)"),
            trial("power-cut", "--cuts", "2000", "--minutes", "\(minutes / 10)"),
            trial("power-cut (normal)", "--normal", "--cuts", "2000", "--minutes", "\(max(1, minutes / 20))"),
            trial("server-power-cut", "--commands", "400", "--cuts", "1000"),
            trial("disk", "--minutes", "\(minutes / 10)"),
            trial("simulate", "--minutes", "\(minutes / 10)"),
            trial("fuzz", "--minutes", "\(minutes / 10)"),
            trial("load", "--seconds", "\(load * 2 / 3)"),
            trial(
                "load (hardships)", "--seconds", "\(load / 3)", "--kills", "\(load / 6)", "--stops", "3", "--locks",
                "3",
                "--freezes", "2", "--orders", "6", "--replacements", "3", "--boot-ids", "6", "--containers", "2",
                "--descriptors", "4"),
        ]
    }

    func run() async throws {
        print("stint-torture all --seed \(seed) --minutes \(minutes)")
        var trials = trials
        for index in trials.indices {
            print("\n== \(trials[index].name)")
            fflush(nil)  // before what the other process prints
            let start = ContinuousClock.now
            let result = try await Subprocess.run(
                .path(FilePath(try ownProgram())), arguments: Arguments(trials[index].arguments), input: .none,
                output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
            trials[index].status = result.terminationStatus
            trials[index].duration = .now - start
        }
        print("\nReport of stint-torture all --seed \(seed) --minutes \(minutes)")
        for trial in trials {
            let verdict = trial.status == .exited(0) ? "nothing was lost" : "BROKEN"
            let time = "\(trial.duration.components.seconds) s"
            print(
                "\(trial.name.padded(to: 20))\(time.padded(to: 9))\(verdict.padded(to: 18))stint-torture "
                    + trial.arguments.joined(separator: " "))
        }
        guard trials.allSatisfy({ $0.status == .exited(0) }) else { throw ExitCode(2) }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { padding(toLength: width, withPad: " ", startingAt: 0) }
}
