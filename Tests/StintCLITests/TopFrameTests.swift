import StintCore
import Testing

@testable import StintCLI

@Suite("The frame of stint top, made of readings")
struct TopFrameTests {
    private static let start = ContinuousClock.now

    private func reading(
        after seconds: Int64, queues: [QueueStats] = [], workers: Int = 0, throughSupervisor: Int = 0,
        failures: [JobFailure.Kind] = [],
        at: Timestamp = 1_000_000
    ) -> TopSnapshot {
        let now: Timestamp = 1_000_000 + seconds * 1_000
        let process = WorkerProcess(name: "h:7", id: "7")
        let records = (0..<workers).map { number in
            let registration = WorkerRegistration(
                name: "worker-\(number)", process: process, queues: ["mail"], concurrency: 1,
                writesThroughSupervisor: number < throughSupervisor)
            return WorkerRecord(
                id: WorkerID(rawValue: Int64(number)), registration: registration, registeredAt: 0, started: [],
                liveness: .alive)
        }
        return TopSnapshot(
            time: now, instant: Self.start + .seconds(seconds), queues: queues,
            workers: records.map { WorkerSnapshot($0, residentMemory: 3 << 20, now: now) },
            failures: failures.enumerated().map { index, kind in
                FailedJob(
                    job: JobID(rawValue: Int64(index + 1)), queue: "mail",
                    failure: JobFailure(attempt: 1, at: at, kind: kind, error: "why \(index + 1)", worker: nil))
            })
    }

    private func queue(
        _ name: String, ready: Int = 0, leased: Int = 0, done: Int = 0, cancelled: Int = 0, expired: Int = 0,
        paused: Bool = false, limits: QueueLimits = QueueLimits()
    ) -> QueueStats {
        QueueStats(
            name: QueueName(stored: name), ready: ready, delayed: 0, leased: leased, buried: 0, done: done,
            cancelled: cancelled, expired: expired, paused: paused, limits: limits)
    }

    private func frame(_ reading: TopSnapshot) -> TopFrame {
        TopFrame(reading: reading, rates: [:], database: "/a/stint.db")
    }

    @Test("rates are differences of counts by the time between them; a new queue had none before")
    func rates() {
        let rates = QueueRates.between(
            reading(after: 10, queues: [queue("a", ready: 10, done: 5)]),
            reading(after: 14, queues: [queue("a", ready: 4, done: 13), queue("b", ready: 2)]))
        #expect(rates == ["a": QueueRates(done: 2, new: 0.5), "b": QueueRates(done: 0, new: 0.5)])
    }

    @Test("no rate is made of no time")
    func noTime() {
        let now = reading(after: 10, queues: [queue("a", ready: 1)])
        #expect(QueueRates.between(now, now).isEmpty)
        #expect(frame(now).lines(width: 80, height: nil, hasColours: false).contains { $0.hasSuffix("-      -") })
    }

    @Test("a queue shows how much of its limit runs, and its other limits behind a pause, in 80 columns")
    func limits() {
        var limits = QueueLimits()
        limits.concurrency = 10
        limits.rate = Rate(50, per: .seconds(1))
        limits.groupConcurrency = 2
        var unfair = QueueLimits()
        unfair.isFair = false
        let lines = frame(
            reading(
                after: 1,
                queues: [
                    queue("mail", ready: 7, leased: 3, limits: limits), queue("news", paused: true, limits: unfair),
                    queue("plain", leased: 2),
                ])
        ).lines(width: 80, height: nil, hasColours: false)
        let words = lines.map { $0.split(separator: " ").map(String.init) }
        #expect(words.contains(["mail", "7", "0", "3/10", "0", "0", "-", "-", "50/1s", "2/group"]))
        #expect(words.contains(["news", "0", "0", "0", "0", "0", "-", "-", "paused", "unfair"]))
        #expect(words.contains(["plain", "0", "0", "2", "0", "0", "-", "-"]))
    }

    @Test("cancelled and expired jobs have a line in the head, if there are any")
    func otherStates() {
        let none = frame(reading(after: 1, queues: [queue("a")])).lines(width: 80, height: nil, hasColours: false)
        #expect(none[1] == "0 ready, 0 delayed, 0 leased, 0 buried, 0 done" && none[2] == "")
        let some = reading(after: 1, queues: [queue("a", cancelled: 2), queue("b", cancelled: 1, expired: 4)])
        #expect(frame(some).lines(width: 80, height: nil, hasColours: false)[2] == "3 cancelled, 4 expired")
    }

