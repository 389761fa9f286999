import Foundation
import StintCore
import StintNotifications
import StintTesting
import Testing

@Suite("Events")
struct EventTests {
    @Test(
        "dates that no calendar has are refused",
        arguments: [.infinity, -.infinity, .nan, 1e300, 253_402_300_800, -62_135_596_801])
    func dates(seconds: Double) {
        #expect(throws: StintError.self) {
            try NotificationEvent(kind: "a", object: "b", date: Date(timeIntervalSince1970: seconds))
        }
    }

    @Test("a stored event with such a date does not decode", arguments: [Int64.max, Int64.min, 253_402_300_800_000])
    func stored(milliseconds: Int64) throws {
        let event = try NotificationEvent(id: "1", kind: "a", object: "b", date: Date(timeIntervalSince1970: 7))
        let text = String(decoding: try JSONEncoder().encode(event), as: UTF8.self)
        #expect(try JSONDecoder().decode(NotificationEvent.self, from: Data(text.utf8)) == event)
        let changed = text.replacing("7000", with: "\(milliseconds)")
        #expect(changed != text)
        #expect(throws: StintError.self) { try JSONDecoder().decode(NotificationEvent.self, from: Data(changed.utf8)) }
    }

    @Test(
        "a stored event with a number that is no date buries its job, and the worker goes on",
        arguments: [
            "9223372036854775807", "-9223372036854775808", "1e300", "9223372036854775808", "null", "\"x\"", "1.5",
        ])
    func buried(number: String) async throws {
        let test = try TestSite()
        test.site.add("ada")
        let event = #"{"id":"1","kind":"note","object":"o","date":DATE}"#.replacing("DATE", with: number)
        let page = #"{"event":\#(event.replacing(number, with: "0")),"after":"a","page":\#(number)}"#
        let jobs = [
            (QueueName("events"), NotificationEvent.jobName, event), ("events", "notification-fan-out", page),
            ("notifications", "notification", #"{"member":"ada","event":\#(event)}"#),
            ("notifications", "notification-digest", #"{"member":"ada","event":\#(event)}"#),
        ]
        for (queue, name, payload) in jobs {
            try await test.queue.enqueue(
                payload: Array(payload.utf8), in: queue,
                options: JobOptions(headers: try Headers([Headers.jobName: name])))
        }
        try await test.post("fine")
        #expect(try await test.queue.drain(test.fanOut).buried == 2)
        #expect(try await test.queue.drain(test.mail) == DrainReport(done: 1, buried: 2, delayed: 0))
        #expect(test.site.sent.map(\.subject) == ["fine"])
        #expect(try await test.queue.failures().allSatisfy { !$0.failure.error.isEmpty })
    }

    @Test(
        "a date of a template's values that no calendar has buries its job", arguments: [Double.infinity, .nan, 1e300])
    func values(seconds: Double) async throws {
        let test = try TestSite()
        test.site.add("ada")
        let date = NotificationValue.date(Date(timeIntervalSince1970: seconds))
        test.site.change { $0.values["bad"] = ["title": "x", "list": [["date": date]]] }
        for object in ["bad", "fine"] { try await test.post(object) }
        #expect(try await test.deliver().buried == 1)
        #expect(try await test.queue.failures().first?.failure.error.contains("years 1 to 9999") == true)
        let templates = try NotificationTemplates(["en/a.subject": "a{{date.long}}", "en/a.html": "b{{date}}"])
        #expect(try templates.render("a", locale: "en", timeZone: "UTC", ["date": date]).subject == "a")
    }
}
