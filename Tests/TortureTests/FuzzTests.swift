import Foundation
import TestSupport
import Testing

@testable import Torture

/// The quick form of `stint-torture fuzz`.
@Suite("Bad input traps nothing, hangs nothing and hurts no other job", .timeLimit(.minutes(5)))
struct FuzzTests {
    /// How many minutes each target gets, on a machine that does other things too.
    private static let minutes: [FuzzTarget: String] = [
        .rows: "0.2", .commands: "0.15", .arguments: "0.15", .handler: "0.12",
    ]

    @Test("in a child process, so that a trap is seen", arguments: FuzzTarget.allCases)
    func fuzz(target: FuzzTarget) async throws {
        let seed = chosenSeed(usual: 1)
        let report = try await torture(
            "fuzz", "--target", target.rawValue, "--seed", "\(seed)", "--minutes", Self.minutes[target] ?? "0.08")
        print(report)
        #expect(report.contains("fuzz \(target.rawValue): ") && !report.contains(": 0 cases"))
    }

    @Test("arguments are fuzzed with every command and every option that the help names")
    func everyArgument() async throws {
        let stint = Child(folder: FileManager.default.temporaryDirectory.path)
        func help(_ command: String) async throws -> String {
            let words = ["help"] + command.split(separator: " ").map(String.init)
            let outcome = try #require(try await stint.run(words.map { Array($0.utf8) }))
            return String(decoding: outcome.output, as: UTF8.self)
        }
        func commands(in help: String) -> [String] {
            guard let list = help.range(of: "SUBCOMMANDS:") else { return [] }
            return help[list.upperBound...].matches(of: #/(?m)^  ([a-z]+) {2,}[A-Z]/#).map { String($0.1) }
        }
        var all = commands(in: try await help(""))
        #expect(all.count > 15)
        for command in all { all += commands(in: try await help(command)).map { "\(command) \($0)" } }
        #expect(all.contains("schedule set") && Set(all).subtracting(ArgumentFuzz.commands).isEmpty)
        for command in all {
            let options = try await help(command).matches(of: #/(?m)^  (?:-[a-z], )?(--[a-z-]+)/#).map { String($0.1) }
            let unknown = Set(options).subtracting(ArgumentFuzz.options)
            #expect(!options.isEmpty && unknown.isEmpty, "\(command): \(unknown)")
        }
    }
}
