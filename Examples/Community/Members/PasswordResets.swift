import GRDB

/// Links by which members who forgot their password set a new one, once and within an hour.
enum PasswordResets {
    static let lifetime: Int64 = 3_600

    /// - Returns: The name of the link, which is no secret. Only ``token(of:_:)`` opens it, and the table has its digest.
    static func begin(_ member: Int64, _ secret: Secret, _ db: Database) throws -> String {
        let link = Secret.newToken()
        let token = token(of: link, secret)
        try db.execute(
            sql: "INSERT INTO password_resets (token, member_id, expires_at) VALUES (?, ?, ?)",
            arguments: [Secret.digest(of: token), member, Database.now + lifetime])
        return link
    }

    /// What is in the address of a link. Only those who know the site's secret can make it.
    static func token(of link: String, _ secret: Secret) -> String { secret.token(for: link, purpose: "new password") }

    static func member(_ token: String, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(
            db, sql: "SELECT member_id FROM password_resets WHERE token = ? AND expires_at > ?",
            arguments: [Secret.digest(of: token), Database.now])
    }

    /// Sets the password, and ends the member's links and sessions.
    ///
    /// - Returns: The member; `nil` if the link does not hold.
    static func use(_ token: String, newPassword: String, _ db: Database) throws -> Int64? {
        guard let member = try member(token, db) else { return nil }
        try db.execute(sql: "UPDATE members SET password = ? WHERE id = ?", arguments: [newPassword, member])
        try db.execute(sql: "DELETE FROM password_resets WHERE member_id = ?", arguments: [member])
        try db.execute(sql: "DELETE FROM sessions WHERE member_id = ?", arguments: [member])
        return member
    }
}
