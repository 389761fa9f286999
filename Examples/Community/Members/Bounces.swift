import GRDB

/// Reports that a member's address refuses mails for good. A single one may be a mistake of a mail server, so mail is switched
/// off after reports on several days. The member sees them on the page of preferences.
enum Bounces {
    /// On how many days there must be a report until mail is switched off.
    static let daysUntilOff = 3
    /// How long a report counts, in days.
    static let daysKept: Int64 = 30

    /// - Parameters:
    ///   - reason: What the other server said. It is a text of a stranger.
    ///   - now: In seconds since 1970.
    static func note(_ member: Int64, reason: String, at now: Int64 = Database.now, _ db: Database) throws {
        let today = now / 86_400
        try db.execute(
            sql: "DELETE FROM bounces WHERE member_id = ? AND day <= ?", arguments: [member, today - daysKept])
        // A member who is gone has none.
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO bounces (member_id, day, reason)
                SELECT id, ?2, ?3 FROM members WHERE id = ?1 AND deleted_at IS NULL
                """, arguments: [member, today, reason])
        let days = try Int.fetchOne(db, sql: "SELECT count(*) FROM bounces WHERE member_id = ?", arguments: [member])
        guard let days, days >= daysUntilOff else { return }
        try db.execute(
            sql: "UPDATE members SET mail_off = ? WHERE id = ? AND mail_off IS NULL",
            arguments: ["your address refused mails on \(days) days (\(reason))", member])
    }

    /// The newest first.
    static func of(_ member: Int64, at now: Int64 = Database.now, _ db: Database) throws -> [(
        day: Int64, reason: String
    )] {
        try Row.fetchAll(
            db, sql: "SELECT day, reason FROM bounces WHERE member_id = ? AND day > ? ORDER BY day DESC",
            arguments: [member, now / 86_400 - daysKept]
        ).map { ($0["day"], $0["reason"]) }
    }

    /// The member wants mail again: what was reported before does not count any more.
    static func forget(_ member: Int64, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM bounces WHERE member_id = ?", arguments: [member])
    }
}
