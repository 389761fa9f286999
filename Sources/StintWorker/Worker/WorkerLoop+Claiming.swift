import StintCore

/// When to claim, and how much. Handlers should not wait for the store, and jobs should not wait for this worker while
/// another one could start them.
extension WorkerLoop {
    /// The most jobs of one claim if the user set no `batch`.
    private static let largestBatch = 64
    /// A claim takes no more than can be started within this part of the lease, and within this time.
    private static let partOfLease = 0.1
    private static let longestWait = 0.25
    private static let stallTime: Duration = .seconds(1)

    func claimRequest() -> ClaimRequest? {
        if !isStopping, let reason = reasonToRecycle() { recycle(because: reason) }
        guard !isStopping, !needsLook, mayFindJobs || passedSuspect != nil, wantsJobs else { return nil }
        // If the store has just refused both, the acks go first and alone: they must not depend on the claim.
        if failedVisits > 0 && !finished.isEmpty { return nil }
        let outlook = outlook
        let takesSuspects = mayTakeSuspects(outlook)
        guard outlook != .closed, mayFindJobs || takesSuspects, let budget = budgetLeft else { return nil }
        let allowed = startsAllowed - waitingCount
        guard allowed > 0, !isStopping else { return nil }
        let free = max(0, concurrency - running.count - waitingCount)
        let limit = batch > concurrency ? batch : min(batch, free)
        // Jobs that exceed the budget would be given back; one job is never too large.
        let fitting = max(1, budget.bytes / max(1, largestBytes))
        return ClaimRequest(
            queues: worker.queues, limit: min(limit, fitting, jobsLeft, allowed, ClaimRequest.maximumLimit),
            lease: options.lease, worker: options.name, registration: place?.id, idleSlots: free, budget: budget,
            passesOverSuspects: !takesSuspects)
    }

    /// The budget left beside the jobs that this worker holds; `nil` if it is used up.
    private var budgetLeft: ByteBudget? {
        let held = backlog[next...].reduce(0) { $0 + $1.bytes } + running.values.reduce(0) { $0 + $1.job.bytes }
        let left = options.budget.left(beside: held + finishedBytes)
        return left > 0 ? ByteBudget(bytes: left) : nil
    }

    /// Forgets large jobs after a while: each claim without one counts a quarter.
    func noteSize(of jobs: [LeasedJob]) {
        largestBytes = max(jobs.reduce(0) { max($0, $1.bytes) }, largestBytes - largestBytes / 4 - 1)
    }

    /// Whether it is time to claim: a handler could start, or the waiting jobs will be used up soon.
    var wantsJobs: Bool {
        guard !isRunningAlone else { return false }
        if waitingCount == 0 && running.count < concurrency { return true }
        guard typicalRunTime != nil, !isStalled, batch > concurrency else { return false }
        return waitingCount <= batch / 2 && !backlog[next...].contains(where: \.runsAlone)
    }

    /// Nothing has started for a while: jobs take longer than before.
    private var isStalled: Bool { ContinuousClock.now - lastStart >= Self.stallTime }

    /// How long jobs claimed ahead may still wait here; `nil` if none waits, or the user has set `batch`.
    var timeUntilStalled: Duration? {
        guard waitingCount > 0 && options.batch == nil else { return nil }
        // It does not count from the last start alone: a long idle worker may have claimed a suspect that waits for
        // handlers of another worker in this process. It would be given back and claimed again without a pause.
        return max(.zero, Self.stallTime - (.now - max(lastStart, waitingSince)))
    }

    /// Gives back jobs claimed ahead if they do not start as soon as expected.
    func releaseStalledJobs() {
        if timeUntilStalled == .zero { releaseWaitingJobs() }
    }

    /// How many jobs to claim at once, judging by recent run times.
    private var batch: Int {
        guard let typicalRunTime else { return options.batch ?? concurrency }
        let time = min(Double(options.lease.milliseconds) / 1_000 * Self.partOfLease, Self.longestWait)
        let largest = options.batch ?? max(concurrency, Self.largestBatch)
        // A run time of zero would make this infinite.
        let startable = min(time / max(typicalRunTime, 1e-9), Double(ClaimRequest.maximumLimit))
        return min(largest, max(concurrency, Int(startable) * concurrency))
    }

    func noteRunTime(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let time = Double(seconds) + Double(attoseconds) * 1e-18
        typicalRunTime = typicalRunTime.map { $0 + (time - $0) / 8 } ?? time
    }
}
