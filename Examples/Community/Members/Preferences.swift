import GRDB

/// How soon a member is told.
enum Rhythm: String, CaseIterable, Sendable {
    case now
    case hourly
    case daily
    case weekly
    case never

    var title: String {
        switch self {
        case .now: "at once"
        case .hourly: "every hour"
        case .daily: "daily"
        case .weekly: "weekly"
        case .never: "nothing"
        }
    }
}

/// What a member has chosen, for a kind of event in a group (`group:3`) or everywhere (an empty place).
enum Preferences {
    static func place(of group: Int64) -> String { "group:\(group)" }

    static func chosen(_ member: Int64, _ db: Database) throws -> [String: Rhythm] {
        let rows = try Row.fetchAll(
            db, sql: "SELECT kind, place, rhythm FROM preferences WHERE member_id = ?", arguments: [member])
        return rows.reduce(into: [:]) {
            $0["\($1["kind"] as String) \($1["place"] as String)"] = Rhythm(rawValue: $1["rhythm"])
        }
    }

    /// The choice for the place, or that for everywhere, or the site's.
    static func rhythm(_ kind: Kind, place: String, _ member: Int64, _ db: Database) throws -> Rhythm {
        let text = try String.fetchOne(
            db,
            sql: """
                SELECT rhythm FROM preferences WHERE member_id = ? AND kind = ? AND place IN (?, '')
                ORDER BY place DESC LIMIT 1
                """, arguments: [member, kind.rawValue, place])
        return text.flatMap { Rhythm(rawValue: $0) } ?? standard(kind)
    }

    static func standard(_ kind: Kind) -> Rhythm {
        switch kind {
        case .post, .comment, .mention, .request, .newsletter: .now
        case .like: .daily
        }
    }

    /// - Parameter rhythm: `nil`: as everywhere.
    static func set(_ rhythm: Rhythm?, _ kind: Kind, place: String, _ member: Int64, _ db: Database) throws {
        guard let rhythm else {
            return try db.execute(
                sql: "DELETE FROM preferences WHERE member_id = ? AND kind = ? AND place = ?",
                arguments: [member, kind.rawValue, place])
        }
        try db.execute(
            sql: "INSERT OR REPLACE INTO preferences (member_id, kind, place, rhythm) VALUES (?, ?, ?, ?)",
            arguments: [member, kind.rawValue, place, rhythm.rawValue])
    }
}
