import StintCore

/// What happened in a queue in the last hour, in words.
struct ActivityText {
    let activity: QueueActivity

    /// Rows of `stint queue show`.
    var rows: [(String, String)] {
        let hour = activity.sum
        var rows = [
            ("oldest", activity.oldestReady.map { "ready for \(Self.text($0))" } ?? "none ready"),
            ("in", "\(jobs(\.enqueued))"),
            ("out", "\(jobs(\.ended))"),
        ]
        if hour.unsuccessful > 0 {
            rows.append(("failed", "\(counts(\.unsuccessful, "attempt"))"))
        }
        rows.append(("waited", times(hour.timeInQueue, "until they were claimed")))
        rows.append(("ran", times(hour.runTime, "from their claim until they were settled")))
        return rows
    }

    private func jobs(_ count: KeyPath<ActivityCounts, Int>) -> String { counts(count, "job") }

    private func counts(_ count: KeyPath<ActivityCounts, Int>, _ noun: String) -> String {
        let minute = Format.count(activity.count(count, last: .seconds(60)))
        return "\(minute) \(noun)\(minute == "1" ? "" : "s") in the last minute, "
            + "\(Format.count(activity.count(count, last: .seconds(3_600)))) in the last hour"
    }

    private func times(_ times: LatencyHistogram, _ what: String) -> String {
        guard let half = times.quantile(0.5), let most = times.quantile(0.99) else { return "none in the last hour" }
        return "half up to \(Self.text(half)), 99% up to \(Self.text(most)), \(what)"
    }

    /// A bound of a histogram, with no more digits than it is worth.
    private static func text(_ bound: Duration) -> String { Format.duration(milliseconds: bound.milliseconds) }
}

extension ActivityCounts {
    /// Attempts that did not succeed.
    fileprivate var unsuccessful: Int {
        [failed, crashed, lost].reduce(0) { sum, count in
            let (next, overflow) = sum.addingReportingOverflow(count)
            return overflow ? .max : next
        }
    }
}

/// The same as JSON.
struct ActivityDocument: Encodable {
    struct Counts: Encodable {
        let enqueued, started, done, failed, crashed, lost, buried, cancelled, expired: Int

        init(_ count: (KeyPath<ActivityCounts, Int>) -> Int) {
            (enqueued, started, done) = (count(\.enqueued), count(\.started), count(\.done))
            (failed, crashed, lost) = (count(\.failed), count(\.crashed), count(\.lost))
            (buried, cancelled, expired) = (count(\.buried), count(\.cancelled), count(\.expired))
        }
    }

    struct Times: Encodable {
        let count: Int
        let meanMilliseconds: Int64?
        let p50Milliseconds: Int64?
        let p99Milliseconds: Int64?

        init(_ times: LatencyHistogram) {
            count = times.count
            meanMilliseconds = times.mean?.milliseconds
            p50Milliseconds = times.quantile(0.5)?.milliseconds
            p99Milliseconds = times.quantile(0.99)?.milliseconds
        }
    }

    let oldestReadyMilliseconds: Int64?
    let lastMinute: Counts
    let lastHour: Counts
    /// Since the queue is counted.
    let total: Counts
    /// Of the last hour.
    let timeInQueue: Times
    let runTime: Times

    init(_ activity: QueueActivity) {
        oldestReadyMilliseconds = activity.oldestReady?.milliseconds
        func last(_ seconds: Int64) -> Counts {
            Counts { Int(min(activity.count($0, last: .seconds(seconds)), 1e18).rounded()) }
        }
        lastMinute = last(60)
        lastHour = last(3_600)
        total = Counts { activity.total[keyPath: $0] }
        timeInQueue = Times(activity.sum.timeInQueue)
        runTime = Times(activity.sum.runTime)
    }
}
