import StintCore
import StintPlatform

/// Ends a worker whose process has grown too large or too old, or has lost a thread to a hanging handler.
extension WorkerLoop {
    /// How many more jobs may be claimed, so that all can be started here.
    var jobsLeft: Int {
        guard let limit = options.recycling.maxJobs else { return .max }
        return max(0, limit - jobsStarted - backlog.count)
    }

    /// Checked before each claim and each start.
    func reasonToRecycle() -> String? {
        let limits = options.recycling
        if let limit = limits.maxJobs, jobsStarted >= limit { return "it has started \(jobsStarted) jobs" }
        if let limit = limits.maxAge, ContinuousClock.now - started >= limit { return "it is \(limit) old" }
        // Only after a first job: a limit below the initial size of the process must not keep it from working.
        if let limit = limits.maxMemory, jobsStarted > 0, let memory = memoryInUse, memory > limit {
            return "it uses \(memory / 1_048_576) MiB"
        }
        return nil
    }

    /// The memory of the process in which the handlers run.
    private var memoryInUse: Int64? {
        for handler in worker.handlers.all { if let memory = handler.memoryInUse { return memory() } }
        return ProcessMemory.resident(ofProcess: ProcessIdentity.current.processID)
    }

    func recycle(because reason: String) {
        guard !isStopping else { return }
        logger.info("the worker ends to be replaced", metadata: ["reason": "\(reason)"])
        ending = .recycled
        stop(grace: options.gracePeriod, isOrder: false)
    }
}
