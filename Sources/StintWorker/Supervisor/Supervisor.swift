import Logging
import ServiceLifecycle
import StintCore
import StintPlatform

/// Runs workers in processes of their own, so that a job that crashes ends only its own worker. The crash is known
/// within milliseconds, and the worker is replaced at once.
///
///     let supervisor = Supervisor(queue, workers: 4) { queue in
///         var worker = Worker(queue, queues: ["mail"], concurrency: 8)
///         worker.registerJob(SendNewsletter.self) { job, context in try await mailer.send(job) }
///         return worker
///     }
///     try await ServiceGroup(
///         services: [supervisor, Reaper(queue)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
///
/// The worker processes are this same program, started with the same arguments. `main` runs in each of them too, up to
/// ``run()``, which connects it to its supervisor, runs the worker and does not return. Guard what a worker process
/// must not do, such as listening on a port, with `if !Worker.isSupervised`.
///
/// It needs no other supervisor, no root and no terminal. When it is killed, its workers notice, kill their handlers,
/// release their jobs and end.
public struct Supervisor: Service {
    private let pool: WorkerPool
    private let makeWorker: @Sendable () async throws -> Worker

    /// - Parameters:
    ///   - workers: How many processes; overrides the number in `options`.
    ///   - makeWorker: Called in each worker process.
    public init<Store>(
        _ queue: JobQueue<Store>, workers: Int? = nil, options: SupervisorOptions = SupervisorOptions(),
        logger: Logger = Logger(label: "stint.supervisor"),
        worker makeWorker: @escaping @Sendable (JobQueue<Store>) async throws -> Worker
    ) {
        var options = options
        if let workers { options.workers = workers }
        precondition(options.workers >= 1, "a supervisor has at least one worker")
        self.makeWorker = { try await makeWorker(queue) }
        pool = WorkerPool(store: queue.store, options: options, logger: logger)
    }

    /// Starts the workers and keeps them running until graceful shutdown or cancellation, or until all have drained.
    ///
    /// Graceful shutdown lets handlers finish within the grace period; those that have not finished then are killed,
    /// and their jobs released. Cancellation kills at once and releases all jobs. In a worker process this runs the
    /// worker and then ends the process.
    ///
    /// - Throws: ``StintError`` if this program's own path cannot be found, or, with the code `databaseUnusable`, if
    ///   the database was deleted or replaced; then the workers have ended as after the order to stop. A worker process
    ///   then ends with exit code 69.
    public func run() async throws {
        if let supervisorConnection = SupervisorConnection.connect() {
            var worker = try await makeWorker()
            worker.supervisorConnection = supervisorConnection
            worker.store = supervisorConnection.store(worker.store)
            supervisorConnection.beat(every: pool.options.beatInterval)
            do {
                supervisorConnection.sendLast(.ending(try await worker.work()))
            } catch {
                // The worker has logged why.
                supervisorConnection.sendLast(.ending(.lost))
                exit(69)
            }
            exit(0)
        }
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await pool.run()
            } onGracefulShutdown: {
                Task { await pool.stop() }
            }
        } onCancel: {
            Task { await pool.stopAtOnce() }
        }
    }

    /// If a supervisor started this process to work, makes it that supervisor's worker: from now on it ends when the
    /// supervisor dies, leaves the signals of the terminal (SIGINT, SIGHUP) to it, and ignores SIGPIPE. Processes that
    /// it starts are not taken for workers. In any other process this does nothing.
    ///
    /// ``run()`` does this first. Call it at the start of `main` if the program does much before, or starts processes.
    ///
    /// - Returns: ``Worker/isSupervised``.
    @discardableResult
    public static func connectIfSupervised() -> Bool { SupervisorConnection.connect() != nil }

    /// Replaces the workers one by one, each only when its successor works, so that a new version of the program takes
    /// over without a gap. If a successor does not start, the old workers stay. A call during a restart causes one more
    /// restart afterwards, with the program that is there then. Returns when all is done.
    ///
    /// A request through the store does the same: `stint workers restart`.
    public func restart() async {
        await pool.restart()
    }
}

extension Worker {
    /// Whether this process was started by a ``Supervisor`` to work. Reading it changes nothing: the process becomes a
    /// worker in ``Supervisor/run()``, or before in ``Supervisor/connectIfSupervised()``.
    public static var isSupervised: Bool { SupervisorConnection.isOffered }
}
