/// Operators' calls for single jobs. Those for many jobs of a queue are in JobQueue+Selection.swift.
extension JobQueue {
    /// The counts of all queues, by name. The store maintains them, so this is as fast with ten million jobs.
    public func stats() async throws -> [QueueStats] { try await store.stats() }

    /// One page of jobs: ready ones as they would be claimed, delayed ones by their time, buried ones as they were
    /// buried, leased ones by id, those that are over by the time of their end; the states one after the other.
    ///
    ///     let page = try await queue.list(JobFilter(try JobQuery("queue:mail state:buried age:>1h")))
    ///
    /// A page costs a bounded amount of work. If few jobs match and no index finds them, a page may have fewer jobs
    /// than it could, or none, although more follow: go on until ``JobPage/next`` is `nil`.
    ///
    /// - Parameter cursor: ``JobPage/next`` of the page before; `nil` for the first one.
    public func list(_ filter: JobFilter = JobFilter(), after cursor: JobCursor? = nil) async throws -> JobPage {
        try await store.page(filter, after: cursor)
    }

    /// How many jobs match a query. If the query names only queues and states in which jobs are not over, the answer is
    /// exact and costs the same at ten million jobs. Otherwise a call counts for a bounded time (about 50 ms) and says
    /// `moreThan` if it has not come to the end: go on with what it has returned.
    ///
    /// - Parameter count: What an earlier call has returned, to go on from there; `nil` to begin.
    public func count(_ query: JobQuery, continuing count: JobCount? = nil) async throws -> JobCount {
        if case .exactly? = count { return count! }
        switch try await store.count(query, after: count?.next) {
        case .exactly(let more): return .exactly((count?.counted ?? 0) + more)
        case .moreThan(let more, let next): return .moreThan((count?.counted ?? 0) + more, next: next)
        }
    }

    /// Jobs with like errors, in groups: the errors without their numbers, ids and quoted texts are the same; see
    /// ``ErrorFingerprint``.
    ///
    /// The groups of buried jobs are kept, so a page of them is read at once. Those of failing jobs are found by
    /// looking through the latest failures, a bounded number for each page: put the pages together with
    /// ``ErrorGroupPage/merging(_:)``. The jobs of a group are listed, counted and kicked by ``ErrorGroup/query(_:)``.
    public func errorGroups(
        _ filter: ErrorGroupFilter = ErrorGroupFilter(.buried), after cursor: ErrorGroupCursor? = nil
    ) async throws -> ErrorGroupPage {
        try await store.errorGroups(filter, after: cursor)
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

    /// Orders one worker to be quiet (it finishes its jobs and claims no more), to stop, or to be restarted; `nil`: it
    /// claims again after it was quiet. A worker follows within a second if the store can tell it, as a file can.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` for a restart of a worker that has no supervisor.
    public func order(_ order: WorkerOrder?, to worker: WorkerID) async throws {
        try await store.order(order, to: worker)
    }
}
