import Foundation
import TestSupport
import Testing

@testable import StintCore

@Suite("A schedule ticks at the times of its expression on the clock of its zone")
struct RecurrenceTests {
    private static func time(_ text: String) throws -> Date {
        try Date("\(text)Z", strategy: .iso8601)
    }

    /// The expression, the zone, from when, and the ticks that follow, in UTC.
    @Test(
        "the next ticks",
        arguments: [
            ("30 2 * * *", "UTC", "2026-01-01T00:00:00", ["2026-01-01T02:30:00", "2026-01-02T02:30:00"]),
            ("30 2 * * *", "UTC", "2026-01-01T02:30:00", ["2026-01-02T02:30:00"]),
            ("0 0 29 2 *", "UTC", "2097-01-01T00:00:00", ["2104-02-29T00:00:00"]),
            (
                "0 0 13 * FRI", "UTC", "2026-02-01T00:00:00",
                ["2026-02-06T00:00:00", "2026-02-13T00:00:00", "2026-02-20T00:00:00"]
            ),
            ("0 0 */30 * MON", "UTC", "2026-01-01T00:00:00", ["2026-06-01T00:00:00"]),
            (
                "0 0 * * SAT-SUN", "UTC", "2026-01-01T00:00:00",
                ["2026-01-03T00:00:00", "2026-01-04T00:00:00", "2026-01-10T00:00:00"]
            ),
            (
                "0 0 * * SUN-TUE", "UTC", "2026-01-03T00:00:00",
                ["2026-01-04T00:00:00", "2026-01-05T00:00:00", "2026-01-06T00:00:00", "2026-01-11T00:00:00"]
            ),
            ("0 0 * * 0,7", "UTC", "2026-01-03T00:00:00", ["2026-01-04T00:00:00", "2026-01-11T00:00:00"]),
            ("59/15 23/9 31 12 *", "UTC", "2026-01-01T00:00:00", ["2026-12-31T23:59:00"]),
            ("15 30 2 * * *", "UTC", "2026-01-01T02:30:14", ["2026-01-01T02:30:15", "2026-01-02T02:30:15"]),
            ("*/20 * * * * *", "UTC", "2026-01-01T23:59:30", ["2026-01-01T23:59:40", "2026-01-02T00:00:00"]),
            // Central Europe in 2026: 02:00 becomes 03:00 on 29 March (01:00 UTC), 03:00 becomes 02:00 on 25 October.
            ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00", ["2026-03-29T01:00:00", "2026-03-30T00:30:00"]),
            (
                "0,30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00",
                ["2026-03-29T01:00:00", "2026-03-29T01:30:00", "2026-03-30T00:00:00"]
            ),
            ("0 3 * * *", "Europe/Berlin", "2026-03-28T12:00:00", ["2026-03-29T01:00:00", "2026-03-30T01:00:00"]),
            ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00", ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]),
            ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:40:00", ["2026-10-26T01:30:00"]),
            ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00", ["2026-10-26T01:30:00"]),
            ("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00", ["2026-03-29T00:30:00", "2026-03-29T01:30:00"]),
            (
                "30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00",
                ["2026-10-25T00:30:00", "2026-10-25T01:30:00", "2026-10-25T02:30:00"]
            ),
            ("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00", ["2026-03-30T00:00:00"]),
            (
                "*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00",
                [
                    "2026-10-25T00:00:00", "2026-10-25T00:30:00", "2026-10-25T01:00:00", "2026-10-25T01:30:00",
                    "2026-10-26T01:00:00",
                ]
            ),
            ("0 0 * * *", "America/Havana", "2026-03-07T12:00:00", ["2026-03-08T05:00:00", "2026-03-09T04:00:00"]),
            // Half an hour.
            (
                "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00",
                ["2026-10-03T15:30:00", "2026-10-04T15:15:00"]
            ),
            // Samoa has skipped the 30th of December 2011: too much for daylight saving.
            ("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00", ["2011-12-29T19:00:00", "2011-12-30T19:00:00"]),
            // By the rule at the end of the file.
            ("30 2 * * *", "America/New_York", "2099-03-07T12:00:00", ["2099-03-08T07:00:00", "2099-03-09T06:30:00"]),
        ])
    func next(_ expression: String, _ zone: String, _ start: String, _ expected: [String]) throws {
        let recurrence = try Schedule.Recurrence.cron(expression, timeZone: zone)
        var time = try Self.time(start)
        for tick in expected {
            time = try #require(recurrence.next(after: time))
            #expect(time == (try Self.time(tick)), "\(time)")
        }
    }

