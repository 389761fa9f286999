import ArgumentParser
import Foundation
import Stint
import StintCore
import StintPlatform
import Subprocess
import TestSupport

/// Jobs a second by the way in which they are run, and by who writes to the store for their workers.
struct HandlersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "handlers",
        abstract: "Measures commands, pipes and Swift handlers side by side, and supervision.")

    @Option(help: "How often the sides take turns; the median counts.")
    var rounds = 5

    @Option(help: "Numbers of supervised workers, separated by commas.")
    var workers = NumberList([1, 4])

    @Option(help: "How often a worker is killed, for the time until its job runs again.")
    var kills = 20

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard rounds >= 1, kills >= 0 else {
            throw ValidationError("--rounds must be above 0 and --kills not below it.")
        }
        guard workers.values.allSatisfy({ $0 >= 1 && $0 == $0.rounded() }) else {
            throw ValidationError("Each of --workers must be a whole number above 0.")
        }
    }

    func run() async throws {
        try await common.report("handlers") { folder in
            let series = try await measure(Backlog(folder: folder.url))
            var revivals: [RevivalSeries] = []
            for workers in [1, 2] where kills > 0 {
                revivals.append(
                    RevivalSeries(workers: workers, milliseconds: try await self.revivals(workers, folder.url)))
            }
            return HandlersFindings(workers: workers.values.map { Int($0) }, series: series, revivals: revivals)
        }
    }

    // MARK: - Speed

    private func measure(_ backlog: Backlog) async throws -> [HandlerSeries] {
        let hasPHP = ["/usr/bin/php", "/usr/local/bin/php"].contains {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        if !hasPHP { say("handlers: what needs php is skipped, since there is none") }
        let ways = HandlerWay.allCases.filter { hasPHP || !$0.needsPHP }
        let supervised = workers.values.flatMap { number in
            [false, true].map { HandlerSide.supervised(workers: Int(number), isDirect: $0) }
        }
        var series = ways.map { HandlerSeries(way: $0) }
        for round in 1...rounds {
            for place in series.indices {
                let way = series[place].way
                say("handlers, round \(round), \(way.title)")
                for side in [.alone] + supervised {
                    let file = try await backlog.file(.stint, jobs: way.jobs)
                    let speed = Double(way.jobs) / (try await seconds(way, side, file))
                    series[place].turns.append(HandlerSeries.Turn(side: side, jobsPerSecond: speed))
                }
            }
        }
        return series
    }

    /// How long it takes until all jobs are done.
    private func seconds(_ way: HandlerWay, _ side: HandlerSide, _ file: String) async throws -> Double {
        let result = try await Subprocess.run(
            .path(FilePath(try StintProgram.ofThisProcess())),
            arguments: Arguments(["drain", way.rawValue, file] + side.arguments), input: .none,
            output: .string(limit: 4_096), error: .currentStandardError)
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
