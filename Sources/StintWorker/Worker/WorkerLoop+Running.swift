import StintCore

/// Runs the claimed jobs.
extension WorkerLoop {
    func startWaitingJobs() {
        while let run = takeNext() { start(run) }
    }

    /// The next waiting job that may start now. One whose time is over expires instead, and one without a handler is given
    /// back.
    private func takeNext() -> JobRun? {
        while let job = backlog.first, running.count < concurrency, !isRunningAlone, startsAllowed > 0,
            !extendsBeforeStart, !isRevocationUnseen
        {
            if !isStopping, let reason = reasonToRecycle() {
                recycle(because: reason)
                return nil
            }
            let now = options.clock()
            guard !leases.isPast(job.lease, at: now) else {
                dropExpired(now)
                continue
            }
            if leases.isExpired(job.lease, at: now) {
                backlog.removeFirst()
                finish(job, .expire)
                continue
            }
            guard mayBegin(job) else { return nil }
            backlog.removeFirst()
            var isStarted = false
            defer { if !isStarted { place?.runLock.end() } }
            do {
                let run = try makeRun(job)
                guard noteStart(of: job.lease, maxAttempts: run.handler.retry.maxAttempts) else {
                    backlog.putBackFirst()
                    return nil
                }
                startGate?.begin()
                isStarted = true
                return run
            } catch let unknown as UnknownJob {
                refuse(job, unknown)
            } catch {
                finish(job, .bury(reason: "\(error)"))
            }
        }
        return nil
    }

    /// Records the start before the handler can do anything, in case it kills this process.
    ///
    /// - Returns: Whether it may start; `false` if jobs were revoked since this worker last looked.
    private func noteStart(of lease: Lease, maxAttempts: Int?) -> Bool {
        place?.scoreboard.note(ended: endedUnnoted, started: lease, maxAttempts: maxAttempts)
        endedUnnoted = nil
        // After recording the start, not before: see ``RevocationMark``.
        if let place, place.revocations.read() != seenRevocations {
            place.scoreboard.note(ended: lease, started: nil)
            isRevocationUnseen = true
            wake.yield()
            return false
        }
        jobsStarted += 1
        pace.started(at: .now)
        return true
    }

    private func noteEnd() {
        guard endedUnnoted != nil else { return }
        place?.scoreboard.note(ended: endedUnnoted, started: nil)
        endedUnnoted = nil
    }

    private func noteLateEnd(of lease: Lease) {
        place?.scoreboard.note(ended: lease, started: nil)
    }

    private func makeRun(_ job: LeasedJob) throws -> JobRun {
        let handler = try worker.handlers.handler(for: job)
        let context = JobContext(job: job, store: store, worker: options.name, logger: logger)
        return JobRun(
            handler: handler, context: context, timeout: job.timeToRun ?? handler.timeout ?? options.timeout,
            isTraced: isTraced, endsWithHang: worker.supervisorConnection != nil)
    }

    private func start(_ run: JobRun) {
        guard let timeout = run.timeoutToKeep else {
            let lane = startSequence(run)
            return register(run, cancel: { lane.cancel() })
        }
        let task = Task { await run.result() }
        Task {
            let result = await run.result(of: task, within: timeout)
            await self.awaitOrderToStop(after: result)
            self.end(run, result)
            self.goOn()
            guard result?.isHung == true else { return }
            _ = await task.value
            self.noteLateEnd(of: run.context.lease)
        }
        register(run, cancel: { task.cancel() })
    }

    /// A lane runs one job after the other in one task: for short jobs, a task for each is most of their cost.
    private nonisolated func startSequence(_ first: JobRun) -> Task<Void, Never> {
        Task {
            var run = first
            while true {
                let result = await run.result()
                if result?.endedAsOrdered == true { await self.awaitOrderToStop(after: result) }
                guard let next = await self.endAndTakeNext(run, result) else { return }
                run = next
            }
        }
    }

    private func register(_ run: JobRun, cancel: @escaping @Sendable () -> Void) {
        running[run.context.lease] = RunningJob(
            job: run.context.job, cancel: cancel, settlement: run.context.settlement, started: .now,
            cancellationTimeout: run.handler.cancellationTimeout)
    }

    /// Called in a lane's own task. `nil` ends the lane.
    private func endAndTakeNext(_ run: JobRun, _ result: RunResult?) -> JobRun? {
        let ended = end(run, result)
        var following: JobRun?
        // A cancelled lane would cancel its next job too. Only this actor cancels lanes, so the check stays valid.
        if let ended, !Task.isCancelled, let next = takeNext() {
            if next.timeoutToKeep == nil {
                register(next, cancel: ended.cancel)
                following = next
            } else {
                start(next)
            }
        }
        goOn()
        return following
    }

    /// Called after a job has ended. While others wait to start, the loop has nothing to do and sleeps on.
    private func goOn() {
        startWaitingJobs()
        noteEnd()
        if isStopping || hasFreeSlot || listener.mayFindJobs && wantsJobs || isTimeToSettle { wake.yield() }
    }

    @discardableResult
    private func end(_ run: JobRun, _ result: RunResult?) -> RunningJob? {
        // It is missing if the worker gave up waiting for it.
        guard let job = running.removeValue(forKey: run.context.lease) else { return nil }
        place?.runLock.end()
        noteEnd()
        // A hanging handler still runs and may yet kill this process, so it stays on the scoreboard.
        if result?.isHung != true { endedUnnoted = run.context.lease }
        startGate?.end()
        if result?.isNotStarted == true {
            giveBack(job.job)
            return job
        }
        let runTime = ContinuousClock.now - job.started
        metrics.ran(job.job, for: runTime)
        pace.ended(after: runTime)
        if let result {
            let isBlameless = isBlameless(job, result)
            finish(job.job, isBlameless ? RunResult(outcome: .release(after: .zero)) : result)
            // Its thread is lost until this process ends.
            if result.isHung && worker.supervisorConnection != nil { recycle(because: "a handler hangs") }
        } else {
            metrics.settledByHandler(job.job)
        }
        return job
    }

    /// Whether the worker and not the job caused a failure: the worker cancelled it, or is stopping, and the command
    /// may have received the same signal.
    private func isBlameless(_ job: RunningJob, _ result: RunResult) -> Bool {
        switch result.outcome {
        case .crash, .suspect: job.isReleased || hasOrderToStop
        case .fail: job.isReleased || result.endedAsOrdered && hasOrderToStop
        case .ack, .release, .bury, .expire, .refuse: false
        }
    }

    private var hasOrderToStop: Bool { isOrderedToStop || worker.supervisorConnection?.isAbandoned == true }

    /// How much later than its command this worker may get a signal that was sent to both: up to 2 s, on a busy
    /// machine.
    private static let longestOrder = 20
    private static let orderInterval: Duration = .milliseconds(100)

    /// A command that ended as if ordered to (SIGTERM, or exit 143) may have received that order together with this
    /// worker, as from systemd or at the end of a session, and the worker a moment later. So its job is not classified
    /// before that.
    private func awaitOrderToStop(after result: RunResult?) async {
        guard result?.endedAsOrdered == true else { return }
        for _ in 0..<Self.longestOrder where !hasOrderToStop { await pause(Self.orderInterval) }
    }
}
