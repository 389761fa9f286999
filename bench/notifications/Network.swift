import Foundation
import StintMail
import StintNotifications
import Synchronization

/// A network whose members and comments are made from their numbers: what is measured is not a site's own database.
final class Network: NotificationSource {
    static let domains = 100
    static let place = "group 3"

    let subscribers: Int
    private let written = Atomic<Int>(0)

    init(subscribers: Int) { self.subscribers = subscribers }

    /// The mails whose contents were asked for.
    var contents: Int { written.load(ordering: .relaxed) }

    private static func id(_ number: Int) -> String {
        let digits = String(number)
        return "m" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    private static func number(_ id: String) -> Int { Int(id.dropFirst()) ?? 0 }

    private static func domain(_ number: Int) -> String { "d\(number % domains).example.org" }

    func subscribers(
        of event: NotificationEvent, after: String?, limit: Int
    ) async throws -> [NotificationSubscriber] {
        let first = after.map { Self.number($0) + 1 } ?? 0
        return (first..<max(first, min(first + limit, subscribers))).map { number in
            NotificationSubscriber(id: Self.id(number), domain: Self.domain(number), timing: .atOnce)
        }
    }

    func recipient(_ member: String) async throws -> NotificationRecipient? {
        let number = Self.number(member)
        return NotificationRecipient(
            id: member, address: "\(member)@\(Self.domain(number))", name: "Ada \(number)", locale: "en",
            timeZone: "Europe/Berlin")
    }

    func timing(of event: NotificationEvent, for recipient: NotificationRecipient) async throws -> NotificationTiming {
        .atOnce
    }

    func content(
        of event: NotificationEvent, for recipient: NotificationRecipient
    ) async throws -> NotificationContent {
        written.add(1, ordering: .relaxed)
        return .visible([
            "author": "Grace <grace@example.org>", "title": "Tea & biscuits on Friday",
            "text": .text(Self.text), "comments": .number(Self.number(recipient.id) % 3 + 1),
            "posted": .date(event.date), "url": .text("https://network.example.org/comments/\(event.object)"),
        ])
    }

    func headers(
        of events: [NotificationEvent], for recipient: NotificationRecipient, digest: NotificationDigest?
    ) async throws -> NotificationHeaders {
        var headers = NotificationHeaders(from: "The network <network@example.org>")
        headers.thread = events[0].place
        headers.unsubscribe = MailUnsubscribe(url: "https://network.example.org/unsubscribe/\(recipient.id)")
        return headers
    }

    private static let text =
        "We meet at four, in the small room on the second floor. Bring a cup, and somebody who has not been there yet. "
        + "Whoever bakes something says so here, so that there are not five cakes again and no biscuits."
}

extension Network {
    static let templates = [
        "en/layout.html": """
        <!doctype html>
        <html lang="{{lang}}" dir="{{dir}}">
        <head><meta charset="utf-8"><title>The network</title></head>
        <body style="margin: 0; font-family: sans-serif">
        <table role="presentation" width="100%"><tr><td style="padding: 16px; background: #246">
        <a href="https://network.example.org/" style="color: #fff">The network</a>
        </td></tr><tr><td style="padding: 16px">
        {{$content}}{{/content}}
        </td></tr><tr><td style="padding: 16px; color: #666">
        This was sent to {{recipient.address}}. <a href="{{unsubscribe}}">No more of these</a>
        </td></tr></table>
        </body>
        </html>
        """,
        "en/comment.posted.subject": "{{author}} has commented on {{title}}",
        "en/comment.posted.html": """
        {{<layout}}{{$content}}
        <p>Hello {{recipient.name}},</p>
        <p><b>{{author}}</b> has commented on <a href="{{url}}">{{title}}</a> on {{posted}}:</p>
        <blockquote>{{text}}</blockquote>
        <p>{{#comments}}{{#one}}There is {{count}} comment.{{/one}}{{#other}}There are {{count}} comments.{{/other}}{{/comments}}</p>
        {{/content}}{{/layout}}
        """,
        "en/comment.posted.text": """
        Hello {{recipient.name}},

        {{author}} has commented on {{title}} on {{posted}}:

        {{text}}

        {{#comments}}{{#one}}There is {{count}} comment.{{/one}}{{#other}}There are {{count}} comments.{{/other}}{{/comments}}
        {{url}}

        No more of these: {{unsubscribe}}
        """,
    ]
}
