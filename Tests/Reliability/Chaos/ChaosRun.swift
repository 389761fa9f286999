import Foundation
import History
import PostgresSupport
import StintCore
import StintSQLite
import TestSupport

/// Many processes work on one database, and some are killed or stopped again and again. In the end the survivors finish
/// all jobs, and the history of all must keep Stint's promises.
package struct ChaosRun: Sendable {
    package var seed: UInt64
    /// How long the processes work before the drain.
    package var duration: Duration
    /// The number of processes of each role.
    package var roles: [Role: Int] = [.producer: 2, .rawSQL: 1, .worker: 3, .supervisor: 1, .reaper: 1, .operator: 1]
    /// As people run it from a shell. The history then has no claims, and jobs and handlers are checked.
    package static let castOfCommands: [Role: Int] = [.producer: 2, .rawSQL: 1, .command: 2, .cron: 1]
    /// What works on a PostgreSQL server.
    package static let castOnServer: [Role: Int] = [.producer: 2, .worker: 1, .supervisor: 2, .reaper: 1, .operator: 1]
    /// The number of deaths, spread over the duration.
    package var kills = 0
    /// The number of processes that are stopped (SIGSTOP) for longer than a lease, and then continued.
    package var stops = 0
    /// How often a program holds the write lock for longer than a lease, all processes are stopped for as long, and a
    /// tree of processes gets SIGTERM.
    package var locks = 0
    package var freezes = 0
    package var orders = 0
    /// How many workers, supervisors and reapers there are besides: with a boot id of their own or a hidden one; in containers,
    /// which are killed with all in them; with few files to open, and at times none.
    package var bootIDs = 0
    package var containers = 0
    package var descriptors = 0
    /// How often the database is replaced by a copy of itself while it is in use; see ``Replacement``.
    package var replacements = 0
    /// How often the command of `stint work` is missing for a moment.
    package var moves = 0
    /// The server with the database, and its URL; `nil`: the database is a file.
    package var server: (cluster: PostgresCluster, url: String)?
    /// Three servers under Patroni with the database, and what happens to them.
    package var failovers: Failovers?
    /// How often the server ends all connections, is restarted in order, and is killed.
    package var disconnects = 0
    package var restarts = 0
    package var crashes = 0
    package var lease: Duration = .milliseconds(800)
    /// Whether no job may kill its process.
    package var isCalm = false
    /// Guards that are removed in the processes.
    package var without: String?
    /// `stint-torture` itself.
    package var program: String
    package var folder: String
    /// How often to sample sizes; `nil`: not at all.
    package var samples: Duration?

    package init(seed: UInt64, duration: Duration, program: String, folder: String) {
        self.seed = seed
        self.duration = duration
        self.program = program
        self.folder = folder
    }

    var database: String { failovers?.url ?? server?.url ?? folder + "/stint.db" }
    private var isOnServer: Bool { Self.isOnServer(database) }

    static func isOnServer(_ database: String) -> Bool { database.hasPrefix("postgres://") }
    var historyFile: String { folder + "/history" }
    var errorFile: String { folder + "/errors" }

    /// What happened.
    package struct Report: Sendable {
        package var summary = ""
        package var kills: [Role: Int] = [:]
        /// Everything else that was done to them, by its name.
        package var actions: [String: Int] = [:]
        package var violations: [Violation] = []
        /// Other problems.
        package var troubles: [String] = []
        package var sizes: SizeSampler.Sizes?
        package var memory: MemoryReport?
        /// What this machine does not let the run have.
        package var missing: [String] = []
        /// How many jobs the processes at each post of a role have enqueued or started.
        package var shares: [Role: [Int]] = [:]
        /// How many workers wrote through their supervisors.
        package var supervisedWriters = 0
        package var longestCall: Duration = .zero
        package var failovers: [Failovers.Outcome] = []
        /// How soon all went on after each of them, in words.
        package var recoveries: [String] = []

        /// All problems: troubles first, and only some of what may be thousands.
        package var problems: [String] { Array((troubles + violations.map(\.description)).prefix(30)) }
    }

    /// - Throws: Only if the harness itself fails.
    package func run() async throws -> Report {
        var run = self
        let missing = try await run.leaveOutWhatCannotBe()
        var report = try await run.runWhatCanBe()
        report.missing = missing
        return report
    }

    private func runWhatCanBe() async throws -> Report {
        let log = try HistoryLog(historyFile, process: "harness")
        let processes = try ProcessGroup(self, log)
        try FileManager.default.createSymbolicLink(atPath: handler, withDestinationPath: program)
        try await processes.runOnce(.founder)
        var report = Report()
        let memory = samples.map { MemorySampler(processes, every: $0) }
        let sizes = samples.map { SizeSampler(database, every: $0) }
        defer { _ = sizes?.stop() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for post in posts { group.addTask { try await processes.keepUp(post) } }
            if let memory { group.addTask { try await memory.run() } }
            async let _ = failovers?.holdSnapshot()
            async let struck = failovers?.strike(log, seed: seed)
            var nemesis = Nemesis(self, processes, log)
            (report.kills, report.actions) = try await nemesis.strike()
            report.sizes = sizes?.stop()
            report.memory = memory?.stop()
            if let struck = try await struck {
                report.failovers = struck.outcomes
                for trouble in struck.troubles { await processes.note(trouble) }
            }
            await processes.dismiss()
            try await group.waitForAll()
        }
        report.troubles = await processes.troubles
        report.troubles += try await drain(processes)
        try await judge(&report, await processes.names)
        return report
    }

    /// - Returns: What is wrong with it.
    private func drain(_ processes: ProcessGroup) async throws -> [String] {
        do {
            // A process that was killed may have left a queue paused.
            guard try await processes.runOnce(.founder) == .exited(0) else {
                throw HistoryError("the founder has not made the drain ready; see \(errorFile)")
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await processes.keepUpUntilDismissed(.reaper) }
                for _ in 1...2 { group.addTask { try await processes.runUntilGood(.drain) } }
                group.addTask {
                    try await Task.sleep(for: .seconds(120))
                    throw HistoryError("the drain does not come to its end")
                }
                for _ in 1...2 { try await group.next() }
                await processes.dismiss()
                group.cancelAll()
            }
            return []
        } catch let error as HistoryError {
            return [error.description]
        }
    }

    func judge(_ report: inout Report, _ names: [Post: [String]] = [:]) async throws {
        let final: FinalState
        if isOnServer {
            final = try await FinalState(of: failovers?.directURL ?? database)
        } else {
            final = try FinalState(of: database, isDrained: true)
        }
        let checker = HistoryChecker(
            try HistoryLog.read(historyFile), final, busyTimeout: isOnServer ? nil : Player.busyTimeout)
        report.violations = checker.violations()
        report.summary = checker.summary
        let shares = checker.shares
        for (post, names) in names where post.surroundings == .plain {
            report.shares[post.role, default: []].append(names.reduce(0) { $0 + shares[$1, default: 0] })
        }
        report.supervisedWriters = checker.supervisedWriters
        report.longestCall = checker.longestCall
        failovers?.judge(&report, checker)
        for job in final.jobs where job.states == ["buried"] {
            let kind = JobKind(payload: job.reference)
            let isDeserved =
                kind == .bury || kind == .poison || checker.history.jobHistories[job.id]?.buries.isEmpty == false
            if !isDeserved { report.troubles.append("the innocent job \(job.id), \(job.reference), is buried") }
        }
        for job in final.jobs where job.states == ["done"] && JobKind(payload: job.reference) == .poison {
            report.troubles.append("the poisonous job \(job.id), \(job.reference), is done")
        }
        if !isOnServer { report.troubles += try await integrity() }
        // What Swift writes before a trap, and other unexpected output.
        let errors = try String(contentsOfFile: errorFile, encoding: .utf8)
        for line in errors.split(separator: "\n") where line.contains("Fatal error") || line.contains(" critical ") {
            if !isExpected(line) { report.troubles.append("a process said: \(line)") }
        }
    }

    private func isExpected(_ line: Substring) -> Bool {
        // Killed at its start by the harness, or ordered to stop before it had learnt to listen.
        if line.contains("a worker ended at its start") {
            return line.contains("how=was killed by SIGKILL")
                || orders > 0 && line.contains("how=was killed by SIGTERM")
                || moves > 0 && line.contains("there is no program")
                || descriptors > 0 && line.contains("Too many open files")
        }
        guard replacements > 0 else { return false }
        return line.contains("database cannot be used any more")
            || line.contains("the worker ends without settling its jobs")
    }
}
