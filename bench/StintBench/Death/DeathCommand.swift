import ArgumentParser
import Foundation
import Stint
import StintCore
import StintPlatform
import TestSupport

/// How soon the job of a killed worker is ready again.
struct DeathCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "death",
        abstract: "From SIGKILL of a worker to the moment when its job is ready again.")

    @Option(help: "How many deaths of each kind.")
    var deaths = 20

    @OptionGroup var stint: StintProgram

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard deaths >= 1 else { throw ValidationError("--deaths must be above 0.") }
    }

    func run() async throws {
        let program = try stint.path()
        try await common.report("death") { folder in
            var series: [DeathSeries] = []
            for kind in DeathKind.allCases {
                say("death, \(kind.title)")
                if kind == .container, geteuid() != 0 {
                    series.append(DeathSeries(kind, milliseconds: [], skipped: "it needs root"))
                    continue
                }
                var times: [Double] = []
                for round in 1...deaths {
                    times.append(try await measure(kind, folder.path("\(kind.rawValue)-\(round).db"), program))
                }
                series.append(DeathSeries(kind, milliseconds: times))
            }
            return DeathFindings(series: series)
        }
    }

    /// - Returns: Milliseconds until another connection sees the job without a lease.
    private func measure(_ kind: DeathKind, _ file: String, _ program: String) async throws -> Double {
        let queue = try await JobQueue(.sqlite(file))
        try await queue.enqueue(payload: [])
        let command = kind.command(program, file, queue: "default", work: ["sleep", "1000"])
        return try await StintProgram.whileRunning(command) { pid in
            guard kind != .supervised else { return try await kill(pid, kind, queue) }
            // The other process, which has work of its own.
            let other = DeathKind.supervised.command(program, file, queue: "other", work: ["true"])
            return try await StintProgram.whileRunning(other) { _ in
                try await eventually("the other worker is there") { try await queue.store.workers().count == 2 }
                return try await kill(pid, kind, queue)
            }
        }
    }

    private func kill(_ pid: pid_t, _ kind: DeathKind, _ queue: JobQueue<SQLiteStore>) async throws -> Double {
        try await eventually("the job has started") {
            try await queue.store.workers().contains { $0.started?.isEmpty == false }
        }
        // So that it stays ready.
        try await queue.pause(.default)
        let started = try await queue.store.workers().first { $0.started?.isEmpty == false }
        guard let process = started.flatMap({ ProcessIdentity($0.registration.process) }) else {
            throw BenchError("the worker has ended before it was killed")
        }
        let killed = MonotonicClock.nanoseconds()
        switch kind {
        case .supervised: Platform.kill(process.processID)
        case .withSupervisor:
            Platform.kill(pid)
            Platform.kill(process.processID)
        // That of unshare and of the first process of its pid namespace: the kernel kills all others.
        case .container: Platform.killGroup(pid)
        }
        try await eventually("the job is ready again", every: .milliseconds(1)) {
            try await queue.store.stats().contains { $0.ready == 1 }
        }
        return Double(MonotonicClock.nanoseconds() - killed) / 1e6
    }
}

private enum Platform {
    static func kill(_ pid: pid_t) { _ = Foundation.kill(pid, SIGKILL) }

    static func killGroup(_ pid: pid_t) { _ = Foundation.kill(-pid, SIGKILL) }
}
