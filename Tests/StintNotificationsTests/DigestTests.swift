import Foundation
import Logging
import StintCore
import StintMail
import StintTesting
import StintWorker
import Synchronization
import Testing

@testable import StintNotifications

@Suite("Digests", .timeLimit(.minutes(1)))
struct DigestTests {
    private let test: TestSite
    private var site: Site { test.site }

    init() throws {
        var options = NotificationOptions()
        options.maximumItems = 3
        test = try TestSite(options)
    }

    @Test("a member gets one digest a period, at their local hour, and nothing before")
    func hours() async throws {
        // It is Friday, 08:00 in UTC.
        site.add("berlin", .daily(hour: 10), zone: "Europe/Berlin")  // in an hour
        site.add("hourly", .hourly)  // in an hour
        site.add("tokyo", .daily(hour: 8), zone: "Asia/Tokyo")  // in 15 hours
        site.add("weekly", .weekly(weekday: 1, hour: 9))  // in 73 hours
        for object in ["one", "two"] { try await test.post(object) }
        try await test.deliver()
        #expect(site.sent.isEmpty)
        test.advance(by: .seconds(3_599))
        try await test.deliver()
        #expect(site.sent.isEmpty)
        var hour = 1
        test.advance(by: .seconds(1))
        for (expected, at) in [(["berlin", "hourly"], 1), (["tokyo"], 15), (["weekly"], 73)] {
            test.advance(by: .seconds(3_600 * (at - hour)))
            hour = at
            let before = site.sent.count
            try await test.deliver()
            let new = site.sent.dropFirst(before)
            #expect(new.map { $0.to[0].localPart }.sorted() == expected)
            #expect(new.allSatisfy { $0.subject == "2 events" })
        }
        test.advance(by: .seconds(30 * 86_400))
        try await test.deliver()
        #expect(site.sent.count == 4)
    }

    @Test("what is gone or hidden by then is left out; if nothing is left, nothing is sent")
    func changes() async throws {
        site.add("ada", .hourly)
        site.add("bob", .hourly)
        for object in ["gone", "hidden", "invalid", "seen"] { try await test.post(object) }
        try await test.queue.drain(test.fanOut)
        site.change { state in
            state.gone = ["gone"]
            state.hidden = ["hidden"]
            state.invalid = ["invalid"]
            state.members["bob"]?.timing = .nothing
        }
        test.advance(by: .seconds(3_600))
        #expect(try await test.deliver() == DrainReport(done: 2, buried: 0, delayed: 0))
        #expect(site.sent.map(\.subject) == ["1 event"])
        #expect(site.sent[0].html?.contains("seen") == true && site.sent[0].html?.contains("gone") == false)
        site.change { $0.gone.insert("seen") }
        try await test.post("seen")
        try await test.deliver()
        test.advance(by: .seconds(3_600))
        #expect(try await test.deliver().buried == 0)
        #expect(site.sent.count == 1)
    }

    @Test("an event whose content always fails does not hold back the others")
    func failing() async throws {
        site.add("ada", .hourly)
        site.change { $0.failing = ["broken"] }
        for object in ["broken", "fine"] { try await test.post(object) }
        try await test.deliver()
        for _ in 0..<4 {
            test.advance(by: .seconds(3_600))
            try await test.deliver()
        }
        #expect(site.sent.map(\.subject) == ["1 event"])
    }

    @Test("a digest shows a limited number of events, and says how many more there are")
    func limit() async throws {
        site.add("ada", .hourly)
        for number in 1...5 { try await test.post("object \(number)") }
        try await test.deliver()
        test.advance(by: .seconds(3_600))
        try await test.deliver()
        #expect(site.sent.map(\.subject) == ["5 events"])
        #expect(site.sent[0].text?.contains("and 2 more") == true)
        #expect(site.sent[0].text == "- object 1\n\n- object 2\n\n- object 3\n\nand 2 more\n")
    }

    @Test("an event is once in a digest, also if it was fanned out twice")
    func twice() async throws {
        site.add("ada", .hourly)
        try await test.post("Tea", id: "1")
        try await test.queue.drain(test.fanOut)
        let event = try NotificationEvent(id: "1", kind: "comment.posted", object: "Tea")
        try await test.queue.enqueue(event, in: "events")
        try await test.deliver()
        test.advance(by: .seconds(3_600))
        try await test.deliver()
        #expect(site.sent.map(\.subject) == ["1 event"])
    }

    @Test("an event without words, or with too many, does not hold back the others")
    func oneWithoutWords() async throws {
        site.add("ada", .hourly)
        let long = String(repeating: "\"", count: 100_000)
        site.change { $0.values["long"] = ["title": .text(long)] }
        for (kind, object) in [("unknown", "one"), ("note", "long"), ("note", "two"), ("comment.posted", "three")] {
            try await test.queue.enqueue(NotificationEvent(kind: kind, object: object), in: "events")
        }
        try await test.queue.drain(test.fanOut)
        test.advance(by: .seconds(3_600))
        try await test.deliver()
        #expect(site.sent.map(\.subject) == ["2 events"])
        #expect(site.causes == [.invalid, .invalid])
    }

    @Test("a digest whose events all lack words is buried, so that it can be kicked when there are templates")
    func nothingWithWords() async throws {
        site.add("ada", .hourly)
        for kind in ["unknown", "other"] {
            try await test.queue.enqueue(NotificationEvent(kind: kind, object: "one"), in: "events")
        }
        try await test.queue.drain(test.fanOut)
        test.advance(by: .seconds(3_600))
        #expect(try await test.queue.drain(test.mail) == DrainReport(done: 0, buried: 1, delayed: 0))
        #expect(site.sent.isEmpty)
    }

    @Test("what is left out of a digest as broken is logged once for each kind")
    func logged() {
        let log = Mutex<[String]>([])
        var broken = BrokenEvents()
        for (kind, reason) in [("note", "first"), ("note", "second"), ("like", "third")] { broken.add(kind, reason) }
        broken.log(Logger(label: "test") { _ in KeptLog(lines: { line in log.withLock { $0.append(line) } }) })
        #expect(
            log.withLock { $0 } == ["warning like 1 third", "warning note 2 first"])
    }

    @Test("single notifications of two queues come into one digest, if both name its queue")
    func oneDigest() async throws {
        site.add("ada", .hourly)
        var options = NotificationOptions()
        options.queue = "newsletters"
        options.digestQueue = "notifications"
        var newsletters = Worker(test.queue, queues: ["newsletters-to-all"])
        try site.notifications(options).register(in: &newsletters)
        try await test.post("Tea")
        try await test.queue.enqueue(NotificationEvent(kind: "note", object: "News"), in: "newsletters-to-all")
        try await test.queue.drain(test.fanOut)
        try await test.queue.drain(newsletters)
        test.advance(by: .seconds(3_600))
        try await test.deliver()
        #expect(site.sent.map(\.subject) == ["2 events"])
    }
}

/// Keeps the level, and what is said of events.
private struct KeptLog: LogHandler {
    let lines: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(lines: @escaping @Sendable (String) -> Void) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let said = ["kind", "events", "reason"].compactMap { event.metadata?[$0].map { "\($0)" } }
        lines(([event.level.rawValue] + said).joined(separator: " "))
    }
}
