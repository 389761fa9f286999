import ArgumentParser
import Foundation
import Stint
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// How soon the job of a killed worker is ready again.
struct DeathCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "death",
        abstract: "From SIGKILL of a worker to the moment when its job is ready again.")

    @Option(help: "How many deaths of each kind.")
    var deaths = 20

    @Option(help: "The program whose workers are killed; the stint beside this program by default.")
    var program: String?

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard deaths >= 1 else { throw ValidationError("--deaths must be above 0.") }
    }

    func run() async throws {
        let own = URL(fileURLWithPath: Bundle.main.executablePath ?? CommandLine.arguments[0])
        let program = program ?? own.deletingLastPathComponent().appendingPathComponent("stint").path
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw ValidationError("\(program) is not there: build it with `make build`, or name it with --program")
        }
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
        return try await whileRunning(kind.command(program, file, queue: "default", work: ["sleep", "1000"])) { pid in
            guard kind != .supervised else { return try await kill(pid, kind, queue) }
            // The other process, which has work of its own.
            return try await whileRunning(DeathKind.supervised.command(program, file, queue: "other", work: ["true"])) {
                _ in
                try await Self.wait("the other worker") { try await queue.store.workers().count == 2 }
                return try await kill(pid, kind, queue)
            }
        }
    }

    private func kill(_ pid: pid_t, _ kind: DeathKind, _ queue: JobQueue<SQLiteStore>) async throws -> Double {
        try await Self.wait("the job to start") {
            try await queue.store.workers().contains { $0.started?.isEmpty == false }
        }
        // So that it stays ready.
        try await queue.pause(.default)
        guard let worker = try await queue.store.workers().first(where: { $0.started?.isEmpty == false }) else {
            throw BenchError("the worker has ended before it was killed")
        }
        let killed = MonotonicClock.nanoseconds()
        switch kind {
        case .supervised: Platform.kill(worker.registration.process.processID)
        case .withSupervisor:
            Platform.kill(pid)
            Platform.kill(worker.registration.process.processID)
        // That of unshare and of the first process of its pid namespace: the kernel kills all others.
        case .container: Platform.killGroup(pid)
        }
        try await Self.wait("the job to be ready again") { try await queue.store.stats().contains { $0.ready == 1 } }
        return Double(MonotonicClock.nanoseconds() - killed) / 1e6
    }

    private func whileRunning<Result: Sendable>(_ command: [String], _ body: (pid_t) async throws -> Result)
        async throws
        -> Result
    {
        var options = PlatformOptions()
        options.createSession = true
        return try await Subprocess.run(
            command[0].contains("/") ? .path(FilePath(command[0])) : .name(command[0]),
            arguments: Arguments(Array(command.dropFirst())), platformOptions: options, input: .none,
            output: .discarded, error: .discarded
        ) { execution in
            let pid = execution.processIdentifier.value
            defer { Platform.killGroup(pid) }
            return try await body(pid)
        }.closureResult
    }

    private static func wait(_ what: String, until isSo: () async throws -> Bool) async throws {
        let deadline = MonotonicClock.nanoseconds() + 30_000_000_000
        while try await !isSo() {
            guard MonotonicClock.nanoseconds() < deadline else { throw BenchError("waited 30 s for \(what)") }
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}

private enum Platform {
    static func kill(_ pid: pid_t) { _ = Foundation.kill(pid, SIGKILL) }

    static func killGroup(_ pid: pid_t) { _ = Foundation.kill(-pid, SIGKILL) }
}
