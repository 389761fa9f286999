import GRDB

/// Links by which members who forgot their password set a new one, once and within an hour.
///
/// A reset has an id, which is no secret, and a token, which opens it. The token is in the link and in the page's form, and is
/// made from the id and the site's secret; the table has its digest, and neither of the two.
enum PasswordResets {
    static let lifetime: Int64 = 3_600

    /// - Returns: The id of the reset.
    static func begin(_ member: Int64, _ secret: Secret, _ db: Database) throws -> String {
        let id = Secret.newToken()
        try db.execute(
            sql: "INSERT INTO password_resets (token, member_id, expires_at) VALUES (?, ?, ?)",
            arguments: [Secret.digest(of: resetToken(of: id, secret)), member, Database.now + lifetime])
        return id
    }

    /// Only those who know the site's secret can make it.
    static func resetToken(of id: String, _ secret: Secret) -> String { secret.token(for: id, purpose: "new password") }

    /// Whose password it sets; `nil` if it does not hold.
    static func member(resetToken: String, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(
            db, sql: "SELECT member_id FROM password_resets WHERE token = ? AND expires_at > ?",
            arguments: [Secret.digest(of: resetToken), Database.now])
    }

    /// Sets the password, and ends the member's resets and sessions.
    ///
    /// - Returns: The member; `nil` if the token does not hold.
    static func use(resetToken: String, newPassword: String, _ db: Database) throws -> Int64? {
        guard let member = try member(resetToken: resetToken, db) else { return nil }
        try db.execute(sql: "UPDATE members SET password = ? WHERE id = ?", arguments: [newPassword, member])
        try db.execute(sql: "DELETE FROM password_resets WHERE member_id = ?", arguments: [member])
        try db.execute(sql: "DELETE FROM sessions WHERE member_id = ?", arguments: [member])
        return member
    }
}
