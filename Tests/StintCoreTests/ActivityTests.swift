import Foundation
import StintCore
import Testing

@Suite("Counts of what happened")
struct ActivityTests {
    @Test("a time falls into the bucket whose bound is the smallest that is not below it")
    func buckets() {
        for (milliseconds, bucket) in [
            (0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (1_024, 10), (1_025, 11), (1 << 27, 27),
            ((1 << 27) + 1, 28), (1 << 60, 28),
        ] {
            var histogram = LatencyHistogram()
            histogram.add(.milliseconds(milliseconds))
            #expect(histogram.counts == Array(repeating: 0, count: bucket) + [1], "\(milliseconds) ms")
            #expect(histogram.totalMilliseconds == milliseconds)
        }
        #expect(LatencyHistogram.bounds.count == 28 && LatencyHistogram.bounds.last == .milliseconds(1 << 27))
        #expect(LatencyHistogram.bounds.last! > .seconds(86_400))
    }

    @Test("a time below zero counts as zero, and a part of a millisecond as a whole one")
    func edges() {
        var histogram = LatencyHistogram()
        histogram.add(.seconds(-5))
        histogram.add(.microseconds(1_001))
        histogram.add(.seconds(1), times: 0)
        #expect(histogram == LatencyHistogram(counts: [1, 1], totalMilliseconds: 2))
    }

    @Test("a quantile is never below the true value, and less than twice as much", arguments: [1, 7, 100, 12_345])
    func quantiles(step: Int64) {
        var histogram = LatencyHistogram()
        let times = (1...1_000).map { Int64($0) * step }
        for time in times { histogram.add(.milliseconds(time)) }
        for share in [0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = times[Int((share * 1_000).rounded(.up)) - 1]
            let quantile = histogram.quantile(share)!
            #expect(quantile >= .milliseconds(exact) && quantile < .milliseconds(max(2, 2 * exact)))
        }
        #expect(histogram.mean == .milliseconds(step * 1_001) / 2)
    }

    @Test("a histogram without times has no quantile, and absurd shares are the nearest sound ones")
    func noTimes() {
        #expect(LatencyHistogram().quantile(0.5) == nil && LatencyHistogram().mean == nil)
        let one = LatencyHistogram(counts: [0, 0, 1], totalMilliseconds: 3)
        #expect(one.quantile(-1) == .milliseconds(4) && one.quantile(2) == .milliseconds(4))
        let long = LatencyHistogram(counts: Array(repeating: 0, count: 28) + [1], totalMilliseconds: 1 << 28)
        #expect(long.quantile(0.5) == LatencyHistogram.bounds.last)
    }

    @Test("histograms add up, in any order, and as if all times had been counted by one")
    func merging() {
        var (one, other, all) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for time in [Int64(1), 5, 80, 3_000, 200_000_000] {
            one.add(.milliseconds(time))
            all.add(.milliseconds(time))
        }
        for time in [Int64(2), 6, 6, 900] {
            other.add(.milliseconds(time), times: 3)
            all.add(.milliseconds(time), times: 3)
        }
        var (left, right) = (one, other)
        left.merge(other)
        right.merge(one)
        #expect(left == all && right == all && all.count == 17)
        let cumulative = all.cumulative
        #expect(cumulative.last?.upTo == nil && cumulative.last?.count == 17 && cumulative.count == 29)
        #expect(cumulative.first?.count == 1 && cumulative[1].count == 4)
        #expect(zip(cumulative, cumulative.dropFirst()).allSatisfy { $0.count <= $1.count })
    }

    @Test("stored numbers that are absurd do not overflow")
    func absurd() {
        var histogram = LatencyHistogram(counts: [.max, -4, .max], totalMilliseconds: .max)
        histogram.merge(histogram)
        histogram.add(.seconds(Int64.max), times: .max)
        #expect(histogram.count == .max && histogram.totalMilliseconds == .max && histogram.quantile(0.5) != nil)
        #expect(LatencyHistogram(counts: Array(repeating: 1, count: 99), totalMilliseconds: -1).counts.count == 29)
        var counts = ActivityCounts()
        counts.enqueued = .max
        counts += counts
        #expect(counts.enqueued == .max)
    }

    @Test("a bucket begins at a whole multiple of its length, also before 1970")
    func starts() {
        #expect(ActivityPeriod.minute.start(of: 61_234) == 60_000 && ActivityPeriod.minute.start(of: 60_000) == 60_000)
        #expect(ActivityPeriod.minute.start(of: -1) == -60_000 && ActivityPeriod.hour.start(of: 7_199_999) == 3_600_000)
        for time: Timestamp in [.min, .max, 0] {
            _ = ActivityPeriod.minute.start(of: time)
            _ = ActivityPeriod.hour.keptStarts(now: time)
            _ = ActivityPeriod.hour.starts(last: .seconds(Int64.max), now: time)
        }
        #expect(ActivityPeriod.covering(.seconds(3_600)) == .minute)
        #expect(ActivityPeriod.covering(.seconds(3_601)) == .hour)
        #expect(ActivityPeriod.covering(.seconds(9_999_999)) == .hour)
        #expect(ActivityPeriod.minute.starts(last: .seconds(60), now: 150_000) == 60_000...120_000)
        #expect(ActivityPeriod.minute.starts(last: .zero, now: 150_000) == nil)
    }

    @Test("the count of the last time takes whole buckets, and of the first a share")
    func lately() {
        func bucket(_ minute: Int64, _ done: Int) -> ActivityBucket {
            var counts = ActivityCounts()
            counts.done = done
            return ActivityBucket(startMilliseconds: minute * 60_000, counts: counts)
        }
        let activity = QueueActivity(
            queue: "q", total: ActivityCounts(), oldestReady: nil, period: .minute,
            buckets: [bucket(1, 100), bucket(3, 60), bucket(4, 7)], starts: 0...240_000,
            readAtMilliseconds: 255_000)
        #expect(activity.count(\.done, last: .seconds(60)) == 7 + 45)
        #expect(activity.count(\.done, last: .seconds(15)) == 7 && activity.count(\.done, last: .zero) == 0)
        #expect(activity.count(\.done, last: .seconds(3_600)) == 167)
        #expect(activity.series(\.done) == [0, 100, 0, 60, 7] && activity.sum.done == 167)
    }
}
