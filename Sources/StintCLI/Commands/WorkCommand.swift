import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import StintCore
import StintWorker

struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Run a command for each job, in supervised worker processes.",
        discussion: """
            The command gets the payload on standard input and STINT_JOB_ID, STINT_QUEUE, STINT_ATTEMPT, \
            STINT_MAX_ATTEMPTS, STINT_TOKEN, STINT_CONTENT_TYPE and each header as STINT_HEADER_NAME. Its exit code \
            decides: 0 done; 75 retry later; 65 bury now; any other code: failed, retry with backoff; death by a \
            signal or a run past --timeout: crashed. With --pipe the command stays alive and gets one JSON line for \
            each job; see docs/pipe-protocol.md.

            A digest (put --on-conflict collect) comes with one payload on each line. With --digest-format \
            length-prefixed each payload has its length in bytes on a line before it and a line feed behind it, for \
            payloads with line feeds in them. STINT_EVENTS is their number, STINT_EVENT_CONTENT_TYPE the type of \
            each, and STINT_CONTENT_TYPE application/x-stint-lines or application/x-stint-length-prefixed.

            When a command ends, processes that it has started and left running are killed, even in a session of \
            their own (Linux). They are recognised by STINT_HANDLER_ID in their environment. Use systemd-run or the \
            like for a process that must outlive the job.

            A command that cannot be started costs no job an attempt: its jobs are given back, and the worker tries \
            again with one job after growing delays. If open files or processes run out, it runs fewer commands at \
            once.

            --drain waits for delayed jobs too, and reports at the end which jobs were buried meanwhile.

            SIGTERM and SIGINT let running handlers finish within --grace and then stop; a second SIGINT stops at \
            once. `stint workers restart` replaces the worker processes one by one, with the current version of the \
            program. SIGHUP does the same if there is no terminal, as under systemd. If there is one, SIGHUP means \
            that it was closed, and stops like SIGTERM. A stint that was started with nohup ignores SIGHUP.

            Jobs do not wait for a reader of the output: beyond 1 MiB of unread output lines are dropped, and their \
            number is reported later.

            Example:
              stint work --queue mail --workers 4 --timeout 1m -- php send-mail.php
              stint work --queue mail --pipe --max-memory 256M -- php worker.php
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Option(
        name: .customLong("queue"),
        help: ArgumentHelp("A queue to work on; may be repeated. (default: default)", valueName: "q"),
        transform: QueueName.init(_:))
    var queues: [QueueName] = []
    @Option(help: ArgumentHelp("The number of worker processes; each claims its own jobs.", valueName: "n"))
    var workers = 1
    @Option(help: ArgumentHelp("How many jobs a worker process runs at once.", valueName: "n"))
    var concurrency = 1
    @Option(help: ArgumentHelp("The most jobs that one claim takes. (default: as many as start soon)", valueName: "n"))
    var batch: Int?
    @Option(
        help: ArgumentHelp(
            "How many bytes of payloads a worker process may hold, waiting and running; the last job may exceed it. "
                + "(default: 64M)", valueName: "size"),
        transform: SizeArgument.init)
    var maxHeld: SizeArgument?
    @Option(
        help: ArgumentHelp(
            "How long a job stays with a worker that does not respond. (default: 30s)", valueName: "duration"),
        transform: DurationArgument.init)
    var lease = DurationArgument.seconds(30)
    @Option(
        help: ArgumentHelp("How long a job may run; then it is killed. (default: no limit)", valueName: "duration"),
        transform: DurationArgument.init)
    var timeout: DurationArgument?
    @Option(
        help: ArgumentHelp(
            "The delay after a first failure; it doubles, with jitter, up to 1h. (default: 1s)", valueName: "duration"),
        transform: DurationArgument.init)
    var retryDelay = DurationArgument.seconds(1)
    @Option(
        help: ArgumentHelp(
            "How long running jobs may continue after the order to stop. (default: 30s)", valueName: "duration"),
        transform: DurationArgument.init)
    var grace = DurationArgument.seconds(30)
    @Option(help: ArgumentHelp("Replace a worker process after this many jobs. (default: no limit)", valueName: "n"))
    var maxJobs: Int?
    @Option(
        help: ArgumentHelp(
            "Replace a worker process, or a --pipe command, that uses more memory than this between two jobs, such as "
                + "256M. (default: no limit)",
            valueName: "size"), transform: SizeArgument.init)
    var maxMemory: SizeArgument?
    @Option(
        help: ArgumentHelp(
            "Replace a worker process that is older than this. (default: no limit)", valueName: "duration"),
        transform: DurationArgument.init)
    var maxAge: DurationArgument?
    @Option(
        help: ArgumentHelp(
            "The most memory for data that a command may have; allocations beyond it fail. (default: no limit)",
            valueName: "size"),
        transform: SizeArgument.init)
    var memoryLimit: SizeArgument?
    @Option(
        help: ArgumentHelp(
            "How a command gets the payloads of a digest: one on each line, or with their lengths. (default: lines)",
            valueName: "lines|length-prefixed"), transform: DigestFormat.init(argument:))
    var digestFormat: DigestFormat = .lines
    @Flag(help: "Exit when nothing is ready, delayed or leased in these queues any more.")
    var drain = false
    @Flag(help: "With --drain: exit with 1 if a job was buried meanwhile.")
    var failIfBuried = false
    @Flag(help: "Keep the command alive and feed it jobs as JSON lines.")
    var pipe = false
    @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw wrongUsage("no command was given: put it after --") }
        guard (1...1_000).contains(workers) else { throw wrongUsage("--workers is \(workers); it must be 1 to 1000") }
        guard (1...1_000).contains(concurrency) else {
            throw wrongUsage("--concurrency is \(concurrency); it must be 1 to 1000")
        }
        if let batch, !(1...ClaimRequest.maximumLimit).contains(batch) {
            throw wrongUsage("--batch is \(batch); it must be 1 to \(ClaimRequest.maximumLimit)")
        }
        guard lease.duration >= .milliseconds(100) else {
            throw wrongUsage("--lease is \(lease.description); it must be at least 100ms")
        }
        if let timeout, timeout.duration == .zero { throw wrongUsage("--timeout is 0; leave it out for no limit") }
        guard drain || !failIfBuried else {
            throw wrongUsage("--fail-if-buried goes with --drain: without it the workers do not end")
        }
        if let maxJobs, maxJobs < 1 { throw wrongUsage("--max-jobs is \(maxJobs); it must be at least 1") }
        if let maxAge, maxAge.duration < .seconds(1) {
            throw wrongUsage("--max-age is \(maxAge.description); it must be at least 1s")
        }
    }

    func run() async throws {
        // In a worker process: before anything that takes time, so that a signal of the terminal does not end it.
        Supervisor.connectIfSupervised()
        let queue = try await database.open(creating: creation)
        // Before any process starts: a command that cannot run is a usage error, not a worker's death.
        try CommandHandler.check(command)
        CommandHandler.adoptOrphans()
        let supervisor = Supervisor(queue, options: supervisorOptions) { queue in try await worker(queue) }
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: supervisor, successTerminationBehavior: .gracefullyShutdownGroup),
            // An error that ends the reaper ends the supervisor too, which lets the workers finish first.
            .init(service: Reaper(queue), failureTerminationBehavior: .ignore),
        ]
        var drain: Drain?
        if !Worker.isSupervised {
            QueueHints(queues: workedQueues, known: try await queue.stats(), database: database).tell()
            if self.drain {
                drain = Drain(queue: queue, queues: workedQueues, database: database, start: wallClock())
            }
        }
        if let drain {
            services.append(.init(service: DrainProgress(drain: drain), successTerminationBehavior: .ignore))
        }
        let restart = RestartAfterMove(queue.store)
        // A worker process is ended by its supervisor, which starts itself again.
        if !Worker.isSupervised { services += restart.services }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: Worker.isSupervised ? [.sigterm] : [],
                logger: Logger(label: "stint.work")))
        try await Worker.isSupervised
            ? group.run() : WorkSignals(group: group, supervisor: supervisor, restart: restart).run()
        try restart.execIfMoved()
        if let drain, try await drain.reportBuried() > 0, failIfBuried { throw ExitCode(1) }
    }

    /// The queues without duplicates.
    private var workedQueues: [QueueName] {
        var seen: Set<QueueName> = []
        return queues.isEmpty ? [.default] : queues.filter { seen.insert($0).inserted }
    }

    private var supervisorOptions: SupervisorOptions {
        var options = SupervisorOptions()
        options.workers = workers
        options.gracePeriod = grace.duration
        options.heartbeatTimeout = max(lease.duration, .seconds(10))
        return options
    }

    private func worker(_ queue: JobQueue<AnyJobStore>) async throws -> Worker {
        var options = Worker.Options()
        options.concurrency = concurrency
        options.batch = batch
        if let maxHeld { options.budget = ByteBudget(bytes: Int(clamping: maxHeld.bytes)) }
        options.lease = lease.duration
        options.timeout = timeout?.duration
        options.gracePeriod = grace.duration
        options.recycling = Worker.Recycling(
            maxJobs: maxJobs, maxMemory: maxMemory?.bytes, maxAge: maxAge?.duration)
        options.drains = drain
        var worker = Worker(queue, queues: workedQueues, options: options)
        let retry: RetryPolicy =
            retryDelay.duration == .zero ? .immediate() : .exponential(base: retryDelay.duration)
        let variables = ["STINT_DB": queue.store.address]
        if pipe {
            worker.runPipe(
                try await PipeHandler(command, variables: variables, memoryLimit: memoryLimit?.bytes), retry: retry)
        } else {
            worker.runCommand(
                try await CommandHandler(
                    command, variables: variables, memoryLimit: memoryLimit?.bytes, digestFormat: digestFormat),
                retry: retry)
        }
        return worker
    }
}
