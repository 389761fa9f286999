/// Where jobs live. A verb is a change of state and one transaction: it happens whole or not at all, and when it
/// returns it is durable. Callers pass the time. All verbs may throw ``StintError`` with the codes `databaseBusy` and
/// `storageFailed`, and nothing has changed then, or, when the disk fails in the last moment, `outcomeUnknown`: then it may
/// have happened, and who goes on must look first, as ``leases(heldBy:)`` and ``job(_:)`` let him. No verb
/// blocks one of Swift's cooperative threads.
///
/// The scenarios in Tests/StoreConformance say the same in code; any store must pass them.
public protocol JobStore: WorkerRegistry {
    /// Adds all jobs or none, and answers in their order. A job whose unique key is taken in its queue by a job that
    /// is not done is not added; the answer has that job's id. After `outcomeUnknown` they may be there: a job with a
    /// unique key can be enqueued again without harm.
    func enqueue(_ jobs: [NewJob], now: Moment) async throws -> [Enqueued]

    /// Settles finished jobs and claims new ones in the same transaction; either part may be empty. The answers stand
    /// in the order of the settlements, and an answer `leaseLost` is no error for the others. The claim takes the
    /// ready jobs of the given queues that are not paused, by priority, then id; delayed jobs whose time has come
    /// count as ready. A suspect is claimed alone, or passed over (``ClaimRequest/passesOverSuspects``). What the holder
    /// cannot start at once is left to others where little is ready (``ClaimRequest/startsAtOnce``), and so is what
    /// exceeds ``ClaimRequest/budget``. Each attempt counts from here on.
    func exchange(_ settlements: [Settlement], for request: ClaimRequest?, now: Moment) async throws -> Exchange

    /// Moves the deadlines of leases to `now + duration`, never backwards, and returns those that no longer stand.
    func extend(_ leases: [Lease], by duration: Duration, now: Moment) async throws -> [Lease]

    /// Buried jobs of the queue, oldest first, become ready with attempts and crashes back at 0. Returns how many.
    func kick(_ queue: QueueName, limit: Int, now: Moment) async throws -> Int

    /// The same for single jobs.
    ///
    /// - Throws: `notFound` for the first id that names no job and `invalidInput` for the first that is not buried;
    ///   no job is kicked then.
    func kick(_ ids: [JobID], now: Moment) async throws

    /// Sets jobs aside, whatever their state but done; a holder loses its lease.
    ///
    /// - Throws: `notFound` or `invalidInput` for the first id that cannot be; no job is buried then.
    func bury(_ ids: [JobID], reason: String, now: Moment) async throws

    /// Removes jobs in any state for good; a holder loses its lease.
    ///
    /// - Throws: `notFound` for the first id that names no job; no job is deleted then.
    func delete(_ ids: [JobID], now: Moment) async throws

    /// Takes back the jobs of leases that ended (deadline passed, or another boot's) and prunes done jobs past their
    /// retention, a bounded number a call.
    ///
    /// Where it is known which jobs the worker had started, the same jobs are blamed as by ``takeBack(from:_:now:)``.
    /// Where not, all that it held, in one lease or more, count as started. A lease of another boot blames nobody.
    ///
    /// - Returns: What was done; all zero when nothing is left to do.
    func reap(now: Moment) async throws -> ReapReport

    /// Changes a queue's settings, making the queue where there is none.
    func configure(_ queue: QueueName, _ settings: QueueSettings, now: Moment) async throws

    /// The counts of all queues, by name.
    func stats() async throws -> [QueueStats]

    /// The first jobs of the filter: ready ones as they would be claimed, delayed ones by their time, the others by
    /// id; without a state, the states one after the other.
    func list(_ filter: JobFilter) async throws -> [JobRecord]

    /// One job with payload and history, or `nil`.
    func job(_ id: JobID) async throws -> JobDetails?

    /// When a claim on these queues may find something: at once, at a time by the wall clock, or not as things stand.
    ///
    /// - Parameter passingOverSuspects: Of a claim that passes over suspects.
    func nextReady(in queues: [QueueName], passingOverSuspects: Bool, now: Moment) async throws -> NextReady

    /// Whether the job could be claimed now: it is ready, and its queue is not paused.
    func isClaimable(_ job: JobID) async throws -> Bool

    /// What ``nextReady(in:now:)`` would say, whenever a change by anybody may have made it another answer; a time that
    /// is past may come as it is. It may come without a reason, and of several that nobody looked at the last one stays.
    func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady>
}

/// The answer to ``JobStore/exchange(_:for:now:)``.
public struct Exchange: Sendable {
    public var answers: [Settlement.Answer]
    public var jobs: [LeasedJob]
    /// More was ready and did not go into the request's ``ClaimRequest/budget``.
    public var isCut: Bool
    /// The first suspect among as many ready jobs as could be taken, where it was not: it was passed over, or comes behind
    /// others and must not be claimed with them.
    public var passedOver: JobID?

    public init(
        answers: [Settlement.Answer] = [], jobs: [LeasedJob] = [], isCut: Bool = false, passedOver: JobID? = nil
    ) {
        self.answers = answers
        self.jobs = jobs
        self.isCut = isCut
        self.passedOver = passedOver
    }
}

/// The answer to ``JobStore/nextReady(in:now:)``.
public enum NextReady: Sendable, Hashable {
    case now
    case at(Timestamp)
    case unknown
}

extension JobStore {
    /// When a claim that takes suspects too may find something.
    public func nextReady(in queues: [QueueName], now: Moment) async throws -> NextReady {
        try await nextReady(in: queues, passingOverSuspects: false, now: now)
    }

    /// Claims without settling anything.
    public func claim(_ request: ClaimRequest, now: Moment) async throws -> [LeasedJob] {
        try await exchange([], for: request, now: now).jobs
    }

    /// Settles without claiming anything.
    public func settle(_ settlements: [Settlement], now: Moment) async throws -> [Settlement.Answer] {
        try await exchange(settlements, for: nil, now: now).answers
    }

    /// Settles one job.
    ///
    /// - Throws: ``StintError`` with the code `leaseLost`; nothing has changed then.
    @discardableResult
    public func settle(_ settlement: Settlement, now: Moment) async throws -> JobState {
        switch try await settle([settlement], now: now)[0] {
        case .settled(let state): return state
        case .leaseLost: throw StintError.leaseLost(settlement.lease)
        }
    }
}
