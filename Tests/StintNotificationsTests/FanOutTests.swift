import Foundation
import Logging
import ServiceLifecycle
import Stint
import StintCore
import StintNotifications
import StintTesting
import Synchronization
import TestSupport
import Testing

@Suite("The fan-out", .timeLimit(.minutes(2)))
struct FanOutTests {
    private func options(_ pageSize: Int) -> NotificationOptions {
        var options = NotificationOptions()
        options.pageSize = pageSize
        return options
    }

    @Test("reads page by page, and ends with an empty one", arguments: [0, 1, 9, 10, 11, 30])
    func pages(members: Int) async throws {
        let test = try TestSite(options(10))
        for number in 0..<members { test.site.add("m\(100 + number)") }
        try await test.post("Tea")
        try await test.deliver()
        #expect(test.site.recipients.count == members && Set(test.site.recipients).count == members)
        #expect(test.site.state.withLock { $0.pages } == (members + 9) / 10 + 1)
    }

    @Test("workers that die at every page change nothing: each member gets one mail")
    func crashes() async throws {
        let test = try TestSite(options(10))
        for number in 0..<45 { test.site.add("m\(100 + number)") }
        try await test.post("Tea")
        var one = Worker.Options()
        one.recycling.maxJobs = 1
        var worker = Worker(test.queue, queues: ["events"], options: one)
        try test.site.notifications(options(10)).register(in: &worker)
        var deaths = 0
        while try await test.queue.crashNextJob(in: "events") != nil {
            deaths += 1
            // A suspect runs alone; its delay passes.
            test.advance(by: .seconds(7_200))
            try await test.queue.drain(worker)
        }
        #expect(deaths == 6)
        try await test.deliver()
        #expect(test.site.recipients.count == 45 && Set(test.site.recipients).count == 45)
    }

    @Test("a worker that is stopped in the middle of a page of a real file leaves nothing of it behind")
    func file() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let source = StoppableSource(members: 95)
        let notifications = Notifications(
            source: source, templates: try NotificationTemplates(Site.templates), options: options(10))
        var workerOptions = Worker.Options()
        workerOptions.drains = true
        var worker = Worker(queue, queues: ["events"], options: workerOptions)
        notifications.register(in: &worker)
        let event = try NotificationEvent(kind: "comment.posted", object: "Tea")
        try await queue.enqueue(event, in: "events", options: event.options)
        for page in [1, 4, 10, 11] {
            source.stopsAt.withLock { $0 = page }
            let running = Task { [worker] in try await worker.run() }
            await source.isThere.first { _ in true }
            running.cancel()
            source.goesOn.yield()
            try await running.value
        }
        source.stopsAt.withLock { $0 = nil }
        try await worker.run()
        var members: [String] = []
        var cursor: JobCursor?
        repeat {
            let page = try await queue.list(JobFilter(queue: "notifications"), after: cursor)
            for job in page.jobs {
                let payload = try await queue.job(job.id)?.payload ?? []
                let found = try JSONDecoder().decode([String: JSON].self, from: Data(payload))["member"]
                if case .text(let member)? = found { members.append(member) }
            }
            cursor = page.next
        } while cursor != nil
        #expect(members.sorted() == (0..<95).map { "m\(100 + $0)" })
        await queue.close()
    }

    private enum JSON: Decodable {
        case text(String)
        case other
        init(from decoder: any Decoder) throws {
            self = (try? decoder.singleValueContainer().decode(String.self)).map(JSON.text) ?? .other
        }
    }

    @Test("a source that gives the same page again is buried with what to do")
    func circle() async throws {
        let queue = JobQueue.inMemory()
        let source = StoppableSource(members: 10, isStuck: true)
        let notifications = Notifications(
            source: source, templates: try NotificationTemplates(Site.templates), options: options(10))
        var worker = Worker(queue, queues: ["events"])
        notifications.register(in: &worker)
        try await queue.enqueue(NotificationEvent(kind: "comment.posted", object: "Tea"), in: "events")
        #expect(try await queue.drain(worker).buried == 1)
        #expect(try await queue.failures().first?.failure.error.contains("must go on after that member") == true)
    }

    @Test("an event that is not as it must be is refused, and a stored one is buried")
    func events() async throws {
        for (kind, object, id) in [
            ("", "o", "1"), ("a b", "o", "1"), ("../x", "o", "1"), ("k", "", "1"), ("k", "o", ""), ("k", "\0", "1"),
            ("k", String(repeating: "o", count: 501), "1"),
        ] {
            #expect(throws: StintError.self) { try NotificationEvent(id: id, kind: kind, object: object) }
        }
        let test = try TestSite()
        let named = JobOptions(headers: try Headers([Headers.jobName: NotificationEvent.jobName]))
        let payload = #"{"id":"1","kind":"a b","object":"o","date":0}"#
        try await test.queue.enqueue(payload: Array(payload.utf8), in: "events", options: named)
        #expect(try await test.queue.drain(test.fanOut).buried == 1)
    }

    @Test("a member's id comes back as it was", arguments: ["a\"b", "a\\b", "ä\u{1}\n\u{1F}€", "😀", "'"])
    func ids(id: String) async throws {
        let test = try TestSite()
        test.site.add(id, address: "x@example.org")
        try await test.post("Tea")
        try await test.deliver()
        #expect(test.site.recipients == ["x@example.org"])
    }
}

/// Members by number; a page can wait until the test lets it go on.
private final class StoppableSource: NotificationSource {
    let stopsAt = Mutex<Int?>(nil)
    let isThere: AsyncStream<Void>
    private let announces: AsyncStream<Void>.Continuation
    private let waiting: AsyncStream<Void>
    let goesOn: AsyncStream<Void>.Continuation
    private let ids: [String]
    private let isStuck: Bool

    init(members: Int, isStuck: Bool = false) {
        ids = (0..<members).map { "m\(100 + $0)" }
        self.isStuck = isStuck
        (isThere, announces) = AsyncStream.makeStream()
        (waiting, goesOn) = AsyncStream.makeStream()
    }

    func subscribers(
        of event: NotificationEvent, after: String?, limit: Int
    ) async throws -> [NotificationSubscriber] {
        let rest = isStuck ? ids[...] : ids.drop { after != nil && $0 <= after ?? "" }
        let page = (ids.count - rest.count) / limit + (rest.isEmpty ? 2 : 1)
        if stopsAt.withLock({ $0 == page }) {
            announces.yield()
            await waiting.first { _ in true }
            try Task.checkCancellation()
        }
        return rest.prefix(limit).map { NotificationSubscriber(id: $0, domain: "example.org", timing: .atOnce) }
    }

    func recipient(_ member: String) async throws -> NotificationRecipient? { nil }
    func timing(of event: NotificationEvent, for recipient: NotificationRecipient) async throws -> NotificationTiming {
        .nothing
    }
    func content(of event: NotificationEvent, for recipient: NotificationRecipient) async throws -> NotificationContent
    {
        .gone("")
    }
    func headers(
        of events: [NotificationEvent], for recipient: NotificationRecipient, digest: NotificationDigest?
    ) async throws -> NotificationHeaders { NotificationHeaders(from: "site@example.org") }
}
