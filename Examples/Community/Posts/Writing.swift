import GRDB
import Stint

/// What members write. Each change is one transaction with its events: both are on disk, or neither.
struct Writing: Sendable {
    let events: Events

    func post(in group: Group, by member: Member, title: String, body: String, _ db: Database) throws -> Post {
        var post = Post(
            groupId: group.number, authorId: member.number, title: title, body: body, createdAt: Database.now)
        try post.insert(db)
        try Post.follow(post.number, member: member.number, db)
        try events.happened(.post, by: member.number, object: .post(post.number), group: group.number, with: db)
        if !Mentions.handles(in: title + " " + body).isEmpty {
            try events.happened(.mention, by: member.number, object: .post(post.number), group: group.number, with: db)
        }
        return post
    }

    /// - Parameter mailID: The reply that it was. A mail that came twice is `nil`: it is a comment already.
    @discardableResult
    func comment(
        on post: Post, by member: Member, body: String, mailID: String? = nil, _ db: Database
    ) throws -> Comment? {
        if let mailID,
            try Row.fetchOne(db, sql: "SELECT 1 FROM comments WHERE mail_id = ?", arguments: [mailID]) != nil
        {
            return nil
        }
        var comment = Comment(
            postId: post.number, authorId: member.number, body: body, createdAt: Database.now, mailId: mailID)
        try comment.insert(db)
        try events.happened(
            .comment, by: member.number, object: .comment(comment.number), group: post.groupId, with: db)
        if !Mentions.handles(in: body).isEmpty {
            try events.happened(
                .mention, by: member.number, object: .comment(comment.number), group: post.groupId, with: db)
        }
        try Post.follow(post.number, member: member.number, db)
        return comment
    }

    /// - Returns: Whether the member likes it now: a second click takes a like back.
    func like(_ post: Post, by member: Member, _ db: Database) throws -> Bool {
        try db.execute(
            sql: "DELETE FROM likes WHERE post_id = ? AND member_id = ?", arguments: [post.number, member.number])
        guard db.changesCount == 0 else { return false }
        try db.execute(
            sql: "INSERT INTO likes (post_id, member_id, created_at) VALUES (?, ?, ?)",
            arguments: [post.number, member.number, Database.now])
        try events.happened(
            .like, by: member.number, object: .post(post.number), group: post.groupId,
            id: "like of post \(post.number) by \(member.number)", with: db)
        return true
    }

    /// Mails of it that wait are not sent any more: their sender asks ``Access`` first.
    func delete(_ post: Post, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE posts SET deleted_at = ? WHERE id = ?", arguments: [Database.now, post.number])
    }

    func newsletter(by member: Member, subject: String, body: String, _ db: Database) throws -> Int64 {
        try db.execute(
            sql: "INSERT INTO newsletters (author_id, subject, body, created_at) VALUES (?, ?, ?, ?)",
            arguments: [member.number, subject, body, Database.now])
        let number = db.lastInsertedRowID
        try events.happened(.newsletter, by: member.number, object: .newsletter(number), group: nil, with: db)
        return number
    }

    func askToJoin(_ group: Group, _ member: Member, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO requests (group_id, member_id, asked_at) VALUES (?, ?, ?)",
            arguments: [group.number, member.number, Database.now])
        guard db.changesCount > 0 else { return }
        try events.happened(
            .request, by: member.number, object: .group(group.number), group: group.number, with: db)
    }
}
