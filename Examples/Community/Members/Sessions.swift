import GRDB

/// Who is signed in, by the browser's cookie. Pages alone know of it: no worker and no rule of access does.
enum Sessions {
    static let lifetime: Int64 = 14 * 86_400

    /// - Returns: The cookie of the new session.
    static func begin(_ member: Int64, _ db: Database) throws -> String {
        let token = Secret.newToken()
        try db.execute(
            sql: "INSERT INTO sessions (token, member_id, expires_at) VALUES (?, ?, ?)",
            arguments: [Secret.digest(of: token), member, Database.now + lifetime])
        return token
    }

    static func member(_ cookie: String, _ db: Database) throws -> Member? {
        try Member.fetchOne(
            db,
            sql: """
                SELECT members.* FROM sessions JOIN members ON members.id = sessions.member_id
                WHERE sessions.token = ? AND expires_at > ? AND deleted_at IS NULL
                """, arguments: [Secret.digest(of: cookie), Database.now])
    }

    static func end(_ cookie: String, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM sessions WHERE token = ?", arguments: [Secret.digest(of: cookie)])
    }

    /// - Returns: How many sessions and links have been deleted since their time was over.
    static func cleanUp(_ db: Database) throws -> Int {
        try db.execute(sql: "DELETE FROM sessions WHERE expires_at <= ?", arguments: [Database.now])
        let sessions = db.changesCount
        try db.execute(sql: "DELETE FROM password_resets WHERE expires_at <= ?", arguments: [Database.now])
        return sessions + db.changesCount
    }
}
