/// Keeps jobs. Each verb is one transaction: it happens completely or not at all, and when it returns it is durable.
///
/// All verbs may throw ``StintError``. After `databaseBusy` and `storageFailed` nothing has changed. After
/// `outcomeUnknown` the change may have been made: the caller must look it up with `leases(heldBy:)` or ``job(_:)``
/// before it continues. No verb blocks one of Swift's cooperative threads.
///
/// A store has its own time: that of this machine for a file, that of the server for a database server. Nothing else
/// reads its clock: requests and answers have durations, and dates only for people. A worker measures the deadlines of
/// its leases with a monotonic clock of its own, from before the claim.
///
/// A store moves jobs between states as `Transition` says, and reads how a worker's end is judged from
/// `CrashAttribution` and `CrashEvidence`; it decides nothing of that itself.
///
/// The scenarios in Tests/Conformance specify the same in code. Every store must pass them.
public protocol JobStore: WorkerRegistry, ScheduleStore, OperationStore, WebhookStore {
    /// Adds all jobs or none, and returns results in their order. If a job in its queue that is not done has the same
    /// unique key, a job is not added, replaces that job, or joins it in a digest, as its ``ConflictPolicy`` says; the
    /// result then has that job's id. A job that was claimed before is neither replaced nor joined. After
    /// `outcomeUnknown` the jobs may be there: those with a unique key that keep the first can be enqueued again without
    /// harm.
    func enqueue(_ jobs: [NewJob]) async throws -> [Enqueued]

    /// Settles finished jobs and claims new ones in the same transaction; either part may be empty. The answers are in
    /// the order of the settlements; `leaseLost` for one does not affect the others. The claim takes the ready jobs of
    /// the given queues that are not paused, by priority, then id; delayed jobs whose time has come count as ready. A
    /// suspect is claimed alone, or skipped (`ClaimRequest.passesOverSuspects`). If few jobs are ready, those that
    /// the holder cannot start at once are left to others (`ClaimRequest.idleSlots`). Jobs that exceed
    /// `ClaimRequest.budget` are left too. An attempt counts from its claim.
    func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange

