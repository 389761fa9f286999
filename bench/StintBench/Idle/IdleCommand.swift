import ArgumentParser
import Stint
import Synchronization

/// What workers cost that have nothing to do.
struct IdleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle", abstract: "The CPU time and the writes of idle worker processes.")

    @Option(help: "How many worker processes.")
    var workers = 16

    @Option(help: "How long they are looked at, in seconds.")
    var seconds = 30.0

    @Option(help: "How long they have before that, to start and to settle, in seconds.")
    var settle = 2.0

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard workers >= 1, seconds > 0, settle >= 0 else {
            throw ValidationError("--workers and --seconds must be above 0, and --settle not below it.")
        }
    }

    func run() async throws {
        try await common.report("idle") { folder in
            say("idle, \(count(workers, "worker")), \(seconds.text()) s")
            let database = folder.path("idle.db")
            try await Self.make(database)
            let looks = Mutex<[FileTrace]>([])
            let (settle, seconds) = (settle, seconds)
            let role = IdleRole(database: database, settleSeconds: settle, seconds: seconds)
            let reports = try await Fleet().run(Array(repeating: role, count: workers)) { gun in
                // Opened before and closed after, since opening a database touches its files.
                let observer = try FileObserver(database)
                try await Self.sleep(until: gun.nanoseconds + Int64(settle * 1e9))
                let before = try observer.look()
                try await Self.sleep(until: gun.nanoseconds + Int64((settle + seconds) * 1e9))
                let after = try observer.look()
                looks.withLock { $0 = [before, after] }
            }
            let traces = looks.withLock { $0 }
            return IdleFindings(
                workers: workers, seconds: seconds, cpuMicroseconds: reports.map(\.cpuMicroseconds),
                wakeUps: reports.map(\.wakeUps), changes: traces[0].changes(until: traces[1]))
        }
    }

    /// In a function of its own: the store closes its file when it goes.
    private static func make(_ database: String) async throws {
        try await JobQueue(.sqlite(database)).resume(StintWorkload.queue)
    }

    private static func sleep(until nanoseconds: Int64) async throws {
        try await Task.sleep(for: .nanoseconds(max(0, nanoseconds - MonotonicClock.nanoseconds())))
    }
}

private struct IdleFindings: Findings {
    let workers: Int
    let seconds: Double
    /// Of each worker.
    let cpuMicroseconds: [Int64]
    let wakeUps: [Int]
    /// What was written, in words; empty: nothing.
    let changes: [String]

    /// Of one core, all workers together.
    private var percent: Double { Double(cpuMicroseconds.reduce(0, +)) / (seconds * 1e6) * 100 }

    var grids: [Grid] {
        var grid = Grid("\(count(workers, "idle worker")), \(seconds.text()) s", "all together", "a worker and second")
        let perWorkerSecond = Double(workers) * seconds
        let cpu = Double(cpuMicroseconds.reduce(0, +))
        let wakeUps = Double(wakeUps.reduce(0, +))
        grid.add("CPU", "\((cpu / 1_000).text(1)) ms", "\((cpu / perWorkerSecond).text(1)) µs")
        grid.add("of one core", "\(percent.text(3)) %", "")
        grid.add("woken", wakeUps.text(), (wakeUps / perWorkerSecond).text(2))
        grid.add("written: " + (changes.isEmpty ? "nothing" : changes.joined(separator: ", ")), "", "")
        return [grid]
    }

    var expectations: [Expectation] {
        [
            Expectation("CPU of all idle workers together, of one core", .below, 0.5, reached: percent, unit: "%"),
            Expectation("traces of a write meanwhile", .atMost, 0, reached: Double(changes.count), unit: "changes"),
        ]
    }
}
