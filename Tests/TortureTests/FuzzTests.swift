import Foundation
import Testing
import Torture

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
}
