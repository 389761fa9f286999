import StintCore

/// When to claim, and how much. Handlers should not wait for the store, and jobs should not wait for this worker while
/// another one could start them.
extension WorkerLoop {
    func claimRequest() -> ClaimRequest? {
        if !isStopping, let reason = reasonToRecycle() { recycle(because: reason) }
        guard !isStopping, !isQuiet, !needsLook, listener.mayFindJobs || passedSuspect != nil, wantsJobs else {
            return nil
        }
        // After a failed visit the acks are settled first, alone: they must not fail together with the claim.
        if failedVisits > 0 && !finished.isEmpty { return nil }
        let outlook = outlook
        let claimsSuspects = mayClaimSuspects(outlook)
        guard outlook != .closed, listener.mayFindJobs || claimsSuspects, let budget = budgetLeft else { return nil }
        let allowed = min(startsAllowed - backlog.count, jobsLeft)
        guard allowed > 0, !isStopping else { return nil }
        let free = max(0, concurrency - running.count - backlog.count)
        let limit = batch > concurrency ? batch : min(batch, free)
        // Jobs that exceed the budget would be given back; one job is never too large.
        let fitting = max(1, budget.bytes / max(1, largestBytes))
        return ClaimRequest(
            queues: worker.queues, limit: min(limit, fitting, allowed, ClaimRequest.maximumLimit),
            lease: options.lease, worker: options.name, registration: place?.id, idleSlots: free, budget: budget,
            passesOverSuspects: !claimsSuspects)
    }

    /// The budget left beside the jobs that this worker holds; `nil` if it is used up.
    private var budgetLeft: ByteBudget? {
        let held = backlog.bytes + running.values.reduce(0) { $0 + $1.job.bytes }
        let left = options.budget.left(beside: held + finished.bytes)
        return left > 0 ? ByteBudget(bytes: left) : nil
    }

    /// Forgets large jobs after a while: each claim without one counts a quarter.
    func rememberSize(of jobs: [LeasedJob]) {
        largestBytes = max(jobs.reduce(0) { max($0, $1.bytes) }, largestBytes - largestBytes / 4 - 1)
    }

    /// Whether it is time to claim: a handler could start, or the waiting jobs will be used up soon.
    var wantsJobs: Bool {
        guard !isRunningAlone else { return false }
        if backlog.isEmpty && running.count < concurrency { return true }
        let batch = batch
        guard pace.typicalRunTime != nil, batch > concurrency, !backlog.hasSuspect else { return false }
        return backlog.count <= pace.claimThreshold(batch: batch, concurrency: concurrency, lease: options.lease)
            && !pace.isStalled(at: .now)
    }

    /// How long jobs claimed ahead may still wait here; `nil` if none waits, or if the user has set the batch.
    var timeUntilStalled: Duration? {
        backlog.isEmpty || options.batch != nil ? nil : pace.timeUntilStalled(at: .now)
    }

    /// Gives back jobs claimed ahead if they do not start as soon as expected.
    func releaseStalledJobs() {
        if timeUntilStalled == .zero { releaseWaitingJobs() }
    }

    private var batch: Int { pace.batch(options.batch, concurrency: concurrency, lease: options.lease) }
}
