import Foundation
import GRDB

/// A row of `posts`.
struct Post: Codable, Sendable, FetchableRecord, MutablePersistableRecord {
    static let databaseTableName = "posts"
    static let databaseColumnDecodingStrategy = DatabaseColumnDecodingStrategy.convertFromSnakeCase
    static let databaseColumnEncodingStrategy = DatabaseColumnEncodingStrategy.convertToSnakeCase
    static let longestTitle = 200
    static let longestBody = 20_000

    var id: Int64?
    var groupId: Int64
    var authorId: Int64
    var title: String
    var body: String
    var createdAt: Int64
    var deletedAt: Int64?

    mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }

    var number: Int64 { id ?? 0 }

    /// A post that was deleted is found too: its readers ask ``Access``.
    static func find(_ id: Int64, _ db: Database) throws -> Post? {
        try fetchOne(db, sql: "SELECT * FROM posts WHERE id = ?", arguments: [id])
    }

    static func follow(_ post: Int64, member: Int64, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO followers (post_id, member_id) VALUES (?, ?)", arguments: [post, member])
    }
}

/// A row of `comments`.
struct Comment: Codable, Sendable, FetchableRecord, MutablePersistableRecord {
    static let databaseTableName = "comments"
    static let databaseColumnDecodingStrategy = DatabaseColumnDecodingStrategy.convertFromSnakeCase
    static let databaseColumnEncodingStrategy = DatabaseColumnEncodingStrategy.convertToSnakeCase
    static let longestBody = 10_000

    var id: Int64?
    var postId: Int64
    var authorId: Int64
    var body: String
    var createdAt: Int64
    var deletedAt: Int64?
    /// The id of the mail that it was.
    var mailId: String?

    mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }

    var number: Int64 { id ?? 0 }

    static func find(_ id: Int64, _ db: Database) throws -> Comment? {
        try fetchOne(db, sql: "SELECT * FROM comments WHERE id = ?", arguments: [id])
    }
}
