import Logging
import ServiceLifecycle
import StintCore
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Claims jobs and runs their handlers, until it is stopped.
///
///     var worker = Worker(queue, queues: ["mail"], concurrency: 8)
///     worker.registerJob(SendNewsletter.self, retry: .exponential(maxAttempts: 5)) { job, context in
///         try await mailer.send(job)
///     }
///     try await ServiceGroup(
///         services: [worker, Reaper(queue)], gracefulShutdownSignals: [.sigterm], logger: logger
///     ).run()
///
/// A handler that returns acknowledges its job. One that throws fails it, and it runs again after the retry policy's
/// delay, or is buried when no attempts are left. One that throws a ``JobVerdict`` decides itself what happens. A job
/// whose parameters do not decode is buried with the reason. A job whose name is not registered is given back for a
/// worker of another version, and buried only after ``Options/unknownJobPatience``.
///
/// Any number of workers, in any number of processes, can share a queue. While a handler runs, the worker extends the
/// job's lease; if the lease is lost nevertheless, it cancels the handler's task.
public struct Worker: Service {
    public struct Options: Sendable {
        /// How many handlers run at once.
        public var concurrency = 1
        /// The most jobs of one claim; those beyond `concurrency` wait in this process. `nil`: as many as `concurrency`
        /// at first, then up to 64. In either case no more than can be started within 250 ms and a tenth of the lease,
        /// judging by recent jobs. From a queue that is almost empty, no more than this worker's share. The next claim is made
        /// while half of a batch waits, or a whole one if two can be started within that time.
        public var batch: Int?
        /// How many bytes of payloads and headers this worker may hold, in jobs that wait, that run, and that an ack
        /// will enqueue. It claims no more once it holds that many. The last job may exceed the budget, so that the
        /// largest one (``NewJob/maximumPayloadBytes``) always runs. Copies that a handler makes are not counted, such
        /// as the Base64 of a pipe handler's line.
        public var budget = ByteBudget.standard
        /// How long a job stays with a worker that does not respond. A live worker extends it in time.
        public var lease: Duration = .seconds(30)
        /// How long a handler may take if neither the job nor the handler's registration sets a limit; `nil` for no
        /// limit.
        public var timeout: Duration?
        /// How long a finished job may wait to be acknowledged in one transaction with others. With zero it does not
        /// wait; jobs that finish during a transaction are acknowledged in the next one. If a worker is killed, jobs
        /// that it had finished and not acknowledged run again.
        public var ackDelay: Duration = .zero
        /// How often an idle worker looks for jobs without a wake-up. The store wakes it at once after a change by any
        /// process. If the store itself looks at least this often, the worker leaves most of these looks to it.
        public var pollInterval: Duration = .seconds(5)
        /// How long running handlers may continue after the order to stop. Then they are cancelled, and their jobs are
        /// released without using up an attempt.
        public var gracePeriod: Duration = .seconds(30)
        /// How long a job whose name is not registered is given back, without using up an attempt, before it is buried.
        /// During a deploy the old workers may see jobs of the new version, and the new ones jobs of the old. It counts
        /// from the first time that any worker refused the job (`stint show` tells when), however long it waited before,
        /// and again from the next refusal if another worker has run it meanwhile. Zero buries such jobs at once.
        public var unknownJobPatience: Duration = .seconds(900)
        /// When to end in an orderly way although there is work. Under a ``Supervisor`` a new process follows.
        public var recycling = Recycling()
        /// Whether to stop when nothing is ready, delayed or leased in the queues any more.
        public var drains = false
        /// The name of the holder of leases, for people: `host:pid` by default.
        public var name = ProcessIdentity.current.name
        /// The worker's own clock, by which it measures the deadlines of its leases. Tests use one that they move.
        package var clock: @Sendable () -> ContinuousClock.Instant = { .now }

        public init() {}
    }

    /// When a worker process ends to be replaced; `nil` for no limit.
    public struct Recycling: Sendable, Hashable {
        /// The most jobs that it starts.
        public var maxJobs: Int?
        /// The most resident memory, in bytes, checked between jobs. For a handler process that stays alive, its memory
        /// counts instead of the worker's.
        public var maxMemory: Int64?
        /// The age at which it is replaced.
        public var maxAge: Duration?

        public init(maxJobs: Int? = nil, maxMemory: Int64? = nil, maxAge: Duration? = nil) {
            self.maxJobs = maxJobs
            self.maxMemory = maxMemory
            self.maxAge = maxAge
        }
    }

