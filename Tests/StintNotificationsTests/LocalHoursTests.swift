import Foundation
import StintCore
import Testing

@testable import StintNotifications

@Suite("Local hours")
struct LocalHoursTests {
    private let hours = LocalHours()

    private func date(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }

    @Test(
        "digests start at the member's hour, with each change to daylight saving",
        arguments: [
            ("2027-01-15T08:00:00Z", NotificationTiming.hourly, "UTC", "2027-01-15T09:00:00Z"),
            ("2027-01-15T08:00:01Z", .hourly, "Asia/Kolkata", "2027-01-15T08:30:00Z"),
            ("2027-01-15T06:59:59Z", .daily(hour: 8), "Europe/Berlin", "2027-01-15T07:00:00Z"),
            ("2027-01-15T07:00:00Z", .daily(hour: 8), "Europe/Berlin", "2027-01-16T07:00:00Z"),
            ("2027-01-15T07:00:00Z", .daily(hour: 8), "America/New_York", "2027-01-15T13:00:00Z"),
            // The day after the change, the same hour of the clock is another one of UTC.
            ("2027-03-27T20:00:00Z", .daily(hour: 8), "Europe/Berlin", "2027-03-28T06:00:00Z"),
            ("2027-10-30T20:00:00Z", .daily(hour: 8), "Europe/Berlin", "2027-10-31T07:00:00Z"),
            // 02:00 to 03:00 does not exist: right after the gap.
            ("2027-03-27T20:00:00Z", .daily(hour: 2), "Europe/Berlin", "2027-03-28T01:00:00Z"),
            ("2027-03-13T20:00:00Z", .daily(hour: 2), "America/New_York", "2027-03-14T07:00:00Z"),
            // 02:00 comes twice: the first one, and not the second.
            ("2027-10-30T22:00:00Z", .daily(hour: 2), "Europe/Berlin", "2027-10-31T00:00:00Z"),
            ("2027-10-31T00:30:00Z", .daily(hour: 2), "Europe/Berlin", "2027-11-01T01:00:00Z"),
            // A gap at midnight, and one of half an hour.
            ("2027-04-22T12:00:00Z", .daily(hour: 0), "Africa/Cairo", "2027-04-22T22:00:00Z"),
            ("2027-10-02T10:00:00Z", .daily(hour: 2), "Australia/Lord_Howe", "2027-10-02T15:30:00Z"),
            ("2027-01-15T08:00:00Z", .weekly(weekday: 1, hour: 9), "UTC", "2027-01-18T09:00:00Z"),
            ("2027-01-15T08:00:00Z", .weekly(weekday: 7, hour: 9), "Pacific/Kiritimati", "2027-01-16T19:00:00Z"),
            // What is out of range counts as 8 and Monday, and an unknown zone as UTC.
            ("2027-01-15T09:00:00Z", .daily(hour: 24), "UTC", "2027-01-16T08:00:00Z"),
            ("2027-01-15T09:00:00Z", .weekly(weekday: 0, hour: -1), "UTC", "2027-01-18T08:00:00Z"),
            ("2027-01-15T09:00:00Z", .daily(hour: 10), "Mars/Olympus", "2027-01-15T10:00:00Z"),
        ])
    func digests(now: String, timing: NotificationTiming, zone: String, next: String) throws {
        #expect(hours.nextDigest(after: try date(now), timing, zone: zone) == (try date(next)))
    }

    @Test("what is not collected has no digest")
    func none() throws {
        #expect(hours.nextDigest(after: .now, .atOnce, zone: "UTC") == nil)
        #expect(hours.nextDigest(after: .now, .nothing, zone: "UTC") == nil)
    }

    @Test(
        "quiet hours end at the member's hour",
        arguments: [
            ("2027-01-15T22:00:00Z", 22, 7, "UTC", "2027-01-16T07:00:00Z"),
            ("2027-01-15T21:59:59Z", 22, 7, "UTC", nil),
            ("2027-01-16T06:59:59Z", 22, 7, "UTC", "2027-01-16T07:00:00Z"),
            ("2027-01-16T07:00:00Z", 22, 7, "UTC", nil),
            ("2027-01-15T12:30:00Z", 12, 14, "UTC", "2027-01-15T14:00:00Z"),
            ("2027-01-15T22:00:00Z", 22, 7, "America/New_York", nil),
            ("2027-01-15T14:00:00Z", 22, 7, "Asia/Tokyo", "2027-01-15T22:00:00Z"),
            ("2027-03-27T22:00:00Z", 22, 2, "Europe/Berlin", "2027-03-28T01:00:00Z"),
            ("2027-03-27T22:00:00Z", 22, 7, "Europe/Berlin", "2027-03-28T05:00:00Z"),
            ("2027-10-30T22:00:00Z", 22, 7, "Europe/Berlin", "2027-10-31T06:00:00Z"),
            ("2027-01-15T22:00:00Z", 9, 9, "UTC", nil),
            ("2027-01-15T22:00:00Z", 22, 24, "UTC", nil),
            ("2027-01-15T22:00:00Z", -1, 7, "UTC", nil),
        ] as [(String, Int, Int, String, String?)])
    func quiet(now: String, from: Int, to: Int, zone: String, end: String?) throws {
        let found = hours.endOfQuiet(at: try date(now), QuietHours(from: from, to: to), zone: zone)
        #expect(found == (try end.map(date)))
    }
}