    /// Moves the deadlines of leases to `now + duration`, never backwards, and returns the leases that are not valid
    /// any more.
    func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease]

    /// Makes buried jobs ready, with attempts and crashes reset to 0.
    ///
    /// - Throws: `notFound` for the first id that names no job and `invalidInput` for the first that is not buried;
    ///   no job is kicked then.
    func kick(_ ids: [JobID]) async throws

    /// Buries jobs in any state except done; their holders lose their leases.
    ///
    /// - Throws: `notFound` or `invalidInput` for the first id that cannot be buried; no job is buried then.
    func bury(_ ids: [JobID], reason: String) async throws

    /// Cancels jobs that are not over: they never run again, whatever their holders answer, who lose their leases. None
    /// of them starts after this has returned; see `RevocationMark`. Jobs that are cancelled already stay so. They are
    /// kept as the queue's retention says.
    ///
    /// - Throws: `notFound` or `invalidInput` for the first id that cannot be cancelled; no job is cancelled then.
    func cancel(_ ids: [JobID], reason: String) async throws

    /// Deletes jobs in any state permanently; their holders lose their leases.
    ///
    /// - Throws: `notFound` for the first id that names no job; no job is deleted then.
    func delete(_ ids: [JobID]) async throws

    /// Makes delayed jobs ready at once and keeps their attempts and crashes. Ready jobs are not changed.
    ///
    /// - Throws: `notFound` for the first id that names no job and `invalidInput` for the first that is leased, buried
    ///   or done; no job is changed then.
    func runNow(_ ids: [JobID]) async throws

    /// The next jobs of a selection, at most `limit`, and at most 1,000. A call reads a bounded number of jobs, so it
    /// may return none although more follow. Ages in the selection's query count from the beginning of the walk.
    ///
    /// - Parameter cursor: Where the last step ended; `nil` at the beginning.
    func select(_ selection: JobSelection, from cursor: SelectionCursor?, limit: Int) async throws -> SelectionStep

    /// Selects jobs as ``select(_:from:limit:)`` does and changes them. Only states in `JobChange.states` are
    /// selected.
    func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep

    /// Reclaims the jobs of leases that ended (past their deadline, or granted by a clock that has begun anew since)
    /// and prunes jobs that are over past their retention. Ends ready and delayed jobs whose time is over
    /// (``JobOptions/expires``), also in paused queues. A call handles a bounded number of each, so that no claim waits
    /// long.
    ///
    /// A deadline does not prove a death, so a lease that ran out blames no job. If its worker provably lives, it is
    /// first marked, and reclaimed only if it is still past its deadline after `SecondLook.delay`: the worker may
    /// have waited for the same lock. If nothing can be proved, a reap that had to wait for the lock itself does the
    /// same; and so does one that knows of a time when workers could not reach the store, or cannot know that there was
    /// none (`ReapReport.nextLook` says until when).
    ///
    /// - Returns: What was done; all zero when nothing is left to do now.
    func reap() async throws -> ReapReport

    /// Indexes the free text of jobs in queues whose setting `search` is on, and removes what is gone from the index: a
    /// step in a short transaction. A store without such an index has nothing to do.
    ///
    /// - Returns: How many jobs it went through; 0 if nothing is left to do now.
    func indexText() async throws -> Int

    /// Changes a queue's settings. Creates the queue if it does not exist.
    func configure(_ queue: QueueName, _ settings: QueueSettings) async throws

    /// Sets the share of a group in its queue's turns: a group of weight 3 gets three jobs where others get one. Creates
    /// the group if it does not exist.
    ///
    /// - Throws: `invalidInput` if the weight is not between 1 and ``GroupStats/maximumWeight``, or the name is none.
    func setWeight(_ weight: Int, ofGroup group: String, in queue: QueueName) async throws

    /// The groups of a queue, at most `limit`: those first that have something to do, then by name.
    func groups(of queue: QueueName, limit: Int) async throws -> [GroupStats]

    /// A queue with its settings; `nil` if it does not exist.
    func queue(_ name: QueueName) async throws -> QueueDetails?

    /// Why a waiting job is not running now; `nil` if it does not wait.
    func waitReason(of job: JobID) async throws -> WaitReason?

    /// The counts of all queues, by name.
    func stats() async throws -> [QueueStats]

    /// What happened in queues, by name: counted in the same transactions, so that it is exact over all processes, and
    /// also after kills and power cuts. In minutes if `last` is an hour at most, otherwise in hours, and for
    /// three days at most.
    ///
    /// - Parameters:
    ///   - queues: Those that do not exist are left out; `nil`: all. Name them if there are very many.
    ///   - last: How far back; zero: only ``QueueActivity/total`` and ``QueueActivity/oldestReady``.
    func activity(of queues: [QueueName]?, last: Duration) async throws -> [QueueActivity]

    /// One page of the jobs that match the filter. The states follow one another. In each, the jobs of one queue are in
    /// its order: ready ones as they would be claimed, delayed ones by time, buried ones as they were buried,
    /// leased ones by id, those that are over by the time of their end. A query with other terms than `queue` and `state`
    /// may have another order, which is the same on all its pages.
    ///
    /// A page has at most ``JobFilter/maximumLimit`` jobs, and fewer if their records exceed
    /// ``JobFilter/maximumBytes``, or if the store has read ``JobFilter/maximumRowsRead`` jobs or about
    /// ``JobFilter/maximumBytesRead`` bytes of them: then the page may be empty although more follow. Each page is read
    /// in a short transaction of its own. A job that stays where it is, is on exactly one page; one that moves to
    /// another state or place meanwhile may be on two pages or on none.
    ///
    /// - Parameter cursor: Where the previous page ended; `nil` for the first one.
    func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage

    /// How many jobs match a query, counted from a place in the order of their list. If the query has no other terms
    /// than `queue` and `state`, and no job that is over can match, the answer is exact at once. Otherwise a call does
    /// a bounded amount of work, and may be continued.
    ///
    /// - Parameter cursor: Where the previous count ended; `nil` at the beginning.
    func count(_ query: JobQuery, after cursor: JobCursor?) async throws -> JobCount

    /// Groups of jobs with like errors; see `ErrorFingerprint`.
    ///
    /// Buried jobs: their groups with the most jobs first, with exact counts, which the store keeps.
    ///
    /// Failing jobs: those of a bounded number of failures, the latest first, in a page of any length. A page counts
    /// only what was read for it, so a group may be on several pages: see ``ErrorGroupPage/merging(_:)``.
    ///
    /// - Parameter cursor: Where the previous page ended; `nil` for the first one.
    func errorGroups(_ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?) async throws -> ErrorGroupPage

    /// One job with payload and history, or `nil`.
    func job(_ id: JobID) async throws -> JobDetails?

    /// The jobs of a store with all that it knows of them, in the order of their ids. A call reads at most `limit` jobs and
    /// `StoredJob.maximumCount`, and ends after about `StoredJob.maximumBytes` of payloads, in a short transaction of
    /// its own. Jobs that an operation has deleted are left out.
    ///
    /// - Parameters:
    ///   - queues: Only of these; `nil`: of all.
    ///   - id: The last id that was read; `nil` at the beginning.
    func exportJobs(of queues: [QueueName]?, after id: JobID?, limit: Int) async throws -> ExportedJobs

    /// Adds jobs of another store with their ids, all or none, and at most `StoredJob.maximumCount`. A job that is here
    /// already stays as it is: one with this id that has the same queue, time of its enqueue and payload. A job that was
    /// running is ready; see `StoredJob.released(at:)`. New jobs get greater ids than these.
    ///
    /// - Throws: `invalidInput` for a job that no store could have, and if another job has the id or the unique key of one
    ///   of these; no job is added then.
    func importJobs(_ jobs: [StoredJob]) async throws -> ImportedJobs

    /// When a claim on these queues may find a job: now, after some time, or unknown.
    ///
    /// - Parameter passingOverSuspects: Whether the claim skips suspects.
    func nextReady(in queues: [QueueName], passingOverSuspects: Bool) async throws -> NextReady

    /// Whether the job could be claimed now: it is ready, and its queue is not paused.
    func isClaimable(_ job: JobID) async throws -> Bool

    /// Emits the current result of `nextReady(in:)` whenever it may have changed, including changes by other
    /// processes. May emit spuriously; only the newest unread value is buffered.
    func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady>

    /// Emits whenever anything may have changed, by any process: a job, a queue, a worker, a schedule. May emit
    /// spuriously; only the newest unread value is buffered. It ends when the store is closed. A store that cannot
    /// notice changes emits once a second.
    func changes() -> AsyncStream<Void>

    /// How often the store reads the queues of ``wakeUps(in:)`` although nothing has told it of a change, and checks
    /// that it is still in its place; it emits what it finds. `nil`, the default: it does not, so a worker has to read.
    var safetyLookInterval: Duration? { get }

    /// Emits when ``reap()`` or `reclaimDead()` may find something to do. The store looks for that at
    /// this interval. May emit spuriously. The stream ends when the store is closed.
    ///
    /// By default it emits at each interval. A store that can look more cheaply than a reap does so here.
    func reapSignals(every interval: Duration) -> AsyncStream<Void>

    /// Waits for calls that are in progress, ends all wake-ups, and releases everything that the store holds of the
    /// system: descriptors, connections, threads. From then on every call throws ``StintError`` with the code `closed`.
    /// A second call changes nothing.
    func close() async

    /// Checks, without a transaction, that the store is still in its place: a file may have been deleted or replaced.
    /// Cheap; for processes that do not use the store otherwise. By default it does nothing, for a store that cannot
    /// disappear.
    ///
    /// - Throws: ``StintError`` with the code `databaseUnusable`: from then on every call throws it, so start the
    ///   program again. With the code `closed` after ``close()``.
    func checkStillThere() throws

    /// Waits until this much of the store's own time has passed. By default that is real time. A store whose clock
    /// stands still until a test moves it moves it by `duration` and returns.
    ///
    /// - Throws: `CancellationError` if the task is cancelled.
    func sleep(for duration: Duration) async throws
}

