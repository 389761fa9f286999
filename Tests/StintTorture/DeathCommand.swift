import ArgumentParser
import Foundation
import Torture

/// Death at every step.
struct DeathCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "death",
        abstract: "Ends a process at each call that changes a file or takes a lock, one after the other.")

    @Option(help: "Repeats the choices of a run.") var seed: UInt64 = .random(in: 0..<1 << 32)
    @Option(help: "Try one of so many calls.") var stride = 1
    @Option(help: "The first call to try.") var first = 1
    @Option(help: "So many verbs by chance, instead of the whole story.") var wander: Int?

    func run() async throws {
        print(
            "stint-torture death --seed \(seed) --stride \(stride) --first \(first)"
                + (wander.map { " --wander \($0)" } ?? ""))
        let place = try TortureFolder(inMemory: true)
        var death = DeathAtEveryStep(program: try ownProgram(), arguments: ["life"], folder: place.path, seed: seed)
        death.stride = stride
        death.first = first
        if let wander { death.story = .wandering(seed: seed, steps: wander) }
        let report = try await death.run()
        print(
            "\(report.deaths) deaths, \(report.torn) of them in the middle of a write where it was one; a life that ends "
                + "by itself makes \(report.steps) calls")
        for (name, count) in report.places.sorted(by: { $0.value > $1.value }) { print("  \(count) in: \(name)") }
        try conclude(report.problems, place)
    }
}
