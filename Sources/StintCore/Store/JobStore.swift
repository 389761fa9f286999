/// Where jobs live. A verb is a change of state and one transaction: it happens whole or not at all, and when it
/// returns it is durable. All verbs may throw ``StintError`` with the codes `databaseBusy` and
/// `storageFailed`, and nothing has changed then, or, when the disk fails or the file goes in the last moment,
/// `outcomeUnknown`: then it may have happened, and who goes on must look first, as ``leases(heldBy:)`` and
/// ``job(_:)`` let him. No verb blocks one of Swift's cooperative threads.
///
/// The scenarios in Tests/StoreConformance say the same in code; any store must pass them.
public protocol JobStore: WorkerRegistry {
    /// The store's own time: of this machine for a file, of the server for a database server. Deadlines and delays count by
    /// it, and ``NextReady/at(_:)`` names a time of it.
    var clock: any QueueClock { get }

    /// Adds all jobs or none, and answers in their order. A job whose unique key is taken in its queue by a job that
    /// is not done is not added; the answer has that job's id. After `outcomeUnknown` they may be there: a job with a
    /// unique key can be enqueued again without harm.
    func enqueue(_ jobs: [NewJob]) async throws -> [Enqueued]

    /// Settles finished jobs and claims new ones in the same transaction; either part may be empty. The answers stand
    /// in the order of the settlements, and an answer `leaseLost` is no error for the others. The claim takes the
    /// ready jobs of the given queues that are not paused, by priority, then id; delayed jobs whose time has come
    /// count as ready. A suspect is claimed alone, or passed over (``ClaimRequest/passesOverSuspects``). What the holder
    /// cannot start at once is left to others where little is ready (``ClaimRequest/idleSlots``), and so is what
    /// exceeds ``ClaimRequest/budget``. Each attempt counts from here on.
    func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange

    /// Moves the deadlines of leases to `now + duration`, never backwards, and returns those that no longer stand.
    func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease]

    /// Buried jobs become ready with attempts and crashes back at 0.
    ///
    /// - Throws: `notFound` for the first id that names no job and `invalidInput` for the first that is not buried;
    ///   no job is kicked then.
    func kick(_ ids: [JobID]) async throws

    /// Sets jobs aside, whatever their state but done; a holder loses its lease.
    ///
    /// - Throws: `notFound` or `invalidInput` for the first id that cannot be; no job is buried then.
    func bury(_ ids: [JobID], reason: String) async throws

    /// Removes jobs in any state for good; a holder loses its lease.
    ///
    /// - Throws: `notFound` for the first id that names no job; no job is deleted then.
    func delete(_ ids: [JobID]) async throws

    /// Delayed jobs become ready at once, with the attempts and crashes that they have; ready ones stay so.
    ///
    /// - Throws: `notFound` for the first id that names no job and `invalidInput` for the first that is leased, buried or
    ///   done; no job is changed then.
    func runNow(_ ids: [JobID]) async throws

    /// The next jobs of a selection, at most `limit`: a bounded number of jobs is looked at, so there may be none although
    /// more come.
    ///
    /// - Parameter cursor: Where the last step ended; `nil` at the beginning.
    func select(_ selection: JobSelection, from cursor: SelectionCursor?, limit: Int) async throws -> SelectionStep

    /// The same, and changes them. Of the selection's states only those of ``JobChange/states`` count.
    func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep

    /// Takes back the jobs of leases that ended (deadline passed, or granted before the machine started again) and prunes
    /// done jobs past their retention, a bounded number a call.
    ///
    /// A deadline proves no death, so a lease that ran out blames no job. One whose worker provably lives is first marked,
    /// and taken back only if it is still past its deadline a quarter of a second later: the worker may have waited for the
    /// same lock. Where nothing can be proved the same is done by a reap that had to wait for the lock itself.
    ///
    /// - Returns: What was done; all zero when nothing is left to do now.
    func reap() async throws -> ReapReport

    /// Changes a queue's settings, making the queue where there is none.
    func configure(_ queue: QueueName, _ settings: QueueSettings) async throws

    /// The counts of all queues, by name.
    func stats() async throws -> [QueueStats]

    /// Jobs of the filter: ready ones as they would be claimed, delayed ones by their time, the others by id; without a
    /// state, the states one after the other.
    ///
    /// A page is at most ``JobFilter/maximumLimit`` jobs, and ends earlier where their records grow past
    /// ``JobFilter/maximumBytes``. Each is read in a transaction of its own: what changes its state meanwhile may be in two
    /// or in none.
    ///
    /// - Parameter cursor: Where the page before has ended; `nil` for the first one.
    func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage

    /// One job with payload and history, or `nil`.
    func job(_ id: JobID) async throws -> JobDetails?

    /// When a claim on these queues may find something: at once, at a time by the wall clock, or not as things stand.
    ///
    /// - Parameter passingOverSuspects: Of a claim that passes over suspects.
    func nextReady(in queues: [QueueName], passingOverSuspects: Bool) async throws -> NextReady

    /// Whether the job could be claimed now: it is ready, and its queue is not paused.
    func isClaimable(_ job: JobID) async throws -> Bool

    /// What ``nextReady(in:)`` would say, whenever a change by anybody may have made it another answer; a time that
    /// is past may come as it is. It may come without a reason, and of several that nobody looked at the last one stays.
    func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady>

    /// Looks whether the jobs are still where this process looks for them, without a transaction: a file may have been
    /// deleted, or replaced by another one. Cheap; for processes that have nothing else to do with the store.
    ///
    /// - Throws: ``StintError`` with the code `databaseUnusable`. From then on every verb throws it, until the program is
    ///   started again.
    func checkStillThere() throws
}

extension JobStore {
    /// A store that cannot be taken away needs no look.
    public func checkStillThere() throws {}
}

extension JobStore {
    /// The first jobs of the filter, no more than one ``page(_:after:)`` has.
    public func list(_ filter: JobFilter) async throws -> [JobRecord] {
        try await page(filter, after: nil).jobs
    }

    /// When a claim that takes suspects too may find something.
    public func nextReady(in queues: [QueueName]) async throws -> NextReady {
        try await nextReady(in: queues, passingOverSuspects: false)
    }

    /// Claims without settling anything.
    public func claim(_ request: ClaimRequest) async throws -> [LeasedJob] {
        try await exchange([], for: request).jobs
    }

    /// Buried jobs of the queue, oldest first, become ready with attempts and crashes back at 0: one step of
    /// ``change(_:_:from:limit:)``. Returns how many.
    public func kick(_ queue: QueueName, limit: Int) async throws -> Int {
        try await change(JobSelection(queue), .kick, from: nil, limit: limit).jobs.count
    }

    /// Settles without claiming anything.
    public func settle(_ settlements: [Settlement]) async throws -> [Settlement.Answer] {
        try await exchange(settlements, for: nil).answers
    }

    /// Settles one job.
    ///
    /// - Throws: ``StintError`` with the code `leaseLost`; nothing has changed then.
    @discardableResult
    public func settle(_ settlement: Settlement) async throws -> JobState {
        switch try await settle([settlement])[0] {
        case .settled(let state): return state
        case .leaseLost: throw StintError.leaseLost(settlement.lease)
        }
    }
}
