import ArgumentParser
import Foundation
import Stint
import StintCore
import StintWorker

/// `stint-bench handlers` starts it for each turn: it works until the queue is empty, and prints the seconds that this
/// took, including the start of worker processes.
struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "What stint-bench starts for each turn of `handlers`.", shouldDisplay: false)

    @Argument var way: HandlerWay
    @Argument var database: String
    /// 0: this process works by itself, without a supervisor.
    @Argument var workers: Int
    /// Whether supervised workers write to the store by themselves.
    @Flag var direct = false

    func run() async throws {
        let queue = try await JobQueue(.sqlite(database))
        let start = MonotonicClock.nanoseconds()
        if workers == 0 {
            try await worker(queue).run()
        } else {
            var options = SupervisorOptions()
            options.workers = workers
            options.sharesWriter = !direct
            try await Supervisor(queue, options: options, logger: .quiet) { try await worker($0) }.run()
        }
        print(Double(MonotonicClock.nanoseconds() - start) / 1e9)
    }

    private func worker(_ queue: JobQueue<SQLiteStore>) async throws -> Worker {
        var options = Worker.Options()
        options.concurrency = way.concurrency
        options.batch = 64
        options.ackDelay = .seconds(1)
        options.drains = true
        var worker = Worker(queue, queues: [StintWorkload.queue], options: options, logger: .quiet)
        switch way {
        case .commandTrue: try await worker.runCommand(CommandHandler(["/bin/true"]))
        case .commandPHP: try await worker.runCommand(CommandHandler(["php", "-n", "-r", ""]))
        case .pipePHP, .pipePHP16: try await worker.runPipe(PipeHandler(["php", "-n", "-r", Self.phpWorker]))
        case .swift: worker.registerOthers { _ in }
        }
        return worker
    }

    /// Reads a line and answers done.
    private static let phpWorker = """
        while (($line = fgets(STDIN)) !== false) {
            $job = json_decode($line, true);
            fwrite(STDOUT, json_encode(['id' => $job['id'], 'token' => $job['token'], 'verdict' => 'done']) . "\\n");
        }
        """
}
