import GRDB
import StintMail

/// Reports that an address refuses mails for good. A single one may be a mistake of a mail server, so mail is switched off
/// after reports on several days. The member sees them on the page of preferences.
///
/// They are about an address, and not about a member: those of an address that the member had before do not count.
enum Bounces {
    /// On how many days there must be a report until mail is switched off.
    static let daysUntilOff = 3
    /// How long a report counts, in days.
    static let daysKept: Int64 = 30

    /// The address as reports know it, in lower case and with its domain in ASCII; `nil` if it is invalid. A member's is as the
    /// member has typed it.
    private static func key(_ address: String?) -> String? {
        address.flatMap { try? MailAddress($0) }?.address.lowercased()
    }

    /// - Parameters:
    ///   - address: To which the mail went.
    ///   - reason: What the other server said. It is a text of a stranger.
    ///   - now: In seconds since 1970.
    static func note(_ address: String, reason: String, at now: Int64 = Database.now, _ db: Database) throws {
        let today = now / 86_400
        try db.execute(sql: "DELETE FROM refused_addresses WHERE day <= ?", arguments: [today - daysKept])
        // Of a member who is gone, or has another address by now, nothing is kept.
        let members = try self.members(with: address, db)
        guard let key = key(address), !members.isEmpty else { return }
        try db.execute(
            sql: "INSERT OR REPLACE INTO refused_addresses (address, day, reason) VALUES (?, ?, ?)",
            arguments: [key, today, reason])
        let days = try Int.fetchOne(
            db, sql: "SELECT count(*) FROM refused_addresses WHERE address = ?", arguments: [key])
        guard let days, days >= daysUntilOff else { return }
        for member in members {
            try db.execute(
                sql: "UPDATE members SET mail_off = ? WHERE id = ? AND mail_off IS NULL",
                arguments: ["your address refused mails on \(days) days (\(reason))", member])
        }
    }

    private static func members(with address: String, _ db: Database) throws -> [Int64] {
        guard let key = key(address) else { return [] }
        // SQL finds those that have what is before the '@', and they are compared whole. Of other letters than ASCII's, SQLite
        // does not know the small ones, and quotes can be written in several ways: then all are compared.
        let name = key.prefix { $0 != "@" }
        let isPlain = name.utf8.allSatisfy { $0 < 0x80 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        return try Row.fetchAll(
            db, sql: "SELECT id, address FROM members WHERE deleted_at IS NULL AND instr(lower(address), ?) > 0",
            arguments: [isPlain ? String(name) : "@"]
        ).filter { Self.key($0["address"]) == key }.map { $0["id"] }
    }

    /// Those of the address that the member has. The newest first.
    static func of(_ member: Member, at now: Int64 = Database.now, _ db: Database) throws -> [(
        day: Int64, reason: String
    )] {
        try Row.fetchAll(
            db, sql: "SELECT day, reason FROM refused_addresses WHERE address = ? AND day > ? ORDER BY day DESC",
            arguments: [key(member.address), now / 86_400 - daysKept]
        ).map { ($0["day"], $0["reason"]) }
    }

    /// The member wants mail again: what was reported before does not count any more.
    static func forget(_ member: Member, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM refused_addresses WHERE address = ?", arguments: [key(member.address)])
    }
}
