import Foundation
import StintCore
import StintMail
import StintNotifications
import StintTesting
import StintWorker
import Testing

@Suite("Notifications are decided when they are delivered", .timeLimit(.minutes(1)))
struct DeliveryTests {
    private let test: TestSite
    private var site: Site { test.site }

    init() throws { test = try TestSite() }

    @Test("each subscriber gets one mail, and an event that is enqueued twice is sent once")
    func each() async throws {
        for id in ["ada", "bob", "eve"] { site.add(id) }
        try await test.post("Tea", id: "1")
        try await test.post("Tea", id: "1")
        try await test.deliver()
        #expect(site.recipients == ["ada@example.org", "bob@example.org", "eve@example.org"])
        #expect(site.sent.allSatisfy { $0.subject == "Tea" && $0.unsubscribe != nil })
    }

    @Test("the group of a job is the domain of the address")
    func group() async throws {
        site.add("ada", address: "ada@one.example")
        try await test.post("Tea")
        try await test.queue.drain(test.fanOut)
        #expect(try await test.queue.groups(of: "notifications").map(\.name) == ["one.example"])
    }

    @Test("what was deleted, hidden, left or switched off after the fan-out is not sent, and is no failure")
    func changes() async throws {
        for id in ["ada", "bob", "eve"] { site.add(id) }
        for object in ["gone", "hidden", "seen"] { try await test.post(object) }
        try await test.queue.drain(test.fanOut)
        site.change { state in
            state.gone = ["gone"]
            state.hidden = ["hidden"]
            state.members["bob"] = nil
            state.members["eve"]?.timing = .nothing
        }
        let report = try await test.queue.drain(test.mail)
        #expect(report.buried == 0 && report.done == 9)
        #expect(site.recipients == ["ada@example.org"] && site.sent[0].subject == "seen")
        #expect(Set(site.causes) == [.gone, .hidden, .noRecipient, .unwanted] && site.causes.count == 8)
    }

    @Test("an invalid object buries its own job with a reason, and the others are sent")
    func invalid() async throws {
        site.add("ada")
        site.change { $0.invalid = ["broken"] }
        for object in ["broken", "fine"] { try await test.post(object) }
        let report = try await test.deliver()
        #expect(report.buried == 1 && site.sent.map(\.subject) == ["fine"])
        let reason = try await test.queue.failures().first?.failure.error ?? ""
        #expect(reason.contains("it has no author"))
    }

    @Test("values that are too large or too deep bury their job")
    func excess() async throws {
        site.add("ada")
        let large = NotificationValue.text(String(repeating: "x", count: NotificationValue.maximumBytes))
        let deep = (0...NotificationValue.maximumDepth).reduce(NotificationValue.null) { value, _ in .list([value]) }
        site.change { $0.values = ["large": ["title": large], "deep": ["title": "x", "list": deep]] }
        for object in ["large", "deep", "fine"] { try await test.post(object) }
        #expect(try await test.deliver().buried == 2)
        #expect(site.sent.map(\.subject) == ["fine"])
    }

    @Test("invalid members never hold back a page: unknown zones and locales get a default, the others are left out")
    func invalidMembers() async throws {
        site.add("a", locale: "xx_!!", zone: "Mars/Olympus")
        site.add("b", address: "no address")
        site.add("c", domain: "")
        site.add("d", domain: String(repeating: "d", count: 300))
        site.add("e", zone: "../../etc/passwd", quiet: QuietHours(from: 99, to: -1))
        site.add("f", .daily(hour: 77), zone: "")
        site.add("g")
        site.add("h", name: "Eve\r\nBcc: all@example.org")
        site.add(String(repeating: "z", count: 201))
        try await test.post("Tea")
        let report = try await test.deliver()
        #expect(report.buried == 0)
        #expect(site.recipients == ["a@example.org", "e@example.org", "g@example.org", "h@example.org"])
        #expect(site.causes.allSatisfy { $0 == .invalid } && site.causes.count == 4)
        test.advance(by: .seconds(24 * 3_600))
        try await test.deliver()
        #expect(site.recipients.contains("f@example.org"))
    }

    @Test("a mail at once waits for the end of quiet hours, by the member's clock")
    func quiet() async throws {
        // It is 08:00 in UTC, 09:00 in Berlin and 17:00 in Tokyo.
        site.add("ada", zone: "Europe/Berlin", quiet: QuietHours(from: 22, to: 10))
        site.add("eve", zone: "Asia/Tokyo", quiet: QuietHours(from: 22, to: 10))
        try await test.post("Tea")
        try await test.deliver()
        #expect(site.recipients == ["eve@example.org"])
        test.advance(by: .seconds(3_599))
        try await test.deliver()
        #expect(site.sent.count == 1)
        test.advance(by: .seconds(1))
        try await test.deliver()
        #expect(site.recipients == ["ada@example.org", "eve@example.org"])
    }

    @Test("quiet hours that came after the fan-out hold the mail back too, and cost no attempt")
    func laterQuiet() async throws {
        site.add("ada")
        try await test.post("Tea")
        try await test.queue.drain(test.fanOut)
        site.change { $0.members["ada"]?.recipient.quiet = QuietHours(from: 8, to: 9) }
        #expect(try await test.queue.drain(test.mail).delayed == 1)
        test.advance(by: .seconds(3_600))
        try await test.deliver()
        #expect(site.sent.count == 1)
    }

    @Test("who has changed to digests before the delivery gets it in the digest")
    func changedToDigest() async throws {
        site.add("ada")
        try await test.post("Tea")
        try await test.queue.drain(test.fanOut)
        site.change { $0.members["ada"]?.timing = .daily(hour: 9) }
        try await test.deliver()
        #expect(site.sent.isEmpty)
        test.advance(by: .seconds(3_600))
        try await test.deliver()
        #expect(site.sent.map(\.subject) == ["1 event"])
    }

    @Test("no job but that of a notification is taken for one")
    func foreign() async throws {
        try await test.queue.enqueue(payload: Array("{}".utf8), in: "notifications")
        let named = JobOptions(headers: try Headers([Headers.jobName: "notification"]))
        try await test.queue.enqueue(payload: Array("[".utf8), in: "notifications", options: named)
        #expect(try await test.deliver().buried == 2)
    }
}
