import ArgumentParser
import Foundation
import History
import Logging
import Torture

/// The store and the worker on one thread, with a clock and a scheduler that a seed decides.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Simulates worlds of workers, each by a seed that repeats it.")

    @Option(help: "The first seed.")
    var seed: UInt64 = 1
    @Option(help: "How many seeds.")
    var seeds: UInt64 = 1
    @Option(help: "Go on for so many minutes instead.")
    var minutes: Double?
    @Option(help: "Write the histories to this file, an event a line.")
    var history: String?
    @Flag(help: "End with the first world that breaks a promise.")
    var untilFailure = false
    @Option(help: "A guard to go without; then it must fail.")
    var without: String?
    @Flag(help: "Print what everybody does.")
    var verbose = false

    func run() throws {
        try runReproducibly()
        try removeGuard(without)
        let folder = try TemporaryMemory()
        defer { folder.remove() }
        let logger = Logger(label: "simulation") { label in
            guard verbose && seeds == 1 else { return SwiftLogNoOpLogHandler() }
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .debug
            return handler
        }
        let simulation = try Simulation(folder: folder.path, logger: logger)
        let start = Date()
        var (steps, events, count, failures) = (0, 0, 0 as UInt64, [UInt64]())
        var lines = Data()
        while minutes.map({ Date().timeIntervalSince(start) < $0 * 60 }) ?? (count < seeds) {
            let outcome = try simulation.run(seed: seed + count)
            count += 1
            steps += outcome.steps
            events += outcome.events.count
            if history != nil {
                for event in outcome.events { lines += try JSONEncoder().encode(event) + [0x0A] }
            }
            if verbose && seeds == 1 {
                for event in outcome.events { print(Double(event.time) / 1e9, event.process, event.deed) }
            }
            if verbose { print("seed", outcome.seed, outcome.steps, outcome.duration, outcome.events.count) }
            guard !outcome.findings.isEmpty else { continue }
            failures.append(outcome.seed)
            print("seed \(outcome.seed), again with: stint-torture simulate --seed \(outcome.seed) --verbose")
            for finding in outcome.findings { print("  \(finding)") }
            if untilFailure { break }
        }
        if let history { try lines.write(to: URL(filePath: history)) }
        let seconds = Date().timeIntervalSince(start)
        print(
            "\(count) worlds from seed \(seed), \(events) events, \(steps) steps, \(failures.count) failed, "
                + "in \(String(format: "%.1f", seconds)) s")
        if !failures.isEmpty { throw ExitCode.failure }
    }

    /// Swift's hash tables have an order by chance, and the system places memory by chance, unless told otherwise; both only
    /// at the start of a process.
    private func runReproducibly() throws {
        guard getenv("SWIFT_DETERMINISTIC_HASHING") == nil else { return }
        setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
        let arguments = CommandLine.arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", arguments)
        throw ValidationError("this program cannot start itself again: \(String(cString: strerror(errno)))")
    }
}

/// A folder in memory, where there is such a file system.
private struct TemporaryMemory {
    let path: String

    init() throws {
        let root = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
        path = root + "stint-simulation-\(getpid())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    func remove() {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("the folder \(path) stays behind: \(error)")
        }
    }
}