    /// The queues that it claims from.
    public let queues: [QueueName]
    var options: Options
    /// The store whose jobs it runs.
    public internal(set) var store: any JobStore
    let logger: Logger
    var handlers = Handlers()
    /// The connection to this process's supervisor; `nil` if it has none.
    var supervisorConnection: SupervisorConnection?

    /// - Parameters:
    ///   - queues: Claimed together, by priority and then age over all of them. At least one.
    ///   - concurrency: How many handlers run at once; overrides the one in `options`.
    ///   - logger: The worker logs between claims and heartbeats, so the log handler must not block, even if its output
    ///     is not read. One that writes to standard error itself waits for the reader there, and leases run out
    ///     meanwhile.
    public init<Store>(
        _ queue: JobQueue<Store>, queues: [QueueName], concurrency: Int? = nil, options: Options = Options(),
        logger: Logger = Logger(label: "stint.worker")
    ) {
        var options = options
        if let concurrency { options.concurrency = concurrency }
        precondition(!queues.isEmpty, "a worker needs at least one queue")
        precondition(options.concurrency >= 1, "the concurrency of a worker is at least 1")
        precondition(
            (1...ClaimRequest.maximumLimit).contains(options.batch ?? 1),
            "a batch is between 1 and \(ClaimRequest.maximumLimit) jobs")
        precondition(options.lease >= .milliseconds(10), "a lease is at least 10 ms")
        precondition(options.unknownJobPatience >= .zero, "the patience with unknown jobs is not negative")
        self.queues = queues
        self.options = options
        self.store = queue.store
        self.logger = logger
    }

    /// Runs jobs of this kind with `handler`. Only one handler can be registered for a name: a second one is a
    /// programmer's error and ends the program.
    ///
    /// - Parameters:
    ///   - retry: When a failed job runs again. The smaller of its `maxAttempts` and the job's own counts.
    ///   - timeout: How long one run may take, if the job itself has no limit. Then the handler's task is cancelled,
    ///     and the attempt has failed.
    public mutating func registerJob<Parameters: JobParameters>(
        _ type: Parameters.Type = Parameters.self, retry: RetryPolicy = .exponential(), timeout: Duration? = nil,
        handler run: @escaping @Sendable (Parameters, JobContext) async throws -> Void
    ) {
        let handler = Handler(retry: retry, timeout: timeout) { context, _ in
            if let events = context.job.events {
                throw JobVerdict.bury(
                    "it is a digest of \(events.count) events and '\(Parameters.jobName)' is registered for single jobs: "
                        + "use registerDigest, then kick it")
            }
            let parameters: Parameters
            do {
                parameters = try JSONDecoder().decode(Parameters.self, fromBytes: context.job.payload)
            } catch {
                throw JobVerdict.bury("its parameters do not decode as '\(Parameters.jobName)': \(error)")
            }
            try await run(parameters, context)
        }
        handlers.register(handler, for: Parameters.jobName)
    }

    /// Runs every job whose name is not registered, or that has none, with `handler`; the payload is in `context.job`.
    /// A second such handler is a programmer's error and ends the program.
    public mutating func registerOthers(
        retry: RetryPolicy = .exponential(), timeout: Duration? = nil,
        handler: @escaping @Sendable (JobContext) async throws -> Void
    ) {
        handlers.registerOthers(
            Handler(retry: retry, timeout: timeout) { context, _ in try await handler(context) })
    }

    /// The limit of attempts that this worker's handler for the job sets (``RetryPolicy/maxAttempts``); `nil` if it sets
    /// none, or if the worker has no handler for the job.
    public func maxAttempts(of job: LeasedJob) -> Int? { handlers.retry(of: job)?.maxAttempts }

    /// Works until graceful shutdown or cancellation, until the queues are empty (with `drains`), or until a limit of
    /// `recycling` is reached.
    ///
    /// On graceful shutdown it claims no more, releases jobs that have not started, and gives running handlers the
    /// grace period. On cancellation it cancels handlers at once. In both cases everything that can be settled is
    /// settled when this returns.
    ///
    /// - Throws: ``StintError`` with the code `databaseUnusable` if the database was deleted or replaced while this
    ///   program had it open. Handlers had the grace period to finish, but their outcomes could not be settled. Start
    ///   the program again.
    public func run() async throws {
        _ = try await work()
    }

    func work() async throws -> WorkerLoop.Ending {
        let loop = WorkerLoop(self)
        // The reaper beside a supervisor ticks for its workers.
        let ticker = Worker.isSupervised ? nil : Task { await Ticker(store: store, logger: logger).run() }
        // A separate task, so that cancelling this one does not interrupt the settling of jobs.
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
        ticker?.cancel()
        await ticker?.value
        if let loss = await loop.loss { throw loss }
        return ending
    }
}
