import Foundation
import GRDB
import StintMail

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

    /// A member who is not deleted, by `@handle`, handle or whole address; upper and lower case are the same.
    ///
    /// Some old rows have an address that is empty, `@`, or another's handle: by such an address no member is found. Two
    /// members with one address are found by their handles only.
    static func find(named text: String, _ db: Database) throws -> Member? {
        let name = text.trimmingCharacters(in: .whitespaces).lowercased()
        if let at = name.firstIndex(of: "@"), at != name.startIndex {
            guard isAddress(name) else { return nil }
            let found = try fetchAll(
                db, sql: "SELECT * FROM members WHERE deleted_at IS NULL AND lower(address) = ? LIMIT 2",
                arguments: [name])
            return found.count == 1 ? found[0] : nil
        }
        let handle = name.hasPrefix("@") ? String(name.dropFirst()) : name
        guard !handle.isEmpty else { return nil }
        return try fetchOne(
            db, sql: "SELECT * FROM members WHERE deleted_at IS NULL AND handle = ?", arguments: [handle])
    }

    /// Whether this is all of one address, without a name or anything else beside it.
    private static func isAddress(_ text: String) -> Bool {
        !text.hasSuffix(">") && (try? MailAddress(text)) != nil
    }
}
