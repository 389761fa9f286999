import StintCore
import TestSupport
import Testing

@Suite("Which ticks of a schedule make a job")
struct DueTicksTests {
    private static let minute: Timestamp = 60_000

    /// The policy; until when it has ticked and the time now, in minutes; the ticks and the next, in minutes.
    @Test(
        "by the policy for missed ticks",
        arguments: [
            (.once, 10, 10, [], 11), (.once, 10, 11, [11], 12), (.once, 10, 15, [15], 16),
            (.skip, 10, 10, [], 11), (.skip, 10, 11, [11], 12), (.skip, 10, 15, [15], 16),
            (.all, 10, 10, [], 11), (.all, 10, 11, [11], 12), (.all, 10, 13, [11, 12, 13], 14),
            (.all, 10, 99, [11, 12, 13, 14], 15),
            // The clock was set back: a little, and by more.
            (.all, 10, 9, [], 11), (.all, 10, 8, [], 9), (.once, 10, 3, [], 4),
        ] as [(MissedTicks, Timestamp, Timestamp, [Timestamp], Timestamp)])
    func table(
        _ missed: MissedTicks, _ until: Timestamp, _ now: Timestamp, _ ticks: [Timestamp], _ next: Timestamp
    ) throws {
        let due = DueTicks(
            of: try .every(.seconds(60)), missed, tickedUntil: until * Self.minute, now: now * Self.minute, limit: 4)
        #expect(due.ticks == ticks.map { $0 * Self.minute })
        #expect(due.next == next * Self.minute)
    }

    @Test("a tick that is skipped if missed may be two minutes late")
    func tolerance() throws {
        let hourly = try Schedule.Recurrence.cron("0 * * * *", timeZone: "UTC")
        func ticks(_ now: Timestamp) -> [Timestamp] {
            DueTicks(of: hourly, .skip, tickedUntil: 0, now: now, limit: 1).ticks
        }
        #expect(ticks(3_600_000 + 120_000) == [3_600_000])
        #expect(ticks(3_600_000 + 120_001).isEmpty)
    }

    @Test("the last of many ticks is the last of all of them")
    func last() throws {
        var generator = SeededGenerator(seed: chosenSeed())
        for text in ["*/7 * * * *", "0 3 * * *", "*/13 9-17 * * MON-FRI", "0 0 1 * *", "*/20 * * * * *"] {
            let recurrence = try Schedule.Recurrence.cron(text, timeZone: "Europe/Berlin")
            for _ in 0..<50 {
                let start = Timestamp.random(in: 1_700_000_000_000..<1_800_000_000_000, using: &generator)
                let now = start + .random(in: 0...20_000_000, using: &generator)
                let all = DueTicks(of: recurrence, .all, tickedUntil: start, now: now, limit: .max)
                let once = DueTicks(of: recurrence, .once, tickedUntil: start, now: now, limit: 1)
                #expect(once.ticks == Array(all.ticks.suffix(1)), "\(text) from \(start) to \(now)")
                #expect(once.next == all.next && once.tickedUntil == all.tickedUntil)
            }
        }
    }

    @Test("times as text")
    func utc() {
        #expect(utcText(1_800_000_000_000) == "2027-01-15T08:00:00Z")
        #expect(utcText(-1) == "1969-12-31T23:59:59.999Z")
        #expect(utcText(0) == "1970-01-01T00:00:00Z")
    }
}
