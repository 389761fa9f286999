import ArgumentParser
import Foundation
import Torture

/// Death at every step.
struct DeathCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "death",
        abstract: "Ends a process at each call that changes a file or takes a lock, one after the other.")

    @Option(help: "Repeats the choices of a run.") var seed: UInt64 = .random(in: 0..<1 << 32)
    @Option(help: "Try one in this many calls.") var stride = 1
    @Option(help: "The first call to try.") var first = 1
    @Option(help: "This many random verbs instead of the whole script.") var wander: Int?
    @Option(help: "Go on for this long, with workloads of 40 random verbs after the first.") var minutes: Int?

    func run() async throws {
        let place = try TortureFolder(inMemory: true)
        let end = minutes.map { ContinuousClock.now + .seconds($0 * 60) }
        var (seed, wander) = (seed, wander)
        var report = DeathAtEveryStep.Report()
        repeat {
            print(
                "stint-torture death --seed \(seed) --stride \(stride) --first \(first)"
                    + (wander.map { " --wander \($0)" } ?? ""))
            var death = DeathAtEveryStep(
                program: try ownProgram(), arguments: ["life"], folder: "\(place.path)/\(seed)", seed: seed)
            death.stride = stride
            death.first = first
            // The first workload runs to its end.
            if report.deaths > 0 { death.end = end }
            if let wander { death.script = .wandering(seed: seed, steps: wander) }
            report.add(try await death.run())
            seed &+= 1
            wander = wander ?? 40
        } while report.problems.isEmpty && end.map { .now < $0 } ?? false
        print(
            "\(report.deaths) deaths, \(report.torn) of them in the middle of a write where it was one; a life that ends "
                + "by itself makes at most \(report.steps) calls")
        let places = report.places.sorted { $0.value > $1.value }
        for (name, count) in places.prefix(60) { print("  \(count) in: \(name)") }
        try conclude(report.problems, place)
    }
}
