import StintCore

extension JobOptions {
    /// What a job of a tube is here. A handler of `stint work` that fails uses up its attempts as with any other job. The
    /// losses of clients are counted as crashes, and a crash is an attempt too.
    init(ofTubePriority priority: UInt32, delay: Duration, timeToRun: Duration, maxCrashes: Int?) {
        self.init(priority: priority, delay: delay, timeToRun: timeToRun)
        self.maxCrashes = maxCrashes ?? Int(Int32.max)
        maxAttempts = max(maxAttempts, maxCrashes ?? 0)
    }
}
