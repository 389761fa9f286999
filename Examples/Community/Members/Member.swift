import Foundation
import GRDB

/// A row of `members`, as it is: nothing in it is promised to be valid.
struct Member: Codable, Sendable, FetchableRecord, MutablePersistableRecord {
    static let databaseTableName = "members"
    static let databaseColumnDecodingStrategy = DatabaseColumnDecodingStrategy.convertFromSnakeCase
    static let databaseColumnEncodingStrategy = DatabaseColumnEncodingStrategy.convertToSnakeCase

    var id: Int64?
    var handle: String
    var name: String
    var address: String?
    var locale: String
    var timeZone: String
    var password: String
    var isAdmin = false
    /// Why this member gets no mail; `nil`: it gets mail.
    var mailOff: String?
    var quietFrom: Int?
    var quietTo: Int?
    var digestHour = 8
    /// 1 is Monday.
    var digestWeekday = 1
    var joinedAt: Int64
    var deletedAt: Int64?

    mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }

    var number: Int64 { id ?? 0 }
    var isDeleted: Bool { deletedAt != nil }

    static func find(_ id: Int64, _ db: Database) throws -> Member? {
        try fetchOne(db, sql: "SELECT * FROM members WHERE id = ?", arguments: [id])
    }

    /// A member who is not deleted, by `@handle`, handle or address; upper and lower case are the same.
    static func find(named text: String, _ db: Database) throws -> Member? {
        let name = text.trimmingCharacters(in: .whitespaces).lowercased()
        if name.hasPrefix("@") {
            return try fetchOne(
                db, sql: "SELECT * FROM members WHERE deleted_at IS NULL AND handle = ?",
                arguments: [String(name.dropFirst())])
        }
        // Some old rows have an address that is empty, or another's handle.
        guard !name.isEmpty else { return nil }
        return try fetchOne(
            db,
            sql: """
                SELECT * FROM members WHERE deleted_at IS NULL AND (handle = ?1 OR lower(address) = ?1)
                ORDER BY handle = ?1 DESC LIMIT 1
                """, arguments: [name])
    }
}
