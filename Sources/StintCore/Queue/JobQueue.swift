import Logging

/// The queue as an application uses it: typed enqueues, trace context in the headers, counters.
///
///     let queue = try await JobQueue(.sqlite("app.db"))
///     try await queue.enqueue(SendNewsletter(issue: 7, member: 42), in: "mail", delay: .seconds(60))
///
/// A value can be copied and used from anywhere; all copies share one store.
public struct JobQueue<Store: JobStore>: Sendable {
    public let store: Store
    /// The store's; see ``JobStore/clock``.
    package var clock: any QueueClock { store.clock }

    /// Opens the store.
    ///
    /// - Throws: ``StintError`` with the code `databaseUnusable` that says what is wrong with it and what to do.
    public init(_ source: StoreSource<Store>) async throws {
        self.init(store: try await source.open())
    }

    public init(store: Store) {
        self.store = store
    }

    /// Adds one job. When this returns, the job is on disk.
    ///
    /// - Parameters:
    ///   - delay: How long to wait before it is ready; it replaces the one in `options`.
    /// - Returns: Its id, or the id of the job that has the same unique key and is not done yet.
    /// - Throws: ``StintError``: `invalidInput`, `databaseBusy`, `storageFailed`; nothing was added then. After
    ///   `outcomeUnknown` the job may be there: look before you enqueue it again, or give it a unique key, with which
    ///   enqueueing again adds no second one.
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
    /// - Returns: An answer for each, in their order.
    @discardableResult
    public func enqueue<Parameters: JobParameters>(
        contentsOf parameters: some Sequence<Parameters>, in queue: QueueName = .default, delay: Duration? = nil,
        options: JobOptions = JobOptions()
    ) async throws -> [Enqueued] {
        let options = options.with(delay: delay).withTraceContext()
        return try await enqueue(jobs: try parameters.map { try NewJob($0, in: queue, options: options) })
    }

    /// Adds a job whose payload is bytes of the caller's own.
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

    /// No job of the queue is claimed or started until ``resume(_:)``, also none that a worker has claimed ahead; what
    /// has started by then runs on. The queue is made where there is none.
    public func pause(_ queue: QueueName) async throws {
        try await store.configure(queue, QueueSettings(paused: true))
    }

    public func resume(_ queue: QueueName) async throws {
        try await store.configure(queue, QueueSettings(paused: false))
    }

    /// Keeps done jobs for this long, then the reaper prunes them. Zero, the default, deletes them when they are done.
    public func retain(_ retention: Duration, in queue: QueueName) async throws {
        try await store.configure(queue, QueueSettings(retention: retention))
    }

    /// Delayed jobs become ready at once, with the attempts and crashes that they have. A job that is ready already stays
    /// so.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` for a job that is leased, buried or done. No job is changed
    ///   then.
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
