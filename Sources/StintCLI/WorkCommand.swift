import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import StintCore
import StintSQLite
import StintWorker

struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Run a command for each job.",
        discussion: """
            The command gets the payload on standard input and STINT_JOB_ID, STINT_QUEUE, STINT_ATTEMPT,
            STINT_MAX_ATTEMPTS, STINT_TOKEN, STINT_CONTENT_TYPE and each header as STINT_HEADER_NAME. Its exit code
            decides: 0 done; 75 retry later; 65 bury now; any other code: failed, retry with backoff; death by a signal
            or a run past --timeout: crashed. SIGTERM and SIGINT let running commands finish (30 s) and stop.

            Example:
              stint work --queue mail --workers 4 --timeout 1m -- php send-mail.php
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(
        name: .customLong("queue"),
        help: ArgumentHelp("A queue to work on; may be repeated. (default: default)", valueName: "q"),
        transform: QueueName.init(_:))
    var queues: [QueueName] = []
    @Option(
        help: ArgumentHelp(
            "How many processes, each of which claims its own jobs and runs one at a time.", valueName: "n"))
    var workers = 1
    @Option(help: ArgumentHelp("How many jobs one claim takes.", valueName: "n"))
    var batch = 1
    @Option(
        help: ArgumentHelp("How long a job stays with a worker that went silent.", valueName: "duration"),
        transform: DurationArgument.init)
    var lease = DurationArgument.seconds(30)
    @Option(
        help: ArgumentHelp("How long a command may run; then it is killed. (default: no limit)", valueName: "duration"),
        transform: DurationArgument.init)
    var timeout: DurationArgument?
    @Option(
        help: ArgumentHelp("The wait after a first failure; it doubles, with jitter, up to 1h.", valueName: "duration"),
        transform: DurationArgument.init)
    var retryDelay = DurationArgument.seconds(1)
    @Flag(help: "End when nothing is ready, delayed or leased in these queues any more.")
    var drain = false
    /// Given to the processes that `--workers` starts.
    @Flag(name: .customLong("worker-process"), help: .hidden)
    var isWorkerProcess = false
    @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw wrongUsage("no command was given: put it after --") }
        guard (1...1_000).contains(workers) else { throw wrongUsage("--workers is \(workers); it must be 1 to 1000") }
        guard (1...ClaimRequest.maximumLimit).contains(batch) else {
            throw wrongUsage("--batch is \(batch); it must be 1 to \(ClaimRequest.maximumLimit)")
        }
        guard lease.duration >= .milliseconds(100) else {
            throw wrongUsage("--lease is \(lease.description); it must be at least 100ms")
        }
        if let timeout, timeout.duration == .zero { throw wrongUsage("--timeout is 0; leave it out for no limit") }
    }

    func run() async throws {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .notice
            return handler
        }
        let queue = try await database.open(creates: true)
        let handler = try await CommandHandler(command, variables: ["STINT_DB": queue.store.path])
        var services: [ServiceGroupConfiguration.ServiceConfiguration]
        if workers > 1 {
            let processes = WorkerProcesses(count: workers, arguments: childArguments(database: queue.store.path))
            services = [.init(service: processes, successTerminationBehavior: .gracefullyShutdownGroup)]
        } else {
            services = [
                .init(service: worker(queue, handler), successTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: Reaper(queue)),
            ]
        }
        if drain && !isWorkerProcess {
            services.append(.init(service: DrainProgress(queue: queue, queues: workedQueues)))
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "stint.work")))
        try await group.run()
    }

    private var workedQueues: [QueueName] { queues.isEmpty ? [.default] : queues }

    private func worker(_ queue: JobQueue<SQLiteStore>, _ handler: CommandHandler) -> Worker {
        var options = Worker.Options()
        options.batch = batch
        options.lease = lease.duration
        options.timeout = timeout?.duration
        options.drains = drain
        var worker = Worker(queue, queues: workedQueues, options: options)
        let retry: RetryPolicy =
            retryDelay.duration == .zero ? .immediate() : .exponential(base: retryDelay.duration)
        worker.runCommand(handler, retry: retry)
        return worker
    }

    // MARK: - Several processes

    private func childArguments(database: String) -> [String] {
        var arguments = [
            "work", "--worker-process", "--db", database, "--batch", "\(batch)", "--lease", lease.description,
            "--retry-delay",
            retryDelay.description,
        ]
        for queue in workedQueues { arguments += ["--queue", queue.description] }
        if let timeout { arguments += ["--timeout", timeout.description] }
        if drain { arguments.append("--drain") }
        return arguments + ["--"] + command
    }
}

/// Shows how far the draining has come.
private struct DrainProgress: Service {
    let queue: JobQueue<SQLiteStore>
    let queues: [QueueName]

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var bar = ProgressBar(total: nil)
            defer { bar.finish() }
            do {
                let start = try await counts()
                while !Task.isCancelled {
                    try await Task.sleep(for: .milliseconds(200))
                    let now = try await counts()
                    let (done, buried) = (now.done - start.done, max(0, now.buried - start.buried))
                    bar.update(
                        done + buried, of: done + buried + now.left, "\(done) done, \(buried) buried, \(now.left) left")
                }
            } catch {
                // Cancelled, or the store cannot be read: the worker says so itself.
                return
            }
        }
    }

    private func counts() async throws -> (done: Int, buried: Int, left: Int) {
        try await queue.store.stats().filter { queues.contains($0.name) }
            .reduce((0, 0, 0)) { ($0.0 + $1.done, $0.1 + $1.buried, $0.2 + $1.unfinished) }
    }
}
