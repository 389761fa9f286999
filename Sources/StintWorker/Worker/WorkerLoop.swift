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
    var logger: Logger { worker.logger }
    var options: Worker.Options { worker.options }
    var store: any JobStore { worker.store }

    var backlog = Backlog()
    var leases: LeaseKeeper
    var pace = Pace()
    var listener = WakeUpListener()
    var running: [Lease: RunningJob] = [:]
    var finished: [Finished] = []
    var oldestFinished: ContinuousClock.Instant?
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
        /// Its database was deleted or replaced.
        case lost
    }

    /// When the worker was ordered to stop.
    var stoppingSince: ContinuousClock.Instant?
    var isStopping: Bool { stoppingSince != nil }
    /// It was ordered to stop, and does not stop only because it has done enough.
    var isOrderedToStop = false
    /// A suspect that it skips because others run in this process.
    var passedSuspect: PassedSuspect?
    /// The mark when it last looked up what it holds, or held nothing; see ``RevocationMark``.
    var seenRevocations: UInt64 = 0
    /// Jobs were revoked since then: nothing starts before it has looked.
    var isRevocationUnseen = false
    /// Settlements of a transaction with an unknown outcome, perhaps with a claim. It settles and claims nothing before
    /// it has looked.
    var doubtful: Set<Lease>?
    /// The bytes of follow-up jobs in `finished`.
    var finishedBytes = 0
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
        leases = LeaseKeeper(duration: worker.options.lease)
        (events, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    struct RunningJob {
        let job: LeasedJob
        let cancel: @Sendable () -> Void
        /// Set once the handler has settled the job itself.
        let settlement: SettlementFlag
        let started: ContinuousClock.Instant
        let cancellationTimeout: Duration
        /// Cancelled by this worker: its outcome is then no failure of the job.
        var isReleased = false
    }

    /// An outcome that waits to be settled.
    struct Finished {
        let settlement: Settlement
        let queue: QueueName
        var lease: Lease { settlement.lease }
        var bytes: Int { settlement.followUps.reduce(0) { $0 + $1.payload.count } }
    }

    // MARK: - The loop

    func run() async -> Ending {
        guard await register() else { return ending }
        joinStartGate()
        seenRevocations = place?.revocations.read() ?? 0
        let heartbeat = Task { await self.keepUpLeases() }
        await visitUntilDone()
        stopListening()
        heartbeat.cancel()
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

    // MARK: - Visiting the store

    /// A suspect runs with nothing beside it.
    var isRunningAlone: Bool { running.count == 1 && running.values.first!.job.runsAlone }

    var hasFreeSlot: Bool {
        backlog.isEmpty && running.count < concurrency && !isRunningAlone
    }

    var isTimeToSettle: Bool {
        guard let oldestFinished, doubtful == nil else { return false }
        return running.isEmpty && backlog.isEmpty
            || isStopping || isMakingRoom || failedVisits > 0
            || finished.count >= ClaimRequest.maximumLimit || finishedBytes >= options.budget.bytes
            || ContinuousClock.now - oldestFinished >= options.ackDelay
    }

    private func visitStore(claiming request: ClaimRequest?) async {
        let settled = finished
        finished = []
        finishedBytes = 0
        oldestFinished = nil
        let now = worker.clock.now()
        let heard = listener.wakeUps
        listener.forget()
        // What is claimed from here on was not revoked before.
        if backlog.isEmpty, let place { seenRevocations = place.revocations.read() }
        do {
            let exchange = try await store.exchange(settled.map(\.settlement), for: request)
            failedVisits = 0
            for (finished, answer) in zip(settled, exchange.answers) { record(answer, of: finished) }
            hold(exchange.jobs, claimedAt: now)
            await extendIfShort(exchange.jobs, claimedAt: now)
            guard let request else { return }
            noteSuspect(of: exchange, request)
            if leftNothing(behind: exchange, request) {
                // A wake-up that was heard meanwhile may tell of a job behind this claim.
                if heard == listener.wakeUps { listener.mayFindJobs = false }
            } else {
                stopListening()
            }
        } catch  where noteLoss() {
            finished = settled + finished
            return finished.isEmpty ? () : leave()
        } catch {
            // Finished jobs are settled again: a lost ack would run a job twice.
            finished = settled + finished
            finishedBytes = finished.reduce(0) { $0 + $1.bytes }
            oldestFinished = finished.isEmpty ? nil : .now
            if (error as? StintError)?.code == .outcomeUnknown { doubtful = Set(settled.map(\.lease)) }
            await tryLater(
                doubtful == nil ? "the store refused a transaction" : "it is not known whether the store made a change",
                error, ["settlements": "\(settled.count)"])
        }
    }

    /// Waits before the store is called again, longer after each failure.
    func tryLater(_ problem: String, _ error: any Error, _ metadata: Logger.Metadata = [:]) async {
        failedVisits += 1
        let wait = Backoff.store.delay(after: failedVisits)
        logger.error(
            "\(problem); trying again",
            metadata: metadata.merging(["error": "\(error)", "retry-in": "\(wait)"]) { $1 })
        if let stoppingSince, ContinuousClock.now - stoppingSince > options.gracePeriod + Self.patience {
            return leave()
        }
        await pause(wait)
    }

    private func leftNothing(behind exchange: Exchange, _ request: ClaimRequest) -> Bool {
        // A suspect is claimed alone, and other jobs only up to the first suspect, whatever waits behind it.
        let isShort = exchange.passedOver != nil && !request.passesOverSuspects
        return exchange.jobs.count < request.limit && !exchange.isCut && !isShort
            && exchange.jobs.first?.runsAlone != true
    }

    /// Sleeps; the sleep of a cancelled task ends early, and the loop goes on.
    func pause(_ duration: Duration) async {
        do { try await Task.sleep(for: duration) } catch { logger.debug("a pause was cut short") }
    }

    private func hold(_ jobs: [LeasedJob], claimedAt now: ClockReading) {
        guard !jobs.isEmpty else { return }
        leases.granted(jobs.lazy.map(\.lease), at: now.monotonic)
        for job in jobs { metrics.claimed(job, now: now) }
        noteSize(of: jobs)
        if backlog.isEmpty { pace.waitingBegan(at: .now) }
        backlog.append(jobs)
        if isStopping { releaseWaitingJobs() }
    }

    func record(_ answer: Settlement.Answer, of finished: Finished) {
        let settlement = finished.settlement
        metrics.settled(settlement, answer, in: finished.queue)
        if case .leaseLost = answer, settlement.outcome != .release(after: .zero) {
            logger.warning(
                "the lease was lost before the outcome could be settled; the job runs again or ran elsewhere",
                metadata: [
                    "job": "\(settlement.lease.job)", "token": "\(settlement.lease.token)",
                    "outcome": "\(settlement.outcome)",
                ])
        }
    }

    func settle(_ job: LeasedJob, _ outcome: Settlement.Outcome) {
        settle(job, RunResult(outcome: outcome))
    }

    func settle(_ job: LeasedJob, _ result: RunResult) {
        settle(Finished(settlement: result.settlement(of: job.lease), queue: job.queue))
    }

    func settle(_ ended: Finished) {
        finished.append(ended)
        finishedBytes += ended.bytes
        guard oldestFinished == nil else { return }
        oldestFinished = .now
        wake.yield()  // it waits with a deadline from now on
    }
}

extension Settlement.Outcome {
    var isFailure: Bool {
        switch self {
        case .fail, .crash: true
        case .ack, .release, .suspect, .bury: false
        }
    }
}
