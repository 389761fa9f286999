/// The workers of a store, so that the end of a worker is known before its leases run out. Part of ``JobStore``; the
/// same rules apply to its calls.
public protocol WorkerRegistry: Sendable {
    /// Registers a worker that begins its work, or renews its registration if there is an id. A registration need not
    /// survive a power cut, which ends all workers. One that was not renewed for ``WorkerRegistration/lifetime``, that
    /// holds no lease, and whose process is not known to live, is deleted by a reap.
    ///
    /// After `outcomeUnknown` there may be a registration whose id the caller does not get. Call it again: for a new
    /// worker that makes a second registration, for a renewal it is the same one. The first one then never holds a
    /// lease, so it costs no job anything. It is listed by ``workers()`` and counts as a worker when few ready jobs are shared among
    /// workers, until its process ends and is reclaimed (``reclaim(from:_:)`` covers all registrations of a process) or
    /// a reap deletes it as above.
    func register(_ worker: WorkerRegistration, as id: WorkerID?) async throws -> RegisteredWorker

    /// Removes a worker that ends in an orderly way and holds no leases any more. A worker that is not registered is no
    /// error, so after `outcomeUnknown` call it again; a registration that stays is deleted as ``register(_:as:)``
    /// says.
    func deregister(_ worker: WorkerID) async throws

    /// The jobs that the worker holds: those that it has claimed and neither settled nor lost.
    func leases(heldBy worker: WorkerID) async throws -> [HeldJob]

    /// All workers, by id, with the jobs that they have started.
    func workers() async throws -> [WorkerRecord]

    /// Reclaims the jobs of workers whose processes have ended together, and removes the workers. Naming one worker
    /// covers all of its process.
    ///
    /// `CrashAttribution` decides what it costs the jobs.
    func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport

    /// Reclaims the jobs of workers that are provably dead and have no living supervisor. By default it does nothing,
    /// for a store that cannot prove a death: there, ``JobStore/reap()`` reclaims leases that have ended.
    func reclaimDead() async throws -> ReapReport

    /// Proves to other processes, as long as this one lives, that it supervises workers; their registrations name the
    /// sign (``WorkerRegistration/supervisorSign``). `nil`, the default, if the store cannot prove that.
    func registerSupervisor() async throws -> (any SupervisorSign)?

    /// Asks all supervisors, wherever they run, to replace their workers.
    func requestRestart() async throws

    /// The number of the latest restart request, each greater than the one before; 0 if there was none yet.
    func latestRestartRequest() async throws -> Int64

    /// Emits when `latestRestartRequest()` may return another number, or may throw. The store looks for that at this
    /// interval; otherwise as ``JobStore/reapSignals(every:)``.
    func restartSignals(every interval: Duration) -> AsyncStream<Void>

    /// Gives an order to one worker, instead of an earlier one; `nil`: it works again, unless it is ending already. The
    /// worker is told as of revoked jobs (`RevocationMark`), and looks at its order from time to time.
    ///
    /// - Throws: `notFound`, or `invalidInput` for a restart of a worker that has no supervisor.
    func order(_ order: WorkerOrder?, to worker: WorkerID) async throws

    /// The order of a worker; `nil`: it works, or is not registered.
    func order(of worker: WorkerID) async throws -> WorkerOrder?

    /// The latest attempts that did not succeed, newest first.
    ///
    /// - Throws: `invalidInput` for a negative limit.
    func failures(limit: Int) async throws -> [FailedJob]

    /// The latest of these attempts that ended with the death or the silence of their process, newest first: those that
    /// crashed, and those that were lost with their worker or whose lease ran out. However many other attempts failed
    /// since, they are found at once. As all failures, they are kept as long as their job.
    ///
    /// - Throws: `invalidInput` for a negative limit.
    func deaths(limit: Int) async throws -> [FailedJob]
}

// What a store does that cannot prove who lives; see ``Liveness``.
extension WorkerRegistry {
    public func reclaimDead() async throws -> ReapReport { ReapReport() }
    public func registerSupervisor() async throws -> (any SupervisorSign)? { nil }
}
