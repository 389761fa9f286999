import StintCore

/// How much happens in a queue: in the last minute and hour, and in each minute of the hour.
struct ActivityView {
    let oldest: String?
    let inMinute: String
    let inHour: String
    let outMinute: String
    let outHour: String
    let line: Sparkline?

    /// - Parameter activity: Of the last hour, by minute.
    init(_ activity: QueueActivity?) {
        oldest = activity?.oldestReady.map(Words.duration)
        let (ins, outs) = (activity?.series(\.enqueued) ?? [], activity?.series(\.done) ?? [])
        func lately(_ count: KeyPath<ActivityCounts, Int>) -> String {
            Words.count(Int((activity?.count(count, last: .seconds(60)) ?? 0).rounded()))
        }
        inMinute = lately(\.enqueued)
        outMinute = lately(\.done)
        inHour = Words.count(ins.reduce(0, &+))
        outHour = Words.count(outs.reduce(0, &+))
        line = Sparkline(outs.dropLast(), "Jobs done in each of the last \(max(0, outs.count - 1)) minutes")
    }
}

/// A line of numbers as a small picture. The minute that is not over is left out, so it changes once a minute.
struct Sparkline {
    let points: String
    let width: Int
    let label: String

    init?(_ values: some Collection<Int>, _ label: String) {
        guard values.count > 1, let most = values.max(), most > 0 else { return nil }
        width = (values.count - 1) * 2
        points = values.enumerated().map { index, value in
            "\(index * 2),\(Self.text(15 - 14 * Double(value) / Double(most)))"
        }.joined(separator: " ")
        self.label = "\(label), at most \(Words.count(most))"
    }

    private static func text(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}

/// A histogram of times as bars.
struct HistogramView {
    struct Bar {
        let x: Int
        let y: Int
        let height: Int
        let title: String
    }

    let title: String
    let median: String
    let most: String
    let count: String
    let bars: [Bar]
    let width: Int
    let from: String
    let upTo: String

    init?(_ title: String, _ histogram: LatencyHistogram) {
        guard let first = histogram.counts.firstIndex(where: { $0 > 0 }),
            let last = histogram.counts.lastIndex(where: { $0 > 0 }), let median = histogram.quantile(0.5),
            let most = histogram.quantile(0.99)
        else { return nil }
        self.title = title
        self.median = Words.duration(median)
        self.most = Words.duration(most)
        count = Words.count(histogram.count)
        let largest = histogram.counts.max() ?? 1
        func bound(_ index: Int) -> String {
            index < LatencyHistogram.bounds.count ? Words.duration(LatencyHistogram.bounds[index]) : "longer"
        }
        bars = (first...last).map { index in
            let count = histogram.counts[index]
            let height = count == 0 ? 0 : max(1, Int((60 * Double(count) / Double(largest)).rounded()))
            return Bar(
                x: (index - first) * 14, y: 62 - height, height: height,
                title: "up to \(bound(index)): \(Words.count(count))")
        }
        width = max(1, bars.count) * 14
        from = first == 0 ? "0" : bound(first - 1)
        upTo = bound(last)
    }
}
