import StintCore

/// Running the jobs that were claimed.
extension WorkerLoop {
    func startWaitingJobs() {
        while let run = nextRun() { start(run) }
    }

    /// The next job in line, if it may start now. Jobs that nobody can run are buried on the way.
    private func nextRun() -> JobRun? {
        while next < backlog.count, running.count < options.concurrency, !isRunningAlone {
            let job = backlog[next]
            if job.runsAlone && !running.isEmpty { return nil }
            next += 1
            if let run = prepare(job) { return run }
        }
        return nil
    }

    private func prepare(_ job: LeasedJob) -> JobRun? {
        do {
            let handler = try worker.handlers.handler(for: job)
            let context = JobContext(
                job: job, store: store, clock: worker.clock, worker: options.name, logger: logger)
            return JobRun(
                handler: handler, context: context, timeout: job.timeToRun ?? handler.timeout ?? options.timeout)
        } catch JobVerdict.bury(let reason) {
            settle(job.lease, .bury(reason: reason))
        } catch {
            settle(job.lease, .bury(reason: "\(error)"))
        }
        return nil
    }

    /// Starts a slot with this job. It goes on with the jobs that wait: a task a job would cost a switch of threads each.
    private func start(_ first: JobRun) {
        slotsStarted += 1
        let slot = slotsStarted
        note(first, in: slot)
        if let timeout = first.timeout {
            let task = Task { await first.outcome() }
            slots[slot] = { task.cancel() }
            Task {
                let outcome = await first.outcome(of: task, within: timeout)
                self.finish(first, outcome)
                self.leave(slot)
            }
        } else {
            let task = Task {
                var run = first
                while true {
                    let outcome = await run.outcome()
                    self.finish(run, outcome)
                    // A cancelled task stays cancelled, so it must not run another job.
                    guard !Task.isCancelled, let next = self.nextRun(), self.take(next, in: slot) else { break }
                    run = next
                }
                self.leave(slot)
            }
            slots[slot] = { task.cancel() }
        }
    }

    private func note(_ run: JobRun, in slot: Int) {
        running[run.context.lease] = RunningJob(job: run.context.job, slot: slot, started: .now)
    }

    /// - Returns: Whether the slot shall run it itself; a job with a timeout gets a slot of its own.
    private func take(_ run: JobRun, in slot: Int) -> Bool {
        guard run.timeout == nil else {
            start(run)
            return false
        }
        note(run, in: slot)
        return true
    }

    private func leave(_ slot: Int) {
        slots[slot] = nil
        startWaitingJobs()
        if needsAttention { wake.yield() }
    }

    private func finish(_ run: JobRun, _ outcome: Settlement.Outcome?) {
        // Absent: the worker gave up waiting for it.
        guard let job = running.removeValue(forKey: run.context.lease) else { return }
        metrics.ran(job.job, for: ContinuousClock.now - job.started)
        if let outcome {
            settle(job.job.lease, job.isReleased && outcome.isFailure ? .release(after: .zero) : outcome)
        } else {
            metrics.settledByHandler(job.job)
        }
        if needsAttention { wake.yield() }
    }

    /// Whether the loop has something to do: claim, settle, or set the time for it.
    private var needsAttention: Bool {
        hasFreeSlot || running.isEmpty || finished.count == 1 || isTimeToSettle
    }

    func cancel(_ job: RunningJob) {
        slots[job.slot]?()
    }
}
