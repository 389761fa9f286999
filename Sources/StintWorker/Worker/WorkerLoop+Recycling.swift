import StintCore

/// Ending before the process has grown too large, too old, or lost a thread.
extension WorkerLoop {
    /// How many jobs may still be started.
    var jobsLeft: Int {
        guard let limit = options.recycling.maxJobs else { return .max }
        return max(1, limit - jobsStarted - waitingCount)
    }

    /// Looked at before each claim and each start.
    func reasonToRecycle() -> String? {
        let limits = options.recycling
        if let limit = limits.maxJobs, jobsStarted >= limit { return "it has started \(jobsStarted) jobs" }
        if let limit = limits.maxAge, ContinuousClock.now - started >= limit { return "it is \(limit) old" }
        // After a job at least: a limit below what the process starts with must not keep it from ever working.
        if let limit = limits.maxMemory, jobsStarted > 0, let memory = memoryInUse, memory > limit {
            return "it uses \(memory / 1_048_576) MiB"
        }
        return nil
    }

    /// Of the process in which the handlers run.
    private var memoryInUse: Int64? {
        for handler in worker.handlers.all { if let memory = handler.memoryInUse { return memory() } }
        return ProcessIdentity.residentMemory(ofProcess: ProcessIdentity.current.processID)
    }

    func recycle(because reason: String) {
        guard !isStopping else { return }
        logger.info("the worker ends to be replaced", metadata: ["reason": "\(reason)"])
        ending = .recycled
        stop(grace: options.gracePeriod, isOrder: false)
    }
}
