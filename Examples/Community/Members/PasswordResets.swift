import GRDB

/// Links by which members who forgot their password set a new one, once and within an hour.
enum PasswordResets {
    static let lifetime: Int64 = 3_600

    /// - Returns: The token for the link. The table has only its digest.
    static func begin(_ member: Int64, _ db: Database) throws -> String {
        let token = Secret.newToken()
        try db.execute(
            sql: "INSERT INTO password_resets (token, member_id, expires_at) VALUES (?, ?, ?)",
            arguments: [Secret.digest(of: token), member, Database.now + lifetime])
        return token
    }

    static func member(_ token: String, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(
            db, sql: "SELECT member_id FROM password_resets WHERE token = ? AND expires_at > ?",
            arguments: [Secret.digest(of: token), Database.now])
    }

    /// Sets the password, and ends the member's links and sessions.
    ///
    /// - Returns: `false` if the link does not hold.
    static func use(_ token: String, newPassword: String, _ db: Database) throws -> Bool {
        guard let member = try member(token, db) else { return false }
        try db.execute(sql: "UPDATE members SET password = ? WHERE id = ?", arguments: [newPassword, member])
        try db.execute(sql: "DELETE FROM password_resets WHERE member_id = ?", arguments: [member])
        try db.execute(sql: "DELETE FROM sessions WHERE member_id = ?", arguments: [member])
        return true
    }
}
