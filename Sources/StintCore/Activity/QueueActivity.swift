#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What happened in one bucket of time.
public struct ActivityBucket: Sendable, Hashable {
    /// When it begins.
    public var start: Date { Date(startMilliseconds) }
    /// The same in milliseconds since 1970, UTC.
    public let startMilliseconds: Timestamp
    public let counts: ActivityCounts

    public init(startMilliseconds: Timestamp, counts: ActivityCounts) {
        self.startMilliseconds = startMilliseconds
        self.counts = counts
    }
}

/// What happened in a queue lately, and since it is counted.
public struct QueueActivity: Sendable, Hashable {
    public let queue: QueueName
    /// All that was ever counted, so that it only grows. Counting begins with the queue, or when its database was
    /// migrated.
    public let total: ActivityCounts
    /// For how long the job has been ready that has been so for longest; `nil` if none is ready. It is counted as in
    /// ``ActivityCounts/timeInQueue``. A store may look at the first jobs of each priority only, and at the first
    /// priorities: the age of a queue in which a hundred jobs of each were ready before is that of one of the oldest.
    public let oldestReady: Duration?
    /// The length of the buckets.
    public let period: ActivityPeriod
    /// What happened, oldest first, without the buckets in which nothing did. The first one may begin before the time
    /// that was asked for, and the last one is not over.
    public let buckets: [ActivityBucket]
    /// The starts of the first and the last bucket of the time that was asked for; `nil`: for no time.
    public let starts: ClosedRange<Timestamp>?
    /// When this was read, by the store's clock, in milliseconds since 1970, UTC.
    public let readAtMilliseconds: Timestamp

    public init(
        queue: QueueName, total: ActivityCounts, oldestReady: Duration?, period: ActivityPeriod,
        buckets: [ActivityBucket], starts: ClosedRange<Timestamp>?, readAtMilliseconds: Timestamp
    ) {
        self.queue = queue
        self.total = total
        self.oldestReady = oldestReady
        self.period = period
        self.buckets = buckets
        self.starts = starts
        self.readAtMilliseconds = readAtMilliseconds
    }

    /// All buckets together.
    public var sum: ActivityCounts { buckets.reduce(into: ActivityCounts()) { $0 += $1.counts } }

    /// A number for each bucket of the time that was asked for, also for those in which nothing happened: for a
    /// sparkline.
    ///
    ///     activity.series(\.done)
    public func series(_ count: KeyPath<ActivityCounts, Int>) -> [Int] {
        guard let starts else { return [] }
        let length = period.milliseconds
        var series = Array(repeating: 0, count: Int((starts.upperBound - starts.lowerBound) / length) + 1)
        for bucket in buckets where starts.contains(bucket.startMilliseconds) {
            series[Int((bucket.startMilliseconds - starts.lowerBound) / length)] = bucket.counts[keyPath: count]
        }
        return series
    }

    /// How many in the time before the read. Whole buckets are exact; of the first one, which is mostly older, a share
    /// counts, as if it had come evenly.
    public func count(_ count: KeyPath<ActivityCounts, Int>, last: Duration) -> Double {
        let start = readAtMilliseconds - min(last.milliseconds, period.keptMilliseconds)
        return buckets.reduce(0) { sum, bucket in
            let end = min(bucket.startMilliseconds + period.milliseconds, max(readAtMilliseconds, start))
            guard end > start else { return sum }
            let share =
                bucket.startMilliseconds >= start ? 1 : Double(end - start) / Double(end - bucket.startMilliseconds)
            return sum + share * Double(bucket.counts[keyPath: count])
        }
    }
}
