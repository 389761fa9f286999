import ArgumentParser
import Foundation
import Stint
import StintCore
import StintPlatform
import Subprocess
import TestSupport

/// Jobs per second by the way in which they are run, and the cost of supervision.
struct HandlersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "handlers",
        abstract: "Measures commands, pipes and Swift handlers side by side, and supervision.")

    @Option(help: "How often the ways take turns; the median counts.")
    var rounds = 5

    @Option(help: "How often a worker is killed, for the time until its job runs again.")
    var kills = 20

    @Option(help: "The folder for the files, on the disk to measure.")
    var directory: String?

    func validate() throws {
        guard rounds >= 1, kills >= 0 else {
            throw ValidationError("--rounds must be above 0 and --kills not below it.")
        }
    }

    func run() async throws {
        let workFolder = try WorkFolder(in: directory)
        defer { workFolder.remove() }
        let folder = workFolder.url
        let machine = try Machine(folder: folder)
        print(
            "\(machine.system), \(machine.cores) cores, SQLite \(machine.sqlite), FULL, a sync takes "
                + "\(Int(machine.syncMicroseconds)) us, load \(machine.loadAverage); \(rounds) rounds, 100-byte payloads"
        )
        let speeds = try await measure(Backlog(folder: folder))
        for way in HandlerWay.allCases {
            guard let all = speeds[way] else {
                print("  \(way.title.padded(to: 40)) skipped: there is no php")
                continue
            }
            print(
                "  \(way.title.padded(to: 40)) \(all.median.text()) jobs/s  (\(all.min()!.text()) to \(all.max()!.text()))"
            )
        }
        if let alone = speeds[.swift], let watched = speeds[.supervised] {
            let ratio = zip(watched, alone).map { $0 / $1 }.median
            print("  supervised against not, one worker: \((ratio * 100).rounded() / 100) (median of the rounds)")
        }
        for workers in [1, 2] where kills > 0 {
            let times = try await revivals(workers, folder)
            print(
                "  from SIGKILL of a worker to the new start of its job, \(workers) worker\(workers > 1 ? "s" : ""): "
                    + "median \(times.median.text()) ms (\(times.min()!.text()) to \(times.max()!.text()))"
            )
        }
    }

    // MARK: - Speed

    private func measure(_ backlog: Backlog) async throws -> [HandlerWay: [Double]] {
        let hasPHP = ["/usr/bin/php", "/usr/local/bin/php"].contains {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        var speeds: [HandlerWay: [Double]] = [:]
        for _ in 1...rounds {
            for way in HandlerWay.allCases where hasPHP || !way.needsPHP {
                let file = try await backlog.file(.stint, jobs: way.jobs)
                let seconds = try await drain(way, file)
                speeds[way, default: []].append(Double(way.jobs) / seconds)
            }
        }
        return speeds
    }

    private func drain(_ way: HandlerWay, _ file: String) async throws -> Double {
        let result = try await Subprocess.run(
            .path(FilePath(try StintProgram.ofThisProcess())), arguments: ["drain", way.rawValue, file], input: .none,
            output: .string(limit: 4_096),
            error: .currentStandardError)
        let text = result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
        guard result.terminationStatus.isSuccess, let seconds = Double(text) else {
            throw BenchError("\(way.title): \(result.terminationStatus), it printed '\(text)'")
        }
        let left = try SQLiteConnection(file, durability: .full, busyTimeout: 5_000)
            .integers(BacklogSchema.stint.remainingIDs).count
        guard left == 0 else { throw BenchError("\(way.title): \(left) jobs were not done") }
        return seconds
    }

    // MARK: - Deaths

    /// Returns milliseconds.
    private func revivals(_ workers: Int, _ folder: URL) async throws -> [Double] {
        let file = folder.appendingPathComponent("revive-\(workers).db").path
        let notes = folder.appendingPathComponent("notes-\(workers)")
        try Data().write(to: notes)
        let queue = try await JobQueue(.sqlite(file))
        try await queue.enqueue(
            payload: [], in: StintWorkload.queue, options: JobOptions(maxAttempts: 1_000_000, maxCrashes: 1_000_000))
        let result = try await Subprocess.run(
            .path(FilePath(try StintProgram.ofThisProcess())), arguments: ["revive", "\(workers)", file, notes.path],
            input: .none,
            output: .discarded,
            error: .currentStandardError
        ) { execution in
            var times: [Double] = []
            for count in 1...kills {
                let (process, _) = try await Self.start(count, notes)
                let killed = MonotonicClock.nanoseconds()
                kill(process, SIGKILL)
                let (_, started) = try await Self.start(count + 1, notes)
                times.append(Double(started - killed) / 1e6)
                // A worker that dies young would be started with a delay, if it were not for its job.
                try await Task.sleep(for: .milliseconds(150))
            }
            kill(execution.processIdentifier.value, SIGKILL)
            return times
        }
        // Its workers notice its end and leave; only then is the folder free.
        while try await !queue.store.workers().isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        return result.closureResult
    }

    /// The start with this number: in which process, and when.
    private static func start(_ number: Int, _ notes: URL) async throws -> (pid_t, Int64) {
        var start: (pid_t, Int64)?
        try await eventually("start \(number) of the job", every: .milliseconds(1)) {
            let lines = String(decoding: try Data(contentsOf: notes), as: UTF8.self).split(separator: "\n")
            guard lines.count >= number else { return false }
            let words = lines[number - 1].split(separator: " ")
            if words.count == 2, let process = pid_t(words[0]), let time = Int64(words[1]) { start = (process, time) }
            return start != nil
        }
        return start!
    }
}