    @Test("only attempts whose process died or went silent are deaths")
    func deaths() {
        let all = reading(after: 5, failures: [.failed, .crashed, .buried, .expired])
        #expect(all.deaths.map(\.job.rawValue) == [2, 4])
        let lines = frame(all).lines(width: 80, height: nil, hasColours: false)
        #expect(lines.contains { $0.split(separator: " ") == ["2", "mail", "5.0", "s", "crashed", "why", "2"] })
    }

    @Test("a worker shows who writes for it, in 80 columns")
    func writers() {
        let lines = frame(reading(after: 1, workers: 2, throughSupervisor: 1))
            .lines(width: 80, height: nil, hasColours: false)
        let words = lines.map { $0.split(separator: " ").map(String.init) }
        #expect(words.contains(["worker", "queues", "job", "age", "memory", "writer", "state"]))
        #expect(words.contains(["worker-0", "mail", "-", "-", "3.0", "MiB", "supervisor", "alive"]))
        #expect(words.contains(["worker-1", "mail", "-", "-", "3.0", "MiB", "itself", "alive"]))
    }

    @Test("no line is wider and no frame higher than allowed, whatever there is to show", arguments: 1...130)
    func fits(width: Int) {
        let names = [
            "mail", "längere-" + String(repeating: "漢", count: 30),
            "a\tb\u{1B}[2J" + String(repeating: "e\u{301}", count: 90),
        ]
        var limits = QueueLimits()
        limits.concurrency = .max
        limits.groupRate = Rate(.max, per: .seconds(9_000_000_000_000))
        let full = reading(
            after: 1, queues: names.map { queue($0, ready: .min, done: .max, cancelled: .max, limits: limits) },
            workers: 20,
            failures: Array(repeating: .crashed, count: 20), at: .min)
        var frame = frame(full)
        frame.trouble = String(repeating: "trouble ", count: 30)
        for height in [0, 1, 5, 12, 24, 60] {
            let lines = frame.lines(width: width, height: height, hasColours: false)
            #expect(lines.count <= height)
            for line in lines {
                #expect(line.columns <= width)
                #expect(!line.unicodeScalars.contains { $0.properties.generalCategory == .control })
            }
        }
    }

    @Test("lines that one section does not need are for the others, and what is left out is said")
    func shares() {
        #expect(TopFrame.shares(of: [2, 50, 3], in: 20) == [2, 15, 3])
        #expect(TopFrame.shares(of: [50, 50, 1], in: 21) == [10, 10, 1])
        #expect(TopFrame.shares(of: [5, 5, 5], in: 0) == [0, 0, 0])
        let busy = reading(after: 1, queues: [queue("a")], workers: 40)
        let lines = frame(busy).lines(width: 80, height: 24, hasColours: false)
        #expect(lines.count == 24)
        #expect(lines.contains("… 26 more"))
        #expect(lines.last?.hasPrefix("no deaths") == true)
    }

    @Test("wide characters, marks and emoji count as a terminal counts them")
    func widths() {
        #expect(["a", "é", "e\u{301}", "漢", "ｱ", "한", "😀", "👩‍👩‍👧", "…"].map(\.columns) == [1, 1, 1, 2, 1, 2, 2, 2, 1])
        #expect("漢字漢字".cut(toColumns: 6) == "漢字…")
        #expect("abc".cut(toColumns: 3) == "abc" && "abc".cut(toColumns: 0) == "")
        #expect("/long/way/to/stint.db".cutAtStart(toColumns: 9) == "…stint.db")
    }

    @Test("times, sizes and counts are short and never negative where they cannot be")
    func measures() {
        let times: [Int64?] = [nil, -5, 0, 999, 1_250, 59_999, 60_000, 7_500_000, 273_600_000]
        #expect(
            times.map { Format.duration(milliseconds: $0) }
                == ["?", "0 ms", "0 ms", "999 ms", "1.2 s", "59 s", "1m 0s", "2h 5m", "3d 4h"])
        #expect(
            [nil, 512, 1_536, 35_651_584, 1_288_490_189].map { Format.memory(bytes: $0) }
                == ["?", "512 B", "1.5 KiB", "34 MiB", "1.2 GiB"])
        #expect(
            [0, 999_999, -1_234_567, .max, .min].map { Format.count($0) } == [
                "0", "999999", "-1.2M", "> 1T", "< -1T",
            ])
        #expect([nil, 0, 0.25, 12.4, -3].map { Format.rate($0) } == ["-", "0", "0.3", "12", "-3.0"])
    }
}
