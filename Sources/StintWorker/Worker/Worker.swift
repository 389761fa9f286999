import Logging
import ServiceLifecycle
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Claims jobs and runs their handlers, until it is told to stop.
///
///     var worker = Worker(queue, queues: ["mail"], concurrency: 8)
///     worker.registerJob(SendNewsletter.self, retry: .exponential(maxAttempts: 5)) { job, context in
///         try await mailer.send(job)
///     }
///     try await ServiceGroup(services: [worker, Reaper(queue)], gracefulShutdownSignals: [.sigterm], logger: logger).run()
///
/// A handler that returns acknowledges its job. One that throws fails it, and it runs again after the retry policy's
/// delay, or is buried when no attempts are left. One that throws a ``JobVerdict`` says itself what shall happen.
/// A job whose name is not registered, or whose parameters do not decode, is buried with the reason.
///
/// Any number of workers, in any number of processes, can share a queue. While a handler runs, the worker extends the
/// job's lease; when the lease is lost all the same, it cancels the handler's task.
public struct Worker: Service {
    public struct Options: Sendable {
        /// How many handlers run at once.
        public var concurrency = 1
        /// How many jobs one claim may take; what exceeds `concurrency` waits in this process. `nil`: as `concurrency` at
        /// first, and then up to 64. In either case no more than can be started within a quarter of a second and a tenth
        /// of the lease, as jobs took lately; and of a queue that is almost empty, no more than this worker's share.
        public var batch: Int?
        /// How many bytes of payloads and headers this worker may hold, in jobs that wait in it, that run, and that are to
        /// be enqueued with an ack. It claims no more once it holds as much, and the last job may go past it, so that the
        /// largest one (``NewJob/maximumPayloadBytes``) can be run whatever the budget. A handler's own copies count extra:
        /// a command line of `--pipe` has a payload as base64.
        public var budget = ByteBudget.standard
        /// How long a job stays with a worker that went silent. A living worker extends it in time.
        public var lease: Duration = .seconds(30)
        /// How long a handler may take where neither the job nor the handler's registration says; `nil`: for ever.
        public var timeout: Duration?
        /// How long a finished job may wait for others to be acknowledged with it in one transaction. Zero: not at all;
        /// what finishes while a transaction is under way goes with the next. A worker that is killed runs the jobs
        /// again that it had finished and not acknowledged.
        public var ackDelay: Duration = .zero
        /// How often an idle worker looks for jobs, should it not have been told of one: the store tells it of changes by
        /// any process, at once.
        public var pollInterval: Duration = .seconds(5)
        /// How long running handlers may go on after the worker was told to stop; then they are cancelled, and their
        /// jobs released without using up an attempt.
        public var gracePeriod: Duration = .seconds(30)
        /// When to end in an orderly way although there is work: under a ``Supervisor`` a fresh process follows.
        public var recycling = Recycling()
        /// Whether to stop when nothing is ready, delayed or leased in the queues any more.
        public var drains = false
        /// Who holds the leases, for people.
        public var name = ProcessIdentity.current.name

        public init() {}
    }

    /// What ends a worker process that has done enough; `nil`: never for this reason.
    public struct Recycling: Sendable, Hashable {
        /// How many jobs it may start.
        public var maxJobs: Int?
        /// How much memory may be resident, in bytes; looked at between jobs. A handler in a process of its own that
        /// stays alive counts, and not the worker.
        public var maxMemory: Int64?
        /// How old it may become.
        public var maxAge: Duration?

        public init(maxJobs: Int? = nil, maxMemory: Int64? = nil, maxAge: Duration? = nil) {
            self.maxJobs = maxJobs
            self.maxMemory = maxMemory
            self.maxAge = maxAge
        }
    }

    package let queues: [QueueName]
    var options: Options
    let store: any JobStore
    var clock: any QueueClock { store.clock }
    let logger: Logger
    var handlers = Handlers()
    /// The supervisor of this process, where it has one.
    var supervisorConnection: SupervisorConnection?

