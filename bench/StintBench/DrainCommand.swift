import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import Stint
import StintCore

/// How jobs are run, each with as many jobs as take a second or two.
enum HandlerWay: String, CaseIterable, Codable, ExpressibleByArgument {
    case commandTrue, commandPHP, pipePHP, pipePHP16, swift, supervised, supervised2

    var jobs: Int {
        switch self {
        case .commandTrue, .commandPHP: 400
        case .pipePHP, .pipePHP16: 10_000
        case .swift, .supervised, .supervised2: 60_000
        }
    }

    var title: String {
        switch self {
        case .commandTrue: "a command per job: /bin/true"
        case .commandPHP: "a command per job: php -n -r ''"
        case .pipePHP: "--pipe with PHP, one at once"
        case .pipePHP16: "--pipe with PHP, 16 at once"
        case .swift: "in process, no supervisor"
        case .supervised: "in process, supervisor and 1 worker"
        case .supervised2: "in process, supervisor and 2 workers"
        }
    }

    var needsPHP: Bool {
        switch self {
        case .commandPHP, .pipePHP, .pipePHP16: true
        case .commandTrue, .swift, .supervised, .supervised2: false
        }
    }
}

/// `stint-bench handlers` starts it for each round: it works until the queue is empty, and prints the seconds that this
/// took, including the start of worker processes.
struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "What stint-bench starts for each round of `handlers`.", shouldDisplay: false)

    @Argument var way: HandlerWay
    @Argument var database: String

    func run() async throws {
        let queue = try await JobQueue(.sqlite(database))
        let start = MonotonicClock.nanoseconds()
        switch way {
        case .supervised, .supervised2:
            let supervisor = Supervisor(queue, workers: way == .supervised ? 1 : 2, logger: Self.quiet) { queue in
                var worker = worker(queue)
                worker.registerOthers { _ in }
                return worker
            }
            try await supervisor.run()
        case .commandTrue: try await drain(queue) { try await $0.runCommand(CommandHandler(["/bin/true"])) }
        case .commandPHP: try await drain(queue) { try await $0.runCommand(CommandHandler(["php", "-n", "-r", ""])) }
        case .pipePHP, .pipePHP16:
            try await drain(queue) { try await $0.runPipe(PipeHandler(["php", "-n", "-r", Self.phpWorker])) }
        case .swift: try await drain(queue) { $0.registerOthers { _ in } }
        }
        print(Double(MonotonicClock.nanoseconds() - start) / 1e9)
    }

    private func drain(_ queue: JobQueue<SQLiteStore>, _ register: (inout Worker) async throws -> Void) async throws {
        var worker = worker(queue)
        try await register(&worker)
        try await worker.run()
    }

    private func worker(_ queue: JobQueue<SQLiteStore>) -> Worker {
        var options = Worker.Options()
        options.concurrency = way == .pipePHP16 ? 16 : 1
        options.batch = 64
        options.ackDelay = .seconds(1)
        options.drains = true
        return Worker(queue, queues: [StintWorkload.queue], options: options, logger: Self.quiet)
    }

    private static let quiet = Logger(label: "stint-bench") { _ in SwiftLogNoOpLogHandler() }

    /// Reads a line and answers done.
    private static let phpWorker = """
        while (($line = fgets(STDIN)) !== false) {
            $job = json_decode($line, true);
            fwrite(STDOUT, json_encode(['id' => $job['id'], 'token' => $job['token'], 'verdict' => 'done']) . "\\n");
        }
        """
}

/// Runs one job again and again, for ever: notes when and in which process it was started.
struct ReviveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revive", abstract: "What stint-bench starts to kill its workers.", shouldDisplay: false)

    @Argument var workers: Int
    @Argument var database: String
    @Argument var notes: String

    func run() async throws {
        let queue = try await JobQueue(.sqlite(database))
        let notes = notes
        let quiet = Logger(label: "stint-bench") { _ in SwiftLogNoOpLogHandler() }
        let supervisor = Supervisor(queue, workers: workers, logger: quiet) { queue in
            var worker = Worker(queue, queues: [StintWorkload.queue], logger: quiet)
            worker.registerOthers { _ in
                let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: notes))
                try handle.seekToEnd()
                try handle.write(contentsOf: Data("\(getpid()) \(MonotonicClock.nanoseconds())\n".utf8))
                try await Task.sleep(for: .seconds(3_600))
            }
            return worker
        }
        try await supervisor.run()
    }
}
