/// A job queue for applications: typed enqueues, trace context in the headers, metrics.
///
///     let queue = try await JobQueue(.sqlite("app.db"))
///     try await queue.enqueue(SendNewsletter(issue: 7, member: 42), in: "mail", delay: .seconds(60))
///
/// A value can be copied and used from anywhere; all copies share one store.
public struct JobQueue<Store: JobStore>: Sendable {
    /// For what only this kind of store can do, such as ``SQLiteStore/backup(to:)``.
    public let store: Store

    /// Opens the store.
    ///
    /// - Throws: ``StintError`` with the code `databaseUnusable`; it says what is wrong and what to do.
    public init(_ source: StoreSource<Store>) async throws {
        self.init(store: try await source.open())
    }

    public init(store: Store) {
        self.store = store
    }

    /// Waits for calls that are in progress, and releases the store's descriptors, connections and threads. From then
    /// on every call on any copy throws ``StintError`` with the code `closed`. A second call changes nothing.
    ///
    /// Stop workers, supervisors and reapers first: a worker whose queue is closed cannot settle its jobs, and ends
    /// with that error. A process that ends need not close its queues, since nothing is lost.
    public func close() async { await store.close() }

    /// Adds one job. When this returns, the job is durable; see the store's options.
    ///
    /// - Parameters:
    ///   - delay: How long to wait before the job is ready; overrides the delay in `options`.
    /// - Returns: Its id, or the id of the job that has the same unique key and is not done yet.
    /// - Throws: ``StintError``. After `invalidInput`, `databaseBusy` or `storageFailed` nothing was added. After
    ///   `outcomeUnknown` the job may be there: check before you enqueue it again, or give it a unique key, which
    ///   prevents a second one.
    @discardableResult
    public func enqueue(
        _ parameters: some JobParameters, in queue: QueueName = .default, delay: Duration? = nil,
        options: JobOptions = JobOptions()
    ) async throws -> Enqueued {
        let job = try NewJob(parameters, in: queue, options: options.with(delay: delay).withTraceContext())
        return try await enqueue(jobs: [job])[0]
    }

    /// Adds many jobs in one transaction: all or none.
    ///
    /// - Returns: A result for each job, in their order.
    @discardableResult
    public func enqueue<Parameters: JobParameters>(
        contentsOf parameters: some Sequence<Parameters>, in queue: QueueName = .default, delay: Duration? = nil,
        options: JobOptions = JobOptions()
    ) async throws -> [Enqueued] {
        let options = options.with(delay: delay).withTraceContext()
        return try await enqueue(jobs: try parameters.map { try NewJob($0, in: queue, options: options) })
    }

    /// Adds a job with these bytes as payload.
    @discardableResult
    public func enqueue(
        payload: [UInt8], contentType: String? = nil, in queue: QueueName = .default, delay: Duration? = nil,
        options: JobOptions = JobOptions()
    ) async throws -> Enqueued {
        let options = options.with(delay: delay).withTraceContext()
        let job = try NewJob(payload, in: queue, contentType: contentType, options: options)
        return try await enqueue(jobs: [job])[0]
    }

    /// Adds jobs of any kinds and queues in one transaction: all or none.
    @discardableResult
    public func enqueue(jobs: [NewJob]) async throws -> [Enqueued] {
        let answers = try await store.enqueue(jobs)
        EnqueueMetrics.count(jobs, answers)
        return answers
    }

    // MARK: - For operators

    /// Pauses a queue: until it is resumed none of its jobs is claimed or started, including jobs that workers have
    /// already claimed. Running jobs continue. Creates the queue if it does not exist.
    ///
    /// - Parameter reason: Why, for people: ``QueueStats/pauseReason`` until the queue is resumed. 1 to 1,000 bytes.
    public func pause(_ queue: QueueName, reason: String? = nil) async throws {
        try await store.configure(queue, QueueSettings(paused: true, pauseReason: reason))
    }

    /// Ends a pause, and forgets its reason. Creates the queue if it does not exist.
    public func resume(_ queue: QueueName) async throws {
        try await store.configure(queue, QueueSettings(paused: false))
    }

    /// Keeps done jobs for this long, then the reaper prunes them. Zero, the default, deletes them when they are done.
    public func retain(_ retention: Duration, in queue: QueueName) async throws {
        try await store.configure(queue, QueueSettings(retention: retention))
    }

    /// Makes delayed jobs ready at once and keeps their attempts and crashes. Ready jobs are not changed.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` for a job that is leased, buried or done. No job is
    ///   changed then.
    public func runNow(_ ids: [JobID]) async throws {
        try await store.runNow(ids)
    }
}

extension JobOptions {
    package func with(delay: Duration?) -> JobOptions {
        var copy = self
        if let delay { copy.delay = delay }
        return copy
    }
}
