import StintCore

extension JobOptions {
    /// What a job of a tube is here. A handler of `stint work` that fails uses up its attempts as with any other job. The
    /// losses of clients are counted as crashes, and a crash is an attempt too.
    init(ofTubePriority priority: UInt32, delay: UInt32, timeToRun: UInt32, maxCrashes: Int?) {
        self.init(
            priority: priority, delay: Duration(ofTube: delay), timeToRun: Duration(ofTube: max(1, timeToRun)))
        self.maxCrashes = maxCrashes ?? Int(Int32.max)
        maxAttempts = max(maxAttempts, maxCrashes ?? 0)
    }
}

extension Duration {
    /// The store's longest time is shorter than the protocol's.
    init(ofTube seconds: UInt32) { self = min(.seconds(Int64(seconds)), NewJob.maximumDelay) }
}