    @Test("what is always skipped by daylight saving has no next tick")
    func alwaysSkipped() throws {
        let lastSundays = "*/5 2 25-31 3 */7"
        #expect(
            try Schedule.Recurrence.cron(lastSundays, timeZone: "Europe/Berlin").next(
                after: Date(timeIntervalSince1970: 1_800_000_000)) == nil)
        #expect(
            try Schedule.Recurrence.cron(lastSundays, timeZone: "UTC").next(
                after: Date(timeIntervalSince1970: 1_800_000_000)) != nil)
    }

    @Test("equal intervals are counted from their origin, in both directions")
    func every() throws {
        let usual = try Schedule.Recurrence.every(.seconds(3_600))
        #expect(usual.next(after: try Self.time("2026-01-01T10:20:30")) == (try Self.time("2026-01-01T11:00:00")))
        #expect(usual.next(after: try Self.time("2026-01-01T11:00:00")) == (try Self.time("2026-01-01T12:00:00")))
        let origin = try Self.time("2026-01-01T00:00:10")
        let shifted = try Schedule.Recurrence.every(.milliseconds(1_500), from: origin)
        #expect(shifted.next(after: origin) == origin + 1.5)
        #expect(shifted.next(after: origin - 0.001) == origin)
        #expect(shifted.next(after: origin - 1.5) == origin)
        #expect(shifted.next(after: origin - 2) == origin - 1.5)
        for time: Timestamp in [.min, -1, 0, .max] { _ = usual.next(after: time) }
        #expect(usual.next(after: Timestamp.max) == nil)
    }

    @Test(
        "an interval is told in plain words",
        arguments: [
            (1, "every second"), (90, "every 90 seconds"), (60, "every minute"), (300, "every 5 minutes"),
            (3_661, "every 1 hour 1 minute 1 second"), (86_400, "every day"), (604_800, "every 7 days"),
        ])
    func words(_ seconds: Int, _ words: String) throws {
        #expect(try Schedule.Recurrence.every(.seconds(seconds)).description == words)
    }

    @Test("the description has the zone, and an origin that is not the usual one")
    func description() throws {
        #expect(
            try "\(Schedule.Recurrence.cron("30 2 * * *", timeZone: "Europe/Berlin"))"
                == "at 02:30 every day, Europe/Berlin")
        #expect(
            try "\(Schedule.Recurrence.every(.milliseconds(2_500), from: Self.time("2026-01-01T00:00:10")))"
                == "every 2 seconds 500 milliseconds, counted from 2026-01-01T00:00:10Z")
    }

    @Test(
        "an interval that is too short or too long is refused",
        arguments: [Duration.zero, .milliseconds(999), .seconds(-5), .seconds(Int64.max)])
    func intervals(_ interval: Duration) throws {
        let error = try #require(throws: StintError.self) { try Schedule.Recurrence.every(interval) }
        #expect(error.code == .invalidInput && error.description.contains("at least 1 second"), "\(error)")
    }

    @Test(
        "a zone that is not known is refused in one sentence that names it",
        arguments: [
            "Europe/Berln", "", "/etc/passwd", "../../../etc/passwd", "Europe/../UTC", "zone.tab", "Europe", "Berlin\n",
            "🙂", "right/Europe/Berlin",
            String(repeating: "a/", count: 1_000),
        ])
    func zones(_ name: String) throws {
        let error = try #require(throws: StintError.self) { try Schedule.Recurrence.cron("@daily", timeZone: name) }
        #expect(error.code == .invalidInput && error.description.hasPrefix("the time zone "), "\(error)")
        #expect(!error.description.contains("\n"))
    }
}
