import ArgumentParser
import Foundation
import History
import Logging
import StintPlatform
import Torture

/// The store and the worker on one thread, with a clock and a scheduler that a seed decides.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Simulates worlds of workers, each by a seed that repeats it.")

    @Option(help: "The first seed.")
    var seed: UInt64 = 1
    @Option(help: "How many seeds.")
    var seeds: UInt64 = 1
    @Option(help: "Go on for this many minutes instead.")
    var minutes: Double?
    @Option(help: "Write the histories to this file, an event a line; for up to 500 seeds.")
    var history: String?
    @Flag(help: "End with the first world that breaks a promise.")
    var untilFailure = false
    @Option(help: "A guard to remove; then it must fail.")
    var without: String?
    @Flag(help: "Print what every process does.")
    var verbose = false

    /// How many worlds this process has simulated before.
    @Option(help: .hidden)
    var failed = 0

    /// Memory that was in use in a killed process stays allocated, so the worlds of a long run are shared out to
    /// processes.
    private static let worldsPerProcess: UInt64 = 500

    func run() throws {
        try runReproducibly()
        try removeGuard(without)
        let start = Date()
        let worlds = try simulate(from: start)
        let failures = failed + worlds.failed
        let next = seed + worlds.count
        if untilFailure && failures > 0 { throw ExitCode(2) }
        if let minutes {
            let rest = minutes - Date().timeIntervalSince(start) / 60
            if rest > 0 { try startAgain(["--minutes", "\(rest)"], from: next, failures) }
        } else if worlds.count < seeds {
            try startAgain(["--seeds", "\(seeds - worlds.count)"], from: next, failures)
        }
        if failures > 0 { throw ExitCode(2) }
    }

    private func simulate(from start: Date) throws -> (count: UInt64, failed: Int) {
        let folder = try TortureFolder(inMemory: true)
        defer { folder.remove() }
        let simulation = try Simulation(folder: folder.path, logger: logger)
        var (steps, events, count, failures) = (0, 0, 0 as UInt64, 0)
        var lines = Data()
        while count < (minutes == nil ? min(seeds, Self.worldsPerProcess) : Self.worldsPerProcess) {
            if let minutes, Date().timeIntervalSince(start) > minutes * 60 { break }
            let outcome = try simulation.run(seed: seed + count)
            count += 1
            steps += outcome.steps
            events += outcome.events.count
            if history != nil {
                for event in outcome.events { lines += try JSONEncoder().encode(event) + [0x0A] }
            }
            if verbose { report(outcome) }
            guard !outcome.findings.isEmpty else { continue }
            failures += 1
            print("seed \(outcome.seed), again with: stint-torture simulate --seed \(outcome.seed) --verbose")
            for finding in outcome.findings { print("  \(finding)") }
            if untilFailure { break }
        }
        if let history { try lines.write(to: URL(filePath: history)) }
        let seconds = String(format: "%.1f", Date().timeIntervalSince(start))
        print(
            "\(count) worlds from seed \(seed), \(events) events, \(steps) steps, \(failures) failed, in \(seconds) s")
        return (count, failures)
    }

    private func report(_ outcome: Simulation.Outcome) {
        for event in outcome.events { print(Double(event.time) / 1e9, event.process, event.kind) }
        print("seed \(outcome.seed): \(outcome.events.count) events, \(outcome.steps) steps in \(outcome.duration)")
    }

    private var logger: Logger {
        Logger(label: "simulation") { label in
            guard verbose else { return SwiftLogNoOpLogHandler() }
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .debug
            return handler
        }
    }

    // MARK: - This program again

    /// Swift's hash tables have a random order unless a process turns that off at its start.
    private func runReproducibly() throws {
        guard getenv("SWIFT_DETERMINISTIC_HASHING") == nil else { return }
        setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
        try become(CommandLine.arguments)
    }

    private func startAgain(_ length: [String], from next: UInt64, _ failures: Int) throws {
        var arguments = [CommandLine.arguments[0], "simulate", "--seed", "\(next)", "--failed", "\(failures)"] + length
        if untilFailure { arguments.append("--until-failure") }
        if verbose { arguments.append("--verbose") }
        if let without { arguments += ["--without", without] }
        try become(arguments)
    }

    private func become(_ arguments: [String]) throws {
        fflush(nil)
        execv("/proc/self/exe", arguments.map { strdup($0) } + [nil])
        throw ValidationError("this program cannot start itself again: \(systemError())")
    }
}
