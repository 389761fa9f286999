import Foundation
import GRDB
import StintNotifications

/// What one member is told of an event, from the data as they are when the mail is written.
struct Contents {
    let kind: Kind
    /// Who did it; `nil`: there is no such member any more.
    let actor: Member?
    /// Who is told.
    let member: Member
    let mails: Mails
    let date: Date

    func of(_ thing: Thing, _ db: Database) throws -> NotificationContent {
        guard kind.canBe(about: thing) else {
            return .invalid("an event of the kind '\(kind.rawValue)' cannot be about '\(thing.text)'")
        }
        switch thing {
        case .post(let id):
            guard let post = try Post.find(id, db) else { return .invalid("there is no post \(id)") }
            return try of(post, by: post.authorId, text: post.body, all: post.title + " " + post.body, db)
        case .comment(let id):
            guard let comment = try Comment.find(id, db) else { return .invalid("there is no comment \(id)") }
            guard comment.deletedAt == nil else { return .gone("comment \(id) is deleted") }
            guard let post = try Post.find(comment.postId, db) else {
                return .invalid("comment \(id) belongs to post \(comment.postId), which does not exist")
            }
            return try of(post, by: comment.authorId, text: comment.body, all: comment.body, db)
        case .group(let id):
            guard let group = try Group.find(id, db) else { return .invalid("there is no group \(id)") }
            guard group.ownerId == member.number else { return .hidden("the group has another owner now") }
            guard try isThere("requests", of: "group_id", id, db) else { return .gone("the request is answered") }
            return .visible(values(["group": .text(group.name), "url": .text("\(mails.address)/groups/\(id)")]))
        case .newsletter(let id):
            guard let row = try Row.fetchOne(db, sql: "SELECT * FROM newsletters WHERE id = ?", arguments: [id]) else {
                return .invalid("there is no newsletter \(id)")
            }
            return .visible(Self.newsletter(row["subject"], row["body"], values([:])))
        }
    }

    /// - Parameters:
    ///   - author: Who wrote the text.
    ///   - all: All in which a member may be named.
    private func of(
        _ post: Post, by author: Int64, text: String, all: String, _ db: Database
    ) throws -> NotificationContent {
        guard post.deletedAt == nil else { return .gone("post \(post.number) is deleted") }
        guard let group = try Group.find(post.groupId, db) else {
            return .invalid("post \(post.number) is in group \(post.groupId), which does not exist")
        }
        guard try Access.mayRead(group, member, db) else {
            return .hidden("member \(member.number) may not read group \(group.number)")
        }
        // A reader of an open group who is not in it is not told of it, but when somebody names them.
        guard try kind == .mention || Group.has(group.number, member: member.number, db) else {
            return .gone("member \(member.number) has left group \(group.number)")
        }
        switch kind {
        case .like:
            guard author == member.number else { return .hidden("post \(post.number) is another member's") }
            guard try isThere("likes", of: "post_id", post.number, db) else { return .gone("the like is taken back") }
        case .mention:
            guard Mentions.handles(in: all).contains(member.handle) else {
                return .gone("member \(member.number) is not named in it")
            }
        case .post, .comment, .request, .newsletter: break
        }
        return .visible(
            values([
                "title": .text(post.title), "group": .text(group.name), "paragraphs": Self.paragraphs(text),
                "url": .text("\(mails.address)/posts/\(post.number)"),
            ]))
    }

    /// Whether what the actor did still stands.
    private func isThere(_ table: String, of column: String, _ id: Int64, _ db: Database) throws -> Bool {
        guard let actor, !actor.isDeleted else { return false }
        return try Row.fetchOne(
            db, sql: "SELECT 1 FROM \(table) WHERE \(column) = ? AND member_id = ?", arguments: [id, actor.number])
            != nil
    }

    func values(_ more: [String: NotificationValue]) -> [String: NotificationValue] {
        let isThere = actor.map { !$0.isDeleted } ?? false
        let common: [String: NotificationValue] = [
            "actor": .text(isThere ? actor?.name ?? "" : "…"), "date": .date(date),
            "leave": .text(mails.leaveAddress(kind, member.number)),
            "preferences": .text("\(mails.address)/preferences"),
        ]
        return common.merging(more) { $1 }
    }

    static func newsletter(
        _ subject: String, _ body: String, _ common: [String: NotificationValue]
    ) -> [String: NotificationValue] {
        common.merging(["title": .text(subject), "paragraphs": paragraphs(body)]) { $1 }
    }

    static func paragraphs(_ text: String) -> NotificationValue {
        .list(text.split(separator: "\n\n").prefix(200).map { .text(String($0)) })
    }
}
