import StintCore

/// Running the jobs that were claimed.
extension WorkerLoop {
    func startWaitingJobs() {
        while let run = takeNext() { start(run) }
    }

    /// The next waiting job that may start now; one that nobody can run is buried instead.
    private func takeNext() -> JobRun? {
        while next < backlog.count, running.count < concurrency, !isRunningAlone, startsAllowed > 0,
            !extendsBeforeStart, !isRevocationUnseen
        {
            if !isStopping, let reason = reasonToRecycle() {
                recycle(because: reason)
                return nil
            }
            let job = backlog[next]
            let now = worker.clock.now()
            guard !isPast(job.lease, now) else {
                dropExpired(now)
                continue
            }
            guard mayEnterRoom(job) else { return nil }
            next += 1
            var isStarted = false
            defer { if !isStarted { place?.room.leave() } }
            do {
                let run = try makeRun(job)
                guard noteStart(of: job.lease, maxAttempts: run.handler.retry.maxAttempts, now) else {
                    next -= 1
                    return nil
                }
                noteHandedOver()
                isStarted = true
                return run
            } catch JobVerdict.bury(let reason) {
                settle(job, .bury(reason: reason))
            } catch {
                settle(job, .bury(reason: "\(error)"))
            }
        }
        return nil
    }

    /// Before the handler can do anything: when it kills this process, the board must tell.
    ///
    /// - Returns: Whether it may start; not where something was revoked since this worker last looked.
    private func noteStart(of lease: Lease, maxAttempts: Int?, _ now: Moment) -> Bool {
        place?.board.note(ended: endedUnnoted, started: lease, maxAttempts: maxAttempts, now: now)
        endedUnnoted = nil
        // After the note, and not before it: see ``RevocationMark``.
        if let place, place.revocations.read() != seenRevocations {
            place.board.note(ended: lease, started: nil, now: now)
            isRevocationUnseen = true
            wake.yield()
            return false
        }
        jobsStarted += 1
        lastStart = .now
        return true
    }

    private func noteEnd() {
        guard endedUnnoted != nil else { return }
        place?.board.note(ended: endedUnnoted, started: nil, now: worker.clock.now())
        endedUnnoted = nil
    }

    private func noteLateEnd(of lease: Lease) {
        place?.board.note(ended: lease, started: nil, now: worker.clock.now())
    }

    private func makeRun(_ job: LeasedJob) throws -> JobRun {
        let handler = try worker.handlers.handler(for: job)
        let context = JobContext(job: job, store: store, clock: worker.clock, worker: options.name, logger: logger)
        return JobRun(
            handler: handler, context: context, timeout: job.timeToRun ?? handler.timeout ?? options.timeout,
            isTraced: isTraced, endsWithHang: worker.supervision != nil)
    }

    private func start(_ run: JobRun) {
        guard let timeout = run.timeoutToKeep else {
            let lane = startLane(run)
            return note(run, cancel: { lane.cancel() })
        }
        let task = Task { await run.conclusion() }
        Task {
            let conclusion = await run.conclusion(of: task, within: timeout)
            await self.awaitOrderToStop(after: conclusion)
            self.finish(run, conclusion)
            self.goOn()
            guard conclusion?.isHung == true else { return }
            _ = await task.value
            self.noteLateEnd(of: run.context.lease)
        }
        note(run, cancel: { task.cancel() })
    }

    /// A lane runs one job after the other in one task: with short jobs, a task for each is most of what they cost.
    private nonisolated func startLane(_ first: JobRun) -> Task<Void, Never> {
        Task {
            var run = first
            while true {
                let conclusion = await run.conclusion()
                if conclusion?.endedAsOrdered == true { await self.awaitOrderToStop(after: conclusion) }
                guard let next = await self.finishAndTakeNext(run, conclusion) else { return }
                run = next
            }
        }
    }

    private func note(_ run: JobRun, cancel: @escaping @Sendable () -> Void) {
        running[run.context.lease] = RunningJob(
            job: run.context.job, cancel: cancel, settlement: run.context.settlement, started: .now,
            windDown: run.handler.windDown)
    }

    /// Called in a lane's own task. `nil` ends the lane.
    private func finishAndTakeNext(_ run: JobRun, _ conclusion: Conclusion?) -> JobRun? {
        let ended = finish(run, conclusion)
        var following: JobRun?
        // A cancelled lane would cancel its next job too. Only this actor cancels lanes, so the answer holds.
        if let ended, !Task.isCancelled, let next = takeNext() {
            if next.timeoutToKeep == nil {
                note(next, cancel: ended.cancel)
                following = next
            } else {
                start(next)
            }
        }
        goOn()
        return following
    }

    /// After a job has ended. While others wait to start, the loop has nothing to do and sleeps on.
    private func goOn() {
        startWaitingJobs()
        noteEnd()
        if isStopping || hasFreeSlot || mayFindJobs && wantsJobs || isTimeToSettle { wake.yield() }
    }

    @discardableResult
    private func finish(_ run: JobRun, _ conclusion: Conclusion?) -> RunningJob? {
        // Absent: the worker gave up waiting for it.
        guard let job = running.removeValue(forKey: run.context.lease) else { return nil }
        place?.room.leave()
        noteEnd()
        // One that hangs goes on, and may yet be the end of this process: it stays on the board.
        if conclusion?.isHung != true { endedUnnoted = run.context.lease }
        noteHandlerEnded()
        if conclusion?.isNotStarted == true {
            giveBack(job.job)
            return job
        }
        let runTime = ContinuousClock.now - job.started
        metrics.ran(job.job, for: runTime)
        noteRunTime(runTime)
        if let conclusion {
            let isBlameless = isBlameless(job, conclusion)
            settle(job.job, isBlameless ? Conclusion(outcome: .release(after: .zero)) : conclusion)
            // Its thread is lost for as long as this process lives.
            if conclusion.isHung && worker.supervision != nil { recycle(because: "a handler hangs") }
        } else {
            metrics.settledByHandler(job.job)
        }
        return job
    }

    /// Whether a failure is the worker's doing and not the job's: the worker cancelled it, or it is stopping, and whoever
    /// sent the signal may have sent it to the command too.
    private func isBlameless(_ job: RunningJob, _ conclusion: Conclusion) -> Bool {
        switch conclusion.outcome {
        case .crash, .suspect: job.isReleased || isToldToStop
        case .fail: job.isReleased || conclusion.endedAsOrdered && isToldToStop
        case .ack, .release, .bury: false
        }
    }

    private var isToldToStop: Bool { isOrderedToStop || worker.supervision?.isAbandoned == true }

    /// How much later than its command this worker may get a signal that was sent to both: long, on a busy machine.
    private static let longestOrder = 20
    private static let orderInterval: Duration = .milliseconds(100)

    /// A command that ended as one does that is told to (SIGTERM, or exit 143) was perhaps told so together with this worker,
    /// as systemd and the end of a session do it, and the worker hears of it a moment later. Until then its job is not judged.
    private func awaitOrderToStop(after conclusion: Conclusion?) async {
        guard conclusion?.endedAsOrdered == true else { return }
        for _ in 0..<Self.longestOrder where !isToldToStop { await pause(Self.orderInterval) }
    }
}
