import Logging
import StintCore
import Tracing

/// The state of a running worker: waiting jobs, running jobs, outcomes to settle.
///
/// One loop calls the store: it settles finished jobs and claims more in the same transaction. Handlers run in tasks of
/// their own and report back. A second loop extends the leases.
actor WorkerLoop {
    let worker: Worker
    let metrics: WorkerMetrics
    /// The application sets its tracer up before its worker runs.
    let isTraced = !(InstrumentationSystem.tracer is NoOpTracer)
    /// Holds starts back while they fail; `nil` for handlers that start no process.
    let startGate: StartGate?
    var logger: Logger { worker.logger }
    var options: Worker.Options { worker.options }
    var store: any JobStore { worker.store }

    var backlog = Backlog()
    var leases: LeaseKeeper
    /// Extends the leases, as long as this worker holds jobs.
    var leaseKeeping: Task<Void, Never>?
    var pace = Pace()
    var listener = WakeUpListener()
    var running: [Lease: RunningJob] = [:]
    var finished = FinishedJobs()
    /// Nothing starts while the leases of a claim that waited for long are extended.
    var extendsBeforeStart = false

    /// Its registration; set before the first claim.
    var place: RegisteredWorker?
    var lastRenewal = ContinuousClock.now
    /// A job that has ended and whose end is not on the scoreboard yet: the next start is noted with it in one write.
    var endedUnnoted: Lease?
    let started = ContinuousClock.now
    var jobsStarted = 0
    var ending = Ending.stopped
    /// It ended without settling its jobs.
    var hasLeft = false
    /// Why the store cannot be used any more.
    var loss: (any Error)?

    /// Why a worker ended in an orderly way.
    enum Ending: String {
        case stopped, drained, recycled
        /// A person has stopped this worker alone, so no other follows it.
        case dismissed
        /// Its database was deleted or replaced.
        case lost
    }

    /// When the worker was ordered to stop.
    var stoppingSince: ContinuousClock.Instant?
    var isStopping: Bool { stoppingSince != nil }
    /// A person has ordered it to claim no more, and it runs what it has started.
    var isQuiet = false
    var lastOrderLook = ContinuousClock.now
    /// It was ordered to stop, and does not stop only because it has done enough.
    var isOrderedToStop = false
    /// A suspect that it skips because others run in this process.
    var passedSuspect: PassedSuspect?
    /// The mark when it last looked up what it holds, or held nothing; see ``RevocationMark``.
    var seenRevocations: UInt64 = 0
    /// Jobs were revoked since then: nothing starts before it has looked.
    var isRevocationUnseen = false
    /// By kind, since when its jobs were last said to be refused.
    var refusals: [ByteText?: RepeatedNotice] = [:]
    /// Settlements of a transaction with an unknown outcome, perhaps with a claim. It settles and claims nothing before
    /// it has looked.
    var doubtful: Set<Lease>?
    /// The size of the largest job that it claimed lately.
    var largestBytes = 0
    var listening: Task<Void, Never>?
    var failedVisits = 0
    /// How many commands at once the limits of open files and processes allow.
    var commandLimit = Int.max
    private let events: AsyncStream<Void>
    let wake: AsyncStream<Void>.Continuation

    init(_ worker: Worker) {
        self.worker = worker
        metrics = WorkerMetrics()
        startGate = worker.handlers.others?.startGate
        leases = LeaseKeeper(duration: worker.options.lease)
        (events, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    struct RunningJob {
        let job: LeasedJob
        let cancel: @Sendable () -> Void
        /// Set once the handler has settled the job itself.
        let settlement: HandlerSettlement
        let started: ContinuousClock.Instant
        let cancellationTimeout: Duration
        /// Cancelled by this worker: its outcome is then no failure of the job.
        var isReleased = false
    }

    // MARK: - The loop

    func run() async -> Ending {
        guard await register() else { return ending }
        joinStartGate()
        seenRevocations = place?.revocations.read() ?? 0
        let revocations = Task { await self.listenToRevocations() }
        await visitUntilDone()
        stopListening()
        leaseKeeping?.cancel()
        revocations.cancel()
        for handler in worker.handlers.all { await handler.shutDown?() }
        await deregister()
        return ending
    }

    private func visitUntilDone() async {
        var events = events.makeAsyncIterator()
        while true {
            if needsLook { await look() }
            startWaitingJobs()
            releaseStalledJobs()
            await attendToSuspect()
            let request = claimRequest()
            if request != nil || isTimeToSettle {
                await visitStore(claiming: request)
            } else if needsLook {
                continue
            } else if isStopping && running.isEmpty && finished.isEmpty {
                return
            } else if await isDrained() {
                ending = .drained
                stop(grace: .zero)
            } else {
                await wait(&events)
            }
        }
    }

    /// A suspect runs with nothing beside it.
    var isRunningAlone: Bool { running.count == 1 && running.values.first!.job.runsAlone }

    var hasFreeSlot: Bool {
        backlog.isEmpty && running.count < concurrency && !isRunningAlone
    }

    var isTimeToSettle: Bool {
        guard doubtful == nil, let rest = finished.timeUntilDue(after: options.ackDelay, at: .now) else { return false }
        return running.isEmpty && backlog.isEmpty
            || isStopping || isMakingRoom || failedVisits > 0
            || finished.count >= ClaimRequest.maximumLimit || finished.bytes >= options.budget.bytes || rest == .zero
    }

    /// Sleeps; the sleep of a cancelled task ends early, and the loop goes on.
    func pause(_ duration: Duration) async {
        do { try await Task.sleep(for: duration) } catch { logger.debug("a pause was cut short") }
    }
}
