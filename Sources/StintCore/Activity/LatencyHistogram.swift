/// How long something took, many times: counts in fixed buckets, each twice as wide as the one before, from a
/// millisecond to more than a day. Histograms of any processes and times can be added up.
public struct LatencyHistogram: Sendable, Hashable {
    /// The longest time of each bucket but the last one, which has no limit: 1 ms, 2 ms, 4 ms and so on up to 2^27 ms,
    /// 37 hours.
    public static let bounds: [Duration] = (0..<limitedBuckets).map { .milliseconds(Int64(1) << $0) }
    /// The number of buckets.
    public static let bucketCount = limitedBuckets + 1
    private static let limitedBuckets = 28

    /// How many times fell into each bucket, by ``bounds``, without the empty buckets at the end.
    public private(set) var counts: [Int] = []
    /// The sum of all times, in whole milliseconds.
    public private(set) var totalMilliseconds = 0

    public init() {}

    /// - Parameters:
    ///   - counts: By ``bounds``. Numbers below 0 count as 0, and what comes after the last bucket belongs to it.
    ///   - totalMilliseconds: The sum of all times.
    public init(counts: [Int], totalMilliseconds: Int) {
        for (index, count) in counts.enumerated() where count > 0 {
            add(count, toBucket: min(index, Self.bucketCount - 1))
        }
        self.totalMilliseconds = max(0, totalMilliseconds)
    }

    /// How many times were counted.
    public var count: Int { counts.reduce(0, saturatingSum) }

    public var isEmpty: Bool { counts.isEmpty }

    /// The sum of all times.
    public var total: Duration { .milliseconds(totalMilliseconds) }

    /// The average, which is exact to the millisecond; `nil` if nothing was counted.
    public var mean: Duration? { isEmpty ? nil : total / count }

    /// Counts a time. One below zero, from a clock that was set back, counts as zero.
    public mutating func add(_ time: Duration, times count: Int = 1) {
        add(milliseconds: time.milliseconds, times: count)
    }

    package mutating func add(milliseconds: Int64, times count: Int = 1) {
        guard count > 0 else { return }
        let time = max(0, milliseconds)
        add(count, toBucket: Self.bucket(of: time))
        let (product, overflow) = Int(clamping: time).multipliedReportingOverflow(by: count)
        totalMilliseconds = saturatingSum(totalMilliseconds, overflow ? .max : product)
    }

    /// Adds all that another one has counted.
    public mutating func merge(_ other: LatencyHistogram) {
        for (index, count) in other.counts.enumerated() where count > 0 { add(count, toBucket: index) }
        totalMilliseconds = saturatingSum(totalMilliseconds, other.totalMilliseconds)
    }

    /// A time that this share of all times does not exceed: 0.5 is the median.
    ///
    /// It is the bound of a bucket, so it is never below the true value, and less than twice as much. (A time below a
    /// millisecond counts as one. Times beyond the last bound are known only to be longer than it, and are said to be
    /// as long.)
    ///
    /// - Parameter share: From 0 to 1; what is beyond is taken as the nearest of them.
    /// - Returns: `nil` if nothing was counted.
    public func quantile(_ share: Double) -> Duration? {
        guard let largest = counts.indices.last else { return nil }
        let rank = max(1, (min(1, max(0, share)) * Double(count)).rounded(.up))
        var sum = 0
        for (index, count) in counts.enumerated() {
            sum = saturatingSum(sum, count)
            if Double(sum) >= rank { return Self.bounds[min(index, Self.limitedBuckets - 1)] }
        }
        return Self.bounds[min(largest, Self.limitedBuckets - 1)]
    }

    /// How many times were at most as long as each bound, and how many there are at all, with the bound `nil`: as
    /// Prometheus has its buckets.
    public var cumulative: [(upTo: Duration?, count: Int)] {
        var sum = 0
        return (0..<Self.bucketCount).map { index in
            if index < counts.count { sum = saturatingSum(sum, counts[index]) }
            return (index < Self.limitedBuckets ? Self.bounds[index] : nil, sum)
        }
    }

    private static func bucket(of milliseconds: Int64) -> Int {
        milliseconds <= 1 ? 0 : min(limitedBuckets, Int64.bitWidth - (milliseconds - 1).leadingZeroBitCount)
    }

    private mutating func add(_ count: Int, toBucket index: Int) {
        if index >= counts.count {
            counts.reserveCapacity(Self.bucketCount)
            while counts.count <= index { counts.append(0) }
        }
        counts[index] = saturatingSum(counts[index], count)
    }
}

/// Counts only grow, and another program may have written any number.
func saturatingSum(_ one: Int, _ other: Int) -> Int {
    let (sum, overflow) = one.addingReportingOverflow(other)
    return overflow ? .max : sum
}
