import Foundation
import History
import StintCore
import StintSQLite

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
    /// The number of deaths, spread over the duration.
    package var kills = 0
    /// The number of processes that are stopped (SIGSTOP) for longer than a lease, and then continued.
    package var stops = 0
    /// How often a program holds the write lock for longer than a lease, all processes are stopped for as long, and a
    /// tree of processes gets SIGTERM.
    package var locks = 0
    package var freezes = 0
    package var orders = 0
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

    var database: String { folder + "/stint.db" }
    var historyFile: String { folder + "/history" }
    var errorFile: String { folder + "/errors" }

    /// What happened.
    package struct Report: Sendable {
        package var summary = ""
        package var kills: [Role: Int] = [:]
        package var stops = 0
        package var violations: [Violation] = []
        /// Other problems.
        package var troubles: [String] = []
        package var sizes: SizeReport?
        /// How many jobs each process of a role has enqueued or started.
        package var shares: [Role: [Int]] = [:]
        package var longestCall: Duration = .zero

        /// All problems: troubles first, and only some of what may be thousands.
        package var problems: [String] { Array((troubles + violations.map(\.description)).prefix(30)) }
    }

    /// - Throws: Only if the harness itself fails.
    package func run() async throws -> Report {
        let log = try HistoryLog(historyFile, process: "harness")
        let processes = ProcessGroup(self, log)
        try await processes.runOnce(.founder)
        var report = Report()
        let sampler = samples.map { interval in SizeSampler(self, processes, every: interval) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (role, count) in roles {
                for number in 0..<count { group.addTask { try await processes.keepUp(role, number) } }
            }
            if let sampler { group.addTask { try await sampler.run() } }
            var nemesis = Nemesis(self, processes)
            (report.kills, report.stops) = try await nemesis.strike()
            sampler?.stop()
            await processes.dismiss()
            try await group.waitForAll()
        }
        report.sizes = sampler?.report
        report.troubles = await processes.troubles
        report.troubles += try await drain(processes)
        try await judge(&report)
        return report
    }

    /// - Returns: What is wrong with it.
    private func drain(_ processes: ProcessGroup) async throws -> [String] {
        do {
            // A process that was killed may have left a queue paused.
            try await processes.runOnce(.founder)
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

    func judge(_ report: inout Report) async throws {
        let final = try FinalState(of: database, isDrained: true)
        let checker = HistoryChecker(try HistoryLog.read(historyFile), final, busyTimeout: Player.busyTimeout)
        report.violations = checker.violations()
        report.summary = checker.summary
        for role in roles.keys { report.shares[role] = checker.shares(of: role.rawValue) }
        report.longestCall = checker.longestCall
        for job in final.jobs where job.states == ["buried"] {
            let kind = JobKind(payload: job.reference)
            let isDeserved =
                kind == .bury || kind == .poison || checker.history.stories[job.id]?.buries.isEmpty == false
            if !isDeserved { report.troubles.append("the innocent job \(job.id), \(job.reference), is buried") }
        }
        for job in final.jobs where job.states == ["done"] && JobKind(payload: job.reference) == .poison {
            report.troubles.append("the poisonous job \(job.id), \(job.reference), is done")
        }
        let store = try SQLiteStore(path: database)
        for finding in try await store.examine() where !finding.isGood {
            report.troubles.append("\(finding.subject): \(finding.description)")
        }
        report.troubles += try integrity()
        // What Swift writes before a trap, and other unexpected output.
        let errors = try String(contentsOfFile: errorFile, encoding: .utf8)
        for line in errors.split(separator: "\n") where line.contains("Fatal error") || line.contains(" critical ") {
            report.troubles.append("a process said: \(line)")
        }
    }
}
