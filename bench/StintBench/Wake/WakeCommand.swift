import ArgumentParser
import Stint
import StintCore
import TestSupport

/// How soon an idle worker starts a job that another process makes ready.
struct WakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wake",
        abstract: "From the enqueue in one process to the start of the handler in another that sleeps.")

    @Option(help: "How many single enqueues, with pauses of 20 to 60 ms before each.")
    var jobs = 500

    @Option(help: "How many jobs of each other kind: delayed, kicked, resumed, inserted by SQL.")
    var others = 100

    @Option(help: "What the pauses are drawn from; a new one by default.")
    var seed: UInt64?

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard jobs >= 1, others >= 0 else {
            throw ValidationError("--jobs must be above 0 and --others not below it.")
        }
    }

    func run() async throws {
        let seed = seed ?? .random(in: 1...999_999)
        try await common.report("wake") { folder in
            let database = folder.path("wake.db")
            let queue = try await JobQueue(.sqlite(database))
            try await queue.resume(StintWorkload.queue)
            let fleet = try Fleet()
            var series: [WakeSeries] = []
            // One file and one worker for all: the kinds run one after the other, so that each finds it idle.
            for kind in WakeKind.allCases {
                let times = kind == .enqueue ? jobs : others
                if times > 0 {
                    say("wake, \(kind.title)")
                    series.append(try await measure(kind, times, database, queue, fleet, seed: seed))
                }
            }
            return WakeFindings(seed: seed, series: series)
        }
    }

    private func measure(
        _ kind: WakeKind, _ times: Int, _ database: String, _ queue: JobQueue<SQLiteStore>, _ fleet: Fleet,
        seed: UInt64
    ) async throws -> WakeSeries {
        let triggers = WakeUpTriggers(queue, database, seed: seed)
        let reports = try await fleet.run([WakeRole(database: database)]) { _ in
            // It registers and looks for work first.
            try await Task.sleep(for: .milliseconds(300))
            try await triggers.ring(kind, times: times)
            try await eventually("the worker has done its last jobs", every: .milliseconds(20)) {
                try await !queue.store.stats().contains { $0.unfinished > 0 }
            }
        }
        let (rung, skipped) = (await triggers.rung, await triggers.skipped)
        guard skipped == nil else { return WakeSeries(kind, nanoseconds: [], skipped: skipped) }
        let starts = reports[0]
        guard Set(starts.map(\.number)) == Set(rung.indices), starts.count == rung.count else {
            throw BenchError("\(kind.title): \(rung.count) jobs were brought about and \(starts.count) started")
        }
        return WakeSeries(kind, nanoseconds: starts.map { $0.nanoseconds - rung[$0.number] })
    }
}