    /// - Parameters:
    ///   - queues: Claimed together, by priority and then age over all of them. At least one.
    ///   - concurrency: How many handlers run at once; it replaces the one in `options`.
    ///   - logger: The worker logs from its own tasks, between claims and heartbeats. So its log handler must not block, also
    ///     where nobody reads what it writes: one that writes to standard error itself waits for whoever reads that, and
    ///     leases run out meanwhile.
    public init<Store>(
        _ queue: JobQueue<Store>, queues: [QueueName], concurrency: Int? = nil, options: Options = Options(),
        logger: Logger = Logger(label: "stint.worker")
    ) {
        var options = options
        if let concurrency { options.concurrency = concurrency }
        precondition(!queues.isEmpty, "a worker needs at least one queue")
        precondition(options.concurrency >= 1, "a worker runs at least one handler at once")
        precondition(
            (1...ClaimRequest.maximumLimit).contains(options.batch ?? 1),
            "a batch is between 1 and \(ClaimRequest.maximumLimit) jobs")
        precondition(options.lease >= .milliseconds(10), "a lease of less than 10 ms cannot be kept up")
        self.queues = queues
        self.options = options
        self.store = queue.store
        self.logger = logger
    }

    /// Runs jobs of this kind with `handler`.
    ///
    /// - Parameters:
    ///   - retry: When a failed job runs again. The smaller of its `maxAttempts` and the job's own counts.
    ///   - timeout: How long one run may take, where the job itself does not say. The handler's task is then cancelled,
    ///     and the attempt has failed.
    public mutating func registerJob<Parameters: JobParameters>(
        _ type: Parameters.Type = Parameters.self, retry: RetryPolicy = .exponential(), timeout: Duration? = nil,
        handler: @escaping @Sendable (Parameters, JobContext) async throws -> Void
    ) {
        handlers.byName[ByteText(Parameters.jobName)] = Handler(retry: retry, timeout: timeout) { context, _ in
            let parameters: Parameters
            do {
                parameters = try JSONDecoder().decode(Parameters.self, fromBytes: context.job.payload)
            } catch {
                throw JobVerdict.bury("its parameters do not decode as '\(Parameters.jobName)': \(error)")
            }
            try await handler(parameters, context)
        }
    }

    /// Runs every job whose name is not registered, or that has none, with `handler`; the payload is in `context.job`.
    public mutating func registerOthers(
        retry: RetryPolicy = .exponential(), timeout: Duration? = nil,
        handler: @escaping @Sendable (JobContext) async throws -> Void
    ) {
        handlers.others = Handler(retry: retry, timeout: timeout) { context, _ in try await handler(context) }
    }

    /// Works until graceful shutdown or cancellation, or, with `drains`, until the queues are empty, or until one of the
    /// limits of `recycling` is reached.
    ///
    /// On graceful shutdown it claims no more, releases what it has not started, and gives running handlers the grace
    /// period. On cancellation it cancels them at once. In both cases all it can settle is settled when this returns.
    ///
    /// - Throws: ``StintError`` with the code `databaseUnusable` if the database was deleted or replaced while this program
    ///   had it open. Handlers had the grace period to finish, but what they did could not be settled. Start the program
    ///   again.
    public func run() async throws {
        _ = try await work()
    }

    func work() async throws -> WorkerLoop.Ending {
        let loop = WorkerLoop(self)
        // In a task of its own: cancelling this one must not cut the settling of jobs short.
        let work = Task { await loop.run() }
        supervisorConnection?.onAbandonment { Task { await loop.stop(grace: .zero) } }
        let ending = await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await work.value
            } onGracefulShutdown: {
                Task { await loop.stop(grace: options.gracePeriod) }
            }
        } onCancel: {
            Task { await loop.stop(grace: .zero) }
        }
        if let loss = await loop.loss { throw loss }
        return ending
    }
}
