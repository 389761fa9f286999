import Foundation
import GRDB

/// Who may know of a group, and read what is in it.
enum GroupAccess: String, Codable, Sendable {
    /// Every member reads it, and may join.
    case open
    /// Every member knows of it. Those in it read it, and its owner lets others in.
    case closed
    /// Only those in it know of it.
    case secret
}

/// A row of `groups`.
struct Group: Codable, Sendable, FetchableRecord, MutablePersistableRecord {
    static let databaseTableName = "groups"
    static let databaseColumnDecodingStrategy = DatabaseColumnDecodingStrategy.convertFromSnakeCase
    static let databaseColumnEncodingStrategy = DatabaseColumnEncodingStrategy.convertToSnakeCase

    var id: Int64?
    var name: String
    var about: String
    var access: GroupAccess
    var ownerId: Int64

    mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }

    var number: Int64 { id ?? 0 }

    static func find(_ id: Int64, _ db: Database) throws -> Group? {
        try fetchOne(db, sql: "SELECT * FROM groups WHERE id = ?", arguments: [id])
    }

    /// Those that a member is in.
    static func of(_ member: Member, _ db: Database) throws -> [Group] {
        try fetchAll(
            db,
            sql: """
                SELECT groups.* FROM groups JOIN memberships ON group_id = groups.id WHERE member_id = ?
                ORDER BY groups.id
                """, arguments: [member.number])
    }

    static func has(_ group: Int64, member: Int64, _ db: Database) throws -> Bool {
        try Row.fetchOne(
            db, sql: "SELECT 1 FROM memberships WHERE group_id = ? AND member_id = ?", arguments: [group, member])
            != nil
    }

    static func join(_ group: Int64, member: Int64, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO memberships (group_id, member_id, joined_at) VALUES (?, ?, ?)",
            arguments: [group, member, Database.now])
        try db.execute(
            sql: "DELETE FROM requests WHERE group_id = ? AND member_id = ?", arguments: [group, member])
    }

    static func leave(_ group: Int64, member: Int64, _ db: Database) throws {
        try db.execute(
            sql: "DELETE FROM memberships WHERE group_id = ? AND member_id = ?", arguments: [group, member])
    }
}
