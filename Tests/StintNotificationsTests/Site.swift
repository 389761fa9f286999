import Foundation
import StintCore
import StintMail
import StintNotifications
import StintTesting
import StintWorker
import Synchronization

/// A network with members, comments and a clock, in memory.
final class Site: NotificationSource {
    struct Member {
        var recipient: NotificationRecipient
        var timing: NotificationTiming = .atOnce
        /// The domain that the fan-out is given, if it is not that of the address.
        var domain: String?
    }

    struct State {
        var members: [String: Member] = [:]
        /// Objects that are gone, hidden, or not as they should be.
        var gone: Set<String> = []
        var hidden: Set<String> = []
        var invalid: Set<String> = []
        var failing: Set<String> = []
        var values: [String: [String: NotificationValue]] = [:]
        var sent: [(message: MailMessage, job: JobID)] = []
        var skipped: [SkippedNotification] = []
        var pages = 0
        var contentCalls = 0
    }

    let state = Mutex(State())
    let clock = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
    let failure = Failure()

    struct Failure: Error {}

    func add(
        _ id: String, _ timing: NotificationTiming = .atOnce, locale: String = "en", zone: String = "UTC",
        quiet: QuietHours? = nil, address: String? = nil, domain: String? = nil, name: String? = nil
    ) {
        let recipient = NotificationRecipient(
            id: id, address: address ?? "\(id)@example.org", name: name, locale: locale, timeZone: zone, quiet: quiet)
        state.withLock { $0.members[id] = Member(recipient: recipient, timing: timing, domain: domain) }
    }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }
    var sent: [MailMessage] { state.withLock { $0.sent.map(\.message) } }
    var recipients: [String] { sent.map { $0.to[0].address }.sorted() }
    var causes: [SkippedNotification.Cause] { state.withLock { $0.skipped.map(\.cause) } }

    func subscribers(
        of event: NotificationEvent, after: String?, limit: Int
    ) async throws -> [NotificationSubscriber] {
        state.withLock { state in
            state.pages += 1
            return state.members.keys.sorted().filter { after == nil || $0 > after ?? "" }.prefix(limit).map { id in
                let member = state.members[id].unsafelyUnwrapped
                let domain = member.recipient.address.split(separator: "@").last.map(String.init) ?? ""
                return NotificationSubscriber(
                    id: id, domain: member.domain ?? domain, timing: member.timing, quiet: member.recipient.quiet,
                    timeZone: member.recipient.timeZone)
            }
        }
    }

    func recipient(_ member: String) async throws -> NotificationRecipient? {
        state.withLock { $0.members[member]?.recipient }
    }

    func timing(of event: NotificationEvent, for recipient: NotificationRecipient) async throws -> NotificationTiming {
        state.withLock { $0.members[recipient.id]?.timing ?? .nothing }
    }

    func content(
        of event: NotificationEvent, for recipient: NotificationRecipient
    ) async throws -> NotificationContent {
        try state.withLock { state in
            state.contentCalls += 1
            if state.failing.contains(event.object) { throw failure }
            if state.gone.contains(event.object) { return .gone("it was deleted") }
            if state.hidden.contains(event.object) { return .hidden("the group is closed to them") }
            if state.invalid.contains(event.object) { return .invalid("it has no author") }
            return .visible(state.values[event.object] ?? ["title": .text(event.object), "comments": 3])
        }
    }

    func headers(
        of events: [NotificationEvent], for recipient: NotificationRecipient, digest: NotificationDigest?
    ) async throws -> NotificationHeaders {
        var headers = NotificationHeaders(from: "Site <site@example.org>")
        headers.unsubscribe = MailUnsubscribe(url: "https://example.org/u/\(recipient.id)")
        return headers
    }

    // MARK: - Running

    static let templates = [
        "en/comment.posted.subject": "{{title}}",
        "en/comment.posted.html": "<p>{{title}} for {{recipient.name}}</p>",
        "en/note.subject": "{{title}}",
        "en/note.html": "<p>{{title}}</p>",
        "en/note.item.html": "<b>{{title}}</b>",
        "en/digest.subject": "{{#count}}{{#one}}{{count}} event{{/one}}{{#other}}{{count}} events{{/other}}{{/count}}",
        "en/digest.html": "<ul>{{#items}}<li>{{{item}}}</li>{{/items}}</ul>{{#more}}<p>and {{more}} more</p>{{/more}}",
    ]

    func notifications(
        _ options: NotificationOptions = NotificationOptions(), templates: [String: String] = Site.templates
    ) throws -> Notifications<Site> {
        var options = options
        options.onSkip = { [self] skipped in change { $0.skipped.append(skipped) } }
        return Notifications(
            source: self, templates: try NotificationTemplates(templates), options: options,
            now: { [self] in clock.withLock { $0 } })
    }
}

/// A site with a queue in memory and both workers.
struct TestSite {
    let site = Site()
    let queue = JobQueue.inMemory()
    let fanOut: Worker
    let mail: Worker

    init(_ options: NotificationOptions = NotificationOptions()) throws {
        let notifications = try site.notifications(options)
        var fanOut = Worker(queue, queues: ["events"])
        notifications.register(in: &fanOut)
        var mail = Worker(queue, queues: ["notifications"])
        notifications.register(in: &mail) { [site] message, context in
            site.change { $0.sent.append((message, context.id)) }
        }
        self.fanOut = fanOut
        self.mail = mail
    }

    func post(_ object: String, id: String? = nil, date: Date? = nil) async throws {
        let event = try NotificationEvent(id: id, kind: "comment.posted", actor: "bob", object: object, date: date)
        try await queue.enqueue(event, in: "events", options: event.options)
    }

    func advance(by duration: Duration) {
        queue.advance(by: duration)
        site.clock.withLock { $0 += TimeInterval(duration.components.seconds) }
    }

    @discardableResult
    func deliver() async throws -> DrainReport {
        try await queue.drain(fanOut)
        return try await queue.drain(mail)
    }
}
