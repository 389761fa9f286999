/// What an open transaction costs, by windows.
struct HeldFindings: Findings {
    let server: String
    let rate: Int
    let times: HeldTimes
    let windows: [HeldWindow]
    /// The seconds from the end of the transaction until jobs are claimed as before it; `nil`: not in the time.
    let secondsUntilNormal: Int?

    init(server: String, rate: Int, window: Int, times: HeldTimes, reports: [[HeldSecond]]) {
        self.server = server
        self.rate = rate
        self.times = times
        var seconds = Array(repeating: HeldSecond(), count: times.total)
        for report in reports { for (index, second) in report.enumerated() { seconds[index].merge(second) } }
        let ends = [(HeldCommand.warmUp, times.clean), (times.clean, times.clean + times.held)]
        var windows: [HeldWindow] = []
        for (first, end) in ends + [(times.clean + times.held, times.total)] {
            for start in stride(from: first, to: end, by: window) {
                windows.append(HeldWindow(start..<min(start + window, end), of: seconds, times))
            }
        }
        self.windows = windows
        let clean = HeldWindow(HeldCommand.warmUp..<times.clean, of: seconds, times)
        secondsUntilNormal = (times.clean + times.held..<times.total).first { second in
            let now = HeldWindow(second..<second + 1, of: seconds, times)
            return now.claimP99 <= 3 * clean.claimP99 && now.backlog <= rate / 20
        }.map { $0 - times.clean - times.held }
    }

    private func windows(_ part: HeldWindow.Part) -> [HeldWindow] { windows.filter { $0.part == part } }

    var grids: [Grid] {
        var grid = Grid(
            "\(rate) jobs/s, second", "", "done/s", "backlog", "a claim p50", "p99", "longest ms", "urgent p50", "p99",
            "usual p50", "p99", "late p50", "p99 ms")
        for window in windows {
            let waits = window.waits.flatMap { [$0.p50.text(2), $0.p99.text(1)] }
            grid.rows.append(
                [
                    "\(window.start)", window.part.rawValue, window.donePerSecond.text(), Double(window.backlog).text(),
                    window.claimP50.text(2), window.claimP99.text(2), window.claimLongest.text(1),
                ] + waits)
        }
        return [Grid(server), grid]
    }

    var expectations: [Expectation] {
        let (clean, held) = (windows(.clean), windows(.held))
        let cleanClaim = clean.map(\.claimP99).median
        let cleanUrgent = clean.map(\.waits[0].p99).median
        return [
            Expectation(
                "the largest backlog beside the transaction", .atMost, Double(rate) / 20,
                reached: Double(held.map(\.backlog).max() ?? 0), unit: "jobs"),
            Expectation(
                "claims beside it, the worst window's 99th percentile to the clean one", .atMost, 3,
                reached: (held.map(\.claimP99).max() ?? 0) / cleanClaim),
            Expectation(
                "urgent jobs, the worst window's 99th percentile to the clean one", .atMost, 3,
                reached: (held.map(\.waits[0].p99).max() ?? 0) / cleanUrgent),
            Expectation(
                "normal again after", .atMost, 10, reached: Double(secondsUntilNormal ?? times.after), unit: "s"),
        ]
    }
}

/// Some seconds of a run, of all processes.
struct HeldWindow: Encodable {
    enum Part: String, Encodable {
        case clean, held, after
    }

    struct Wait: Encodable {
        let p50: Double
        let p99: Double
    }

    let part: Part
    let start: Int
    let donePerSecond: Double
    /// Jobs that were enqueued and not done at its end.
    let backlog: Int
    let enqueueP99: Double
    let claimP50: Double
    let claimP99: Double
    let claimLongest: Double
    /// From the enqueue to the claim, by priority, the most urgent first.
    let waits: [Wait]

    init(_ range: Range<Int>, of seconds: [HeldSecond], _ times: HeldTimes) {
        part =
            range.lowerBound < times.clean ? .clean : range.lowerBound < times.clean + times.held ? .held : .after
        start = range.lowerBound
        backlog = seconds[..<range.upperBound].reduce(0) { $0 + $1.enqueued - $1.done }
        let all = seconds[range].reduce(into: HeldSecond()) { $0.merge($1) }
        donePerSecond = Double(all.done) / Double(range.count)
        enqueueP99 = all.enqueues.milliseconds(percentile: 99)
        claimP50 = all.exchanges.milliseconds(percentile: 50)
        claimP99 = all.exchanges.milliseconds(percentile: 99)
        claimLongest = all.exchanges.milliseconds(percentile: 100)
        waits = all.waits.map {
            Wait(p50: $0.milliseconds(percentile: 50), p99: $0.milliseconds(percentile: 99))
        }
    }
}
