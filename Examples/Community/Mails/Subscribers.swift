import GRDB
import StintNotifications

/// Who might want to know of an event: a page at a time, so that a site of any size fits into memory. They are only
/// candidates. Whether one may know of it is asked when the mail is written.
extension SiteSource {
    func subscribers(
        of event: NotificationEvent, after: String?, limit: Int
    ) async throws -> [NotificationSubscriber] {
        guard let kind = Kind(rawValue: event.kind), let thing = Thing(event.object) else { return [] }
        let after = after.flatMap { Int64($0) } ?? 0
        return try await data.pool.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT members.*, (
                            SELECT rhythm FROM preferences WHERE member_id = members.id AND kind = :kind
                                AND place IN (:place, '') ORDER BY place DESC LIMIT 1
                        ) AS rhythm
                    FROM members
                    WHERE id > :after AND id <> :actor AND deleted_at IS NULL AND mail_off IS NULL
                        AND address IS NOT NULL AND id IN (\(try Self.candidates(of: kind, thing, place: event.place ?? "", db)))
                    ORDER BY id LIMIT :limit
                    """,
                arguments: [
                    "kind": kind.rawValue, "place": event.place ?? "", "after": after,
                    "actor": event.actor.flatMap { Int64($0) } ?? 0, "limit": limit,
                ])
            return try rows.map { row in
                let member = try Member(row: row)
                let rhythm = (row["rhythm"] as String?).flatMap { Rhythm(rawValue: $0) } ?? Preferences.standard(kind)
                return NotificationSubscriber(
                    id: "\(member.number)", domain: Self.domain(member.address), timing: member.timing(rhythm),
                    quiet: member.quiet, timeZone: member.timeZone)
            }
        }
    }

    /// An SQL query of ids; nothing in it but numbers comes from outside.
    private static func candidates(
        of kind: Kind, _ thing: Thing, place: String, _ db: Database
    ) throws -> String {
        switch (kind, thing) {
        case (.post, .post(let id)):
            // Who is named in it, and wants to know that, gets the mail about that.
            let named = try Post.find(id, db).map {
                try mentioned(in: $0.title + " " + $0.body, toldAt: place, db)
            }
            return "SELECT member_id FROM memberships WHERE group_id = (SELECT group_id FROM posts WHERE id = \(id)) "
                + "AND member_id NOT IN (\(named ?? "0"))"
        case (.comment, .comment(let id)):
            let named = try Comment.find(id, db).map { try mentioned(in: $0.body, toldAt: place, db) }
            return "SELECT member_id FROM followers WHERE post_id = (SELECT post_id FROM comments WHERE id = \(id)) "
                + "AND member_id NOT IN (\(named ?? "0"))"
        case (.mention, .post(let id)):
            return try Post.find(id, db).map { try mentioned(in: $0.title + " " + $0.body, db) } ?? "0"
        case (.mention, .comment(let id)):
            return try Comment.find(id, db).map { try mentioned(in: $0.body, db) } ?? "0"
        case (.like, .post(let id)): return "SELECT author_id FROM posts WHERE id = \(id)"
        case (.request, .group(let id)): return "SELECT owner_id FROM groups WHERE id = \(id)"
        case (.newsletter, .newsletter): return "SELECT id FROM members"
        default: return "0"
        }
    }

    /// - Parameter place: Only those who want to know there that they are named; `nil`: all.
    private static func mentioned(in text: String, toldAt place: String? = nil, _ db: Database) throws -> String {
        let ids = try Mentions.handles(in: text).compactMap { try Member.find(named: "@" + $0, db)?.id }
            .filter { id in try place.map { try Preferences.rhythm(.mention, place: $0, id, db) != .never } ?? true }
        return ids.isEmpty ? "0" : ids.map(String.init).joined(separator: ",")
    }

    /// What limits of a provider go by.
    private static func domain(_ address: String?) -> String {
        let parts = (address ?? "").split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty, parts[1].utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return "invalid"
        }
        return String(parts[1].lowercased().prefix(100))
    }
}
