import ArgumentParser
import Foundation
import Torture

struct FuzzCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz",
        abstract: "Bad input: nothing traps, nothing hangs, and no other job is harmed.",
        discussion: """
            A case is made from its seed alone: --seed N --cases 1 repeats one that went wrong.

            Example:
              stint-torture fuzz --minutes 10 --target rows
            """)

    @Option(help: "The seed of the first case; each next has the next number.")
    var seed = UInt64.random(in: 0..<1 << 48)
    @Option(help: "How long.")
    var minutes = 1.0
    @Option(help: "The maximum number of cases of a target.")
    var cases = Int.max
    @Option(help: "What is fuzzed; all, one after the other, if none is named.")
    var target: FuzzTarget?

    func run() async throws {
        Watchdog.start()
        let targets = target.map { [$0] } ?? FuzzTarget.allCases
        var isSound = true
        for target in targets {
            let report = try await Fuzzing(target, seed: seed).run(
                for: .seconds(minutes * 60 / Double(targets.count)), atMost: cases)
            print(report)
            isSound = isSound && report.isGood
        }
        if !isSound { throw ExitCode(2) }
    }
}

extension FuzzTarget: ExpressibleByArgument {}
