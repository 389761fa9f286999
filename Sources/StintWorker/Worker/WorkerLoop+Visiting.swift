import Logging
import StintCore
import StintPlatform

/// A visit to the store: one transaction that settles what has finished and claims more.
extension WorkerLoop {
    func visitStore(claiming request: ClaimRequest?) async {
        // A job that the store refuses must not keep it from taking the others.
        let settled = failedVisits == 0 ? finished.removeAll() : finished.removeAfterFailure()
        let isPart = !finished.isEmpty
        let now = options.clock()
        let heard = listener.wakeUps
        listener.forget()
        // What is claimed from here on was not revoked before.
        if backlog.isEmpty, let place { seenRevocations = place.revocations.read() }
        do {
            let exchange = try await store.exchange(settled.map(\.settlement), for: request)
            if !isPart { failedVisits = 0 }
            for (finished, answer) in zip(settled, exchange.answers) { record(answer, of: finished) }
            hold(exchange.jobs, claimedAt: now)
            await extendIfShort(exchange.jobs, claimedAt: now)
            guard let request else { return }
            updateSuspect(of: exchange, request)
            if leftNothing(behind: exchange, request) {
                // A wake-up that was heard meanwhile may tell of a job behind this claim.
                if heard == listener.wakeUps { listener.mayFindJobs = false }
            } else {
                stopListening()
            }
        } catch  where findLoss() {
            finished.putBack(settled, at: .now)
            return finished.isEmpty ? () : leave()
        } catch {
            finished.putBack(settled, at: .now)
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

    private func hold(_ jobs: [LeasedJob], claimedAt now: ContinuousClock.Instant) {
        guard !jobs.isEmpty else { return }
        leases.claimed(jobs, at: now)
        let wall = MachineClock.wall / 1_000_000
        for job in jobs { metrics.claimed(job, now: wall) }
        rememberSize(of: jobs)
        if backlog.isEmpty { pace.waitingBegan(at: .now) }
        backlog.append(jobs)
        beginKeepingLeases()
        if isStopping || isQuiet { releaseWaitingJobs() }
    }

    func record(_ answer: Settlement.Answer, of finished: FinishedJob) {
        let settlement = finished.settlement
        metrics.settled(settlement, answer, in: finished.queue)
        if case .leaseLost = answer, settlement.outcome != .release(after: .zero) {
            logger.warning(
                "the lease was lost before the outcome could be settled, so it does not count; the job was cancelled, buried or deleted, or it runs again or ran elsewhere",
                metadata: [
                    "job": "\(settlement.lease.job)", "token": "\(settlement.lease.token)",
                    "outcome": "\(settlement.outcome)",
                ])
        }
    }

    /// Has the job settled with this outcome by the next visit to the store.
    func finish(_ job: LeasedJob, _ outcome: Settlement.Outcome) {
        finish(job, RunResult(outcome: outcome))
    }

    func finish(_ job: LeasedJob, _ result: RunResult) {
        finish(FinishedJob(settlement: result.settlement(of: job.lease), queue: job.queue))
    }

    func finish(_ job: FinishedJob) {
        guard finished.add(job, at: .now) else { return }
        wake.yield()  // it waits with a deadline from now on
    }
}

extension Settlement.Outcome {
    var isFailure: Bool {
        switch self {
        case .fail, .crash: true
        case .ack, .release, .suspect, .bury, .expire, .refuse: false
        }
    }
}
