import Foundation
import History
import StintPlatform
import Subprocess
import Synchronization
import TestSupport

/// Ends a workload at the k-th call to its file system, for one k after the other, each in a process and a folder of
/// its own, and checks what is left.
package struct DeathAtEveryStep: Sendable {
    /// This program, with the arguments before the folder that make it run the workload.
    package var program: String
    package var arguments: [String]
    package var folder: String
    package var seed: UInt64
    package var script = ScriptedWorkload.Script.whole
    /// One of this many calls is tried; the seed decides which.
    package var stride = 1
    package var first = 1
    /// When to end although calls are left.
    package var end: ContinuousClock.Instant?
    /// How many workloads run at a time.
    package var lanes = 2

    package init(program: String, arguments: [String], folder: String, seed: UInt64) {
        self.program = program
        self.arguments = arguments
        self.folder = folder
        self.seed = seed
    }

    package struct Report: Sendable {
        package var deaths = 0
        package var torn = 0
        /// How many of the deaths were in each step of the workload.
        package var places: [String: Int] = [:]
        /// How many calls to the file system there were, if a workload came to its end.
        package var steps = 0
        package var problems: [String] = []

        package init() {}

        package mutating func add(_ other: Report) {
            deaths += other.deaths
            torn += other.torn
            places.merge(other.places, uniquingKeysWith: +)
            steps = max(steps, other.steps)
            problems += other.problems
        }
    }

    package func run() async throws -> Report {
        let reference = try await Reference(of: script, in: folder + "/reference")
        var chance = SeededGenerator(seed: seed)
        let turns = Turns(first + Int.random(in: 0..<stride, using: &chance))
        return try await withThrowingTaskGroup(of: Report.self) { group in
            for _ in 0..<lanes {
                group.addTask {
                    var report = Report()
                    while !turns.isOver.load(ordering: .relaxed), end.map({ .now < $0 }) ?? true {
                        let step = turns.next.add(stride, ordering: .relaxed).oldValue
                        let one = try await die(at: step, reference)
                        // It ended by itself: there are no more calls.
                        if one.deaths == 0 || !one.problems.isEmpty && one.problems.count + report.problems.count > 20 {
                            turns.isOver.store(true, ordering: .relaxed)
                        }
                        report.add(one)
                    }
                    return report
                }
            }
            return try await group.reduce(into: Report()) { $0.add($1) }
        }
    }

    private final class Turns: Sendable {
        let next: Atomic<Int>
        let isOver = Atomic(false)

        init(_ first: Int) {
            next = Atomic(first)
        }
    }

    /// Runs one workload until its death, and checks it.
    package func die(at step: Int, _ reference: Reference) async throws -> Report {
        let place = "\(folder)/\(step)"
        try ScriptedWorkload.prepare(place, for: script)
        var chance = SeededGenerator(seed: seed ^ UInt64(step) << 20)
        let isTorn = Bool.random(using: &chance)
        var command = arguments + ["--folder", place, "--die-at", "\(step)"] + (isTorn ? ["--torn"] : [])
        if case .wandering(let seed, let steps) = script { command += ["--wander", "\(seed)", "--steps", "\(steps)"] }
        let life = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(command), output: .string(limit: 65_536),
            error: .string(limit: 1_048_576))
        var report = Report()
        let progress = try Progress(in: place)
        switch life.terminationStatus {
        case .signaled(9):
            report.deaths = 1
            report.torn = isTorn ? 1 : 0
            report.places[progress.name] = 1
            let history = try HistoryLog(ScriptedWorkload.history(in: place), process: "harness")
            for voice in ScriptedWorkload.voices { history.append(.killed, of: voice) }
        case .exited(0):
            report.steps = Int(life.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
            if progress.ended + 1 != reference.boundaries.count {
                report.problems.append("a life ended by itself after step \(progress.ended)")
            }
        default:
            report.problems.append("the life ended with \(life.terminationStatus): \(life.standardError.suffix(500))")
        }
        report.problems += try await RecoveryCheck(
            place, reference, steps: progress.ended...progress.begun,
            history: try ScriptedWorkload.wholeHistory(in: place)
        ).look().problems
        if report.problems.isEmpty { try FileManager.default.removeItem(atPath: place) }
        report.problems = report.problems.map {
            "death at \(step)\(isTorn ? ", torn" : ""), in step \(progress.begun) (\(progress.name)): \($0)"
        }
        return report
    }
}
