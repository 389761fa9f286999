import Logging
import ServiceLifecycle
import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Runs workers in processes of their own, so that a job that crashes takes nothing along but its worker, which is
/// replaced at once, and is known within milliseconds.
///
///     let supervisor = Supervisor(queue, workers: 4) { queue in
///         var worker = Worker(queue, queues: ["mail"], concurrency: 8)
///         worker.registerJob(SendNewsletter.self) { job, context in try await mailer.send(job) }
///         return worker
///     }
///     try await ServiceGroup(
///         services: [supervisor, Reaper(queue)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
///
/// The worker processes are this same program, started again with the same arguments: `main` runs in each of them too, up
/// to ``run()``, which works there and does not return. What a worker process must not do, such as listening on a port,
/// goes behind `if !Worker.isSupervised`.
///
/// It needs no other supervisor, no root and no terminal. When it is killed, its workers notice, kill their handlers,
/// release their jobs and end.
public struct Supervisor: Service {
    private let pool: WorkerPool
    private let makeWorker: @Sendable () async throws -> Worker

    /// - Parameters:
    ///   - workers: How many processes; it replaces the number in `options`.
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
    /// Graceful shutdown lets handlers finish within the grace period; what has not finished then is killed, and its job
    /// released. Cancellation kills at once and releases all jobs. In a worker process this works and then ends the
    /// process.
    ///
    /// - Throws: ``StintError`` where this program's own path cannot be found, or, with the code `databaseUnusable`, when
    ///   the database was deleted or replaced; the workers have ended then as after the order to stop. A worker process ends
    ///   with exit code 69 then.
    public func run() async throws {
        if let supervisorConnection = SupervisorConnection.current {
            var worker = try await makeWorker()
            worker.supervisorConnection = supervisorConnection
            supervisorConnection.beat(every: pool.options.beatInterval)
            do {
                supervisorConnection.sayLast(.ending(try await worker.work()))
            } catch {
                // The worker has said why.
                supervisorConnection.sayLast(.ending(.lost))
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

    /// Replaces the workers one by one, each only when its successor works: a new version of the program takes over
    /// without a gap. A successor that does not start leaves the old workers as they are. Called while that is under way,
    /// it does it once more afterwards, with the program that is there then; it returns when all is done.
    ///
    /// The same happens when somebody asks for it through the store: `stint workers restart`.
    public func restart() async {
        await pool.restart()
    }
}

extension Worker {
    /// Whether this process was started by a ``Supervisor`` to work.
    public static var isSupervised: Bool { SupervisorConnection.current != nil }
}
