import Foundation
import GRDB
import StintMail
import StintNotifications

/// What the workers ask of the site. No session is behind any of it: for whom something is read is always an argument, and
/// ``Access`` says whether that member may, as the data are at that moment.
struct SiteSource: NotificationSource {
    let data: SiteDatabase
    let mails: Mails

    func recipient(_ member: String) async throws -> NotificationRecipient? {
        try await data.pool.read { db in
            guard let member = try Int64(member).flatMap({ try Member.find($0, db) }), !member.isDeleted,
                member.mailOff == nil, let address = member.address
            else { return nil }
            return NotificationRecipient(
                id: "\(member.number)", address: address, name: member.name, locale: member.locale,
                timeZone: member.timeZone, quiet: member.quiet)
        }
    }

    func timing(of event: NotificationEvent, for recipient: NotificationRecipient) async throws -> NotificationTiming {
        try await data.pool.read { db in
            guard let kind = Kind(rawValue: event.kind),
                let member = try Int64(recipient.id).flatMap({ try Member.find($0, db) })
            else { return .nothing }
            let rhythm = try Preferences.rhythm(kind, place: event.place ?? "", member.number, db)
            return member.timing(rhythm)
        }
    }

    func content(
        of event: NotificationEvent, for recipient: NotificationRecipient
    ) async throws -> NotificationContent {
        guard let kind = Kind(rawValue: event.kind) else { return .invalid("there is no kind '\(event.kind)'") }
        guard let thing = Thing(event.object) else { return .invalid("'\(event.object)' names nothing") }
        return try await data.pool.read { db in
            guard let member = try Int64(recipient.id).flatMap({ try Member.find($0, db) }), !member.isDeleted else {
                return .gone("member \(recipient.id) is no longer there")
            }
            let actor = try event.actor.flatMap { Int64($0) }.flatMap { try Member.find($0, db) }
            let contents = Contents(kind: kind, actor: actor, member: member, mails: mails, date: event.date)
            return try contents.of(thing, db)
        }
    }

    func headers(
        of events: [NotificationEvent], for recipient: NotificationRecipient, digest: NotificationDigest?
    ) async throws -> NotificationHeaders {
        var headers = NotificationHeaders(from: Mails.sender)
        // An invalid address gets no mail.
        if let address = try? MailAddress(recipient.address) {
            headers.bounces = .address(try mails.bounceAddress(of: address))
        }
        guard digest == nil, let event = events.first, let thing = Thing(event.object) else { return headers }
        let (name, post) = try await data.pool.read { db in
            let actor = try event.actor.flatMap { Int64($0) }.flatMap { try Member.find($0, db) }
            return (actor.flatMap { $0.isDeleted ? nil : $0.name }, try Self.post(of: thing, db))
        }
        // A name that cannot be in a header is left out, and not the mail.
        headers.from =
            name.flatMap { try? MailAddress(Mails.sender.address, name: "\($0) · Community") } ?? Mails.sender
        if let post {
            headers.thread = "post \(post)"
            headers.replyTo = [try mails.replyAddress(post: post, member: recipient.id)]
        }
        return headers
    }

    /// What a reply to a mail about it belongs to.
    private static func post(of thing: Thing, _ db: Database) throws -> Int64? {
        switch thing {
        case .post(let id): id
        case .comment(let id): try Comment.find(id, db)?.postId
        case .group, .newsletter: nil
        }
    }
}

extension Member {
    var quiet: QuietHours? {
        guard let from = quietFrom, let to = quietTo else { return nil }
        return QuietHours(from: from, to: to)
    }

    func timing(_ rhythm: Rhythm) -> NotificationTiming {
        switch rhythm {
        case .now: .atOnce
        case .hourly: .hourly
        case .daily: .daily(hour: digestHour)
        case .weekly: .weekly(weekday: digestWeekday, hour: digestHour)
        case .never: .nothing
        }
    }
}