extension JobStore {
    public func checkStillThere() throws {}

    public func indexText() async throws -> Int { 0 }

    public func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }

    public func changes() -> AsyncStream<Void> { Self.signals(every: .seconds(1)) }

    public var safetyLookInterval: Duration? { nil }

    public func reapSignals(every interval: Duration) -> AsyncStream<Void> { Self.signals(every: interval) }
    public func restartSignals(every interval: Duration) -> AsyncStream<Void> { Self.signals(every: interval) }

    /// Emits at each interval, until the task that waits is cancelled.
    package static func signals(every interval: Duration) -> AsyncStream<Void> {
        AsyncStream {
            do { return try await Task.sleep(for: interval) } catch { return nil }
        }
    }
}

extension JobStore {
    /// The first page of the jobs that match the filter.
    public func list(_ filter: JobFilter) async throws -> [JobRecord] {
        try await page(filter, after: nil).jobs
    }

    /// When a claim that does not skip suspects may find a job.
    public func nextReady(in queues: [QueueName]) async throws -> NextReady {
        try await nextReady(in: queues, passingOverSuspects: false)
    }

    /// Claims without settling anything.
    public func claim(_ request: ClaimRequest) async throws -> [LeasedJob] {
        try await exchange([], for: request).jobs
    }

    /// Makes buried jobs of the queue ready, the first buried first, with attempts and crashes reset to 0, in one step of
    /// ``change(_:_:from:limit:)``. Returns their number.
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
