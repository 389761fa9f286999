/// Operators' calls for single jobs. Those for many jobs of a queue are in JobQueue+Selection.swift.
extension JobQueue {
    /// The counts of all queues, by name. The store maintains them, so this is as fast with ten million jobs.
    public func stats() async throws -> [QueueStats] { try await store.stats() }

    /// One page of jobs: ready ones as they would be claimed, delayed ones by their time, the others by id; without a
    /// state in the filter, the states one after the other.
    ///
    /// - Parameter cursor: ``JobPage/next`` of the page before; `nil` for the first one.
    public func list(_ filter: JobFilter = JobFilter(), after cursor: JobCursor? = nil) async throws -> JobPage {
        try await store.page(filter, after: cursor)
    }

    /// One job with its payload and its failed attempts; `nil` if there is none of this id.
    public func job(_ id: JobID) async throws -> JobDetails? { try await store.job(id) }

    /// The latest attempts that did not succeed, newest first.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` for a negative limit.
    public func failures(limit: Int = 100) async throws -> [FailedJob] { try await store.failures(limit: limit) }

    /// The latest attempts that ended with the death or the silence of their process, newest first: those that crashed
    /// or were lost.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` for a negative limit.
    public func deaths(limit: Int = 100) async throws -> [FailedJob] { try await store.deaths(limit: limit) }

    /// What happened in a queue: how many jobs came, started, ended and how, how long they waited and ran, and for how
    /// long the oldest ready one has waited. It is counted in the transactions that do it, so it is exact.
    ///
    ///     let activity = try await queue.activity(of: "mail", last: .seconds(3_600))
    ///     activity?.count(\.done, last: .seconds(60))
    ///     activity?.sum.timeInQueue.quantile(0.99)
    ///
    /// - Parameter last: How far back, three days at most: in minutes up to an hour, otherwise in hours.
    /// - Returns: `nil` if the queue does not exist.
    public func activity(of queue: QueueName, last: Duration = .seconds(3_600)) async throws -> QueueActivity? {
        try await store.activity(of: [queue], last: last).first
    }

    /// The same of several queues, or of all of them, by name. Name them if there are very many.
    public func activity(
        of queues: [QueueName]? = nil, last: Duration = .seconds(3_600)
    ) async throws -> [QueueActivity] {
        try await store.activity(of: queues, last: last)
    }

    /// All registered workers, by id, with the jobs that they run.
    public func workers() async throws -> [WorkerRecord] { try await store.workers() }

    /// Makes buried jobs ready, with attempts and crashes reset to 0.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` for the first id that is not buried. No job is kicked
    ///   then.
    public func kick(_ ids: [JobID]) async throws { try await store.kick(ids) }

    /// Buries jobs; their holders lose their leases. Jobs that are buried already stay so.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` for the first id that is done. No job is buried then.
    public func bury(_ ids: [JobID], reason: String) async throws { try await store.bury(ids, reason: reason) }

    /// Cancels jobs: once this has returned, none of them starts, also if a worker has claimed it already, and none runs
    /// again. A job that waits or is buried ends as ``JobState/cancelled``. Workers that run one are told at once: the
    /// handler's task is cancelled, a command's process group gets SIGTERM, a pipe handler a line. What such a handler
    /// answers then changes nothing. Jobs that are cancelled already stay so.
    ///
    /// - Parameter reason: Kept with the job for the retention of its queue.
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` for the first id that is done or has expired. No job is
    ///   cancelled then.
    public func cancel(_ ids: [JobID], reason: String = "cancelled by the application") async throws {
        try await store.cancel(ids, reason: reason)
    }

    /// Deletes jobs permanently; their holders lose their leases, and are told at once as with `cancel(_:reason:)`.
    ///
    /// - Throws: ``StintError`` with the code `notFound` for the first id that names no job. No job is deleted then.
    public func delete(_ ids: [JobID]) async throws { try await store.delete(ids) }

    /// Asks all supervisors of this store, wherever they run, to replace their workers one by one.
    public func restartWorkers() async throws { try await store.requestRestart() }
}
