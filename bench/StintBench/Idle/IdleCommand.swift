import ArgumentParser
import Stint
import StintCore
import StintPlatform
import Synchronization
import TestSupport

/// The cost of idle workers.
struct IdleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle", abstract: "The CPU time and the writes of idle worker processes.")

    @Option(help: "How many worker processes, alone and supervised.")
    var workers = 16

    @Option(help: "How many worker processes beside commits in another queue.")
    var besideWorkers = 4

    @Option(help: "How many commits a second there are in that queue.")
    var commits = 100

    @Option(help: "How long they are looked at, in seconds.")
    var seconds = 30.0

    @Option(help: "How long they have before that, to start and to settle, in seconds.")
    var settle = 5.0

    @Option(
        help: "Only this situation: \(IdleSituation.allCases.map(\.rawValue).joined(separator: ", ")); may be repeated."
    )
    var situation: [IdleSituation] = []

    @OptionGroup var stint: StintProgram

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard workers >= 1, besideWorkers >= 1, seconds > 0, settle >= 0, (1...1_000).contains(commits) else {
            throw ValidationError(
                "--workers, --beside-workers and --seconds must be above 0, --settle not below it, and --commits 1 to 1000."
            )
        }
    }

    func run() async throws {
        try await common.report("idle") { folder in
            var series: [IdleSeries] = []
            for situation in situation.isEmpty ? IdleSituation.allCases : situation {
                let workers = situation == .beside ? besideWorkers : workers
                say("idle, \(count(workers, "worker")), \(situation.title), \(seconds.text()) s")
                series.append(try await measure(situation, workers, folder.path("idle-\(situation.rawValue).db")))
            }
            return IdleFindings(seconds: seconds, series: series)
        }
    }

    private func measure(_ situation: IdleSituation, _ workers: Int, _ database: String) async throws -> IdleSeries {
        try await Self.make(database)
        guard ![.supervised, .supervisedBeside].contains(situation) else {
            return try await measureSupervised(situation, workers, database)
        }
        let looks = Mutex<[FileTrace]>([])
        let (settle, seconds, commits) = (settle, seconds, commits)
        let role = IdleRole(database: database, settleSeconds: settle, seconds: seconds)
        let reports = try await Fleet().run(Array(repeating: role, count: workers)) { barrier in
            let end = barrier.nanoseconds + Int64((settle + seconds) * 1e9)
            guard situation != .beside else { return try await Self.commit(commits, in: database, until: end) }
            // Opened before and closed after, since opening a database touches its files.
            let observer = try FileObserver(database)
            try await Self.sleep(until: barrier.nanoseconds + Int64(settle * 1e9))
            let before = try observer.look()
            try await Self.sleep(until: end)
            let after = try observer.look()
            looks.withLock { $0 = [before, after] }
        }
        let traces = looks.withLock { $0 }
        return IdleSeries(
            situation: situation, workers: workers, cpuMicroseconds: reports.map(\.cpuMicroseconds),
            wakeUps: reports.map(\.wakeUps), changes: traces.isEmpty ? nil : traces[0].changes(until: traces[1]))
    }

    /// The real thing: `stint work --workers N`, all its processes.
    private func measureSupervised(
        _ situation: IdleSituation, _ workers: Int, _ database: String
    ) async throws -> IdleSeries {
        let queue = try await JobQueue(.sqlite(database))
        let command = [
            try stint.path(), "work", "--db", database, "--queue", "\(StintWorkload.queue)", "--workers", "\(workers)",
            "--", "true",
        ]
        return try await StintProgram.whileRunning(command) { supervisor in
            try await eventually("the workers are there") { try await queue.store.workers().count == workers }
            let end = MonotonicClock.nanoseconds() + Int64((settle + seconds) * 1e9)
            let rate = situation == .supervisedBeside ? commits : nil
            async let committing: Void = Self.commit(rate, in: database, until: end)
            try await Task.sleep(for: .seconds(settle))
            let members = try await queue.store.workers()
                .compactMap { ProcessIdentity($0.registration.process)?.processID }
            let processes = [supervisor] + members
            let observer = try FileObserver(database)
            let (before, files) = (processes.map(ProcessTime.microseconds), try observer.look())
            try await Task.sleep(for: .seconds(seconds))
            let (after, later) = (processes.map(ProcessTime.microseconds), try observer.look())
            let memory = members.compactMap(PrivateMemory.bytes)
            try await committing
            let times = zip(before, after).compactMap { before, after in before.flatMap { b in after.map { $0 - b } } }
            guard times.count == processes.count else { throw BenchError("a worker ended, or its time cannot be read") }
            return IdleSeries(
                situation: situation, workers: workers, cpuMicroseconds: times, wakeUps: [], privateBytes: memory,
                changes: rate == nil ? files.changes(until: later) : nil)
        }
    }

    /// Commits that bring nothing for the workers, at an even pace.
    ///
    /// - Parameter rate: How many a second; `nil`: none.
    private static func commit(_ rate: Int?, in database: String, until end: Int64) async throws {
        guard let rate else { return }
        let queue = try await JobQueue(.sqlite(database))
        let start = MonotonicClock.nanoseconds()
        var number: Int64 = 0
        while MonotonicClock.nanoseconds() < end {
            try await queue.enqueue(payload: [], in: "other")
            number += 1
            try await sleep(until: start + number * 1_000_000_000 / Int64(rate))
        }
    }

    /// In a function of its own: the store closes its file when it is released.
    private static func make(_ database: String) async throws {
        try await JobQueue(.sqlite(database)).resume(StintWorkload.queue)
    }

    private static func sleep(until nanoseconds: Int64) async throws {
        try await Task.sleep(for: .nanoseconds(max(0, nanoseconds - MonotonicClock.nanoseconds())))
    }
}
