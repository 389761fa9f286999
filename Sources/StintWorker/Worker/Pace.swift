import StintCore

/// How fast jobs go, and so how many to claim at once: a claim takes no more than can be started soon.
struct Pace: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// The most jobs of one claim if the user has set no batch.
    private static let largestBatch = 64
    /// A claim takes no more than can be started within this part of the lease, and within this time.
    private static let partOfLease = 0.1
    private static let longestWait = 0.25
    private static let stallTime: Duration = .seconds(1)

    /// What a job lately took, in seconds; `nil` before the first has ended.
    private(set) var typicalRunTime: Double?
    private var lastStart: Instant
    /// When a claim brought jobs and none waited.
    private var waitingSince: Instant

    init(at now: Instant = .now) {
        lastStart = now
        waitingSince = now
    }

    mutating func started(at now: Instant) { lastStart = now }

    mutating func waitingBegan(at now: Instant) { waitingSince = now }

    mutating func ended(after duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let time = Double(seconds) + Double(attoseconds) * 1e-18
        typicalRunTime = typicalRunTime.map { $0 + (time - $0) / 8 } ?? time
    }

    /// How many jobs to claim at once, as things go.
    ///
    /// - Parameter batch: The user's setting, if any.
    func batch(_ batch: Int?, concurrency: Int, lease: Duration) -> Int {
        guard let startable = startable(concurrency, lease) else { return batch ?? concurrency }
        let largest = batch ?? max(concurrency, Self.largestBatch)
        return min(largest, max(concurrency, startable))
    }

    /// The next batch is claimed when this many jobs or fewer wait: half a batch. If two batches can be started within the
    /// time that a claimed job may wait, it is a whole one, so that handlers keep running while the store commits.
    func claimThreshold(batch: Int, concurrency: Int, lease: Duration) -> Int {
        min(batch, max(batch / 2, (startable(concurrency, lease) ?? 0) - batch))
    }

    /// How many jobs can be started within the time for which a claim may wait; `nil` before the first has ended.
    private func startable(_ concurrency: Int, _ lease: Duration) -> Int? {
        guard let typicalRunTime else { return nil }
        let time = min(Double(lease.milliseconds) / 1_000 * Self.partOfLease, Self.longestWait)
        // A job of no time at all makes this as large as one wants.
        return Int(min(time / max(typicalRunTime, 1e-9), Double(ClaimRequest.maximumLimit))) * concurrency
    }

    /// Nothing has started for a while: jobs take longer than they did.
    func isStalled(at now: Instant) -> Bool { now - lastStart >= Self.stallTime }

    /// How long what was claimed ahead may still wait.
    func timeUntilStalled(at now: Instant) -> Duration {
        // Not from the last start alone: a suspect that was claimed by a worker long idle, and that waits for the
        // handlers of another one in this process, would be given back and claimed again without a pause.
        max(.zero, Self.stallTime - (now - max(lastStart, waitingSince)))
    }
}
