import GRDB

/// Who may do what. Every rule is a function of the data and a member. None knows of a session or a request, so a worker
/// that has neither asks the same functions when it delivers a mail as a page does when it is opened.
enum Access {
    static func mayKnow(of group: Group, isIn: Bool) -> Bool { group.access != .secret || isIn }

    static func mayRead(_ group: Group, isIn: Bool) -> Bool { group.access == .open || isIn }

    /// - Returns: Whether this member may know that the group exists.
    static func mayKnow(of group: Group, _ member: Member, _ db: Database) throws -> Bool {
        guard !member.isDeleted else { return false }
        return mayKnow(of: group, isIn: try Group.has(group.number, member: member.number, db))
    }

    static func mayRead(_ group: Group, _ member: Member, _ db: Database) throws -> Bool {
        guard !member.isDeleted else { return false }
        return mayRead(group, isIn: try Group.has(group.number, member: member.number, db))
    }

    /// Only those who are in a group write there, even if others read it.
    static func mayWrite(in group: Group, _ member: Member, _ db: Database) throws -> Bool {
        guard !member.isDeleted else { return false }
        return try Group.has(group.number, member: member.number, db)
    }

    static func mayRead(_ post: Post, _ member: Member, _ db: Database) throws -> Bool {
        guard post.deletedAt == nil, let group = try Group.find(post.groupId, db) else { return false }
        return try mayRead(group, member, db)
    }

    static func mayRead(_ comment: Comment, _ member: Member, _ db: Database) throws -> Bool {
        guard comment.deletedAt == nil, let post = try Post.find(comment.postId, db) else { return false }
        return try mayRead(post, member, db)
    }

    static func mayComment(on post: Post, _ member: Member, _ db: Database) throws -> Bool {
        guard post.deletedAt == nil, let group = try Group.find(post.groupId, db) else { return false }
        return try mayWrite(in: group, member, db)
    }

    /// Authors and the owner of the group delete a post, and admins every one that they may read.
    static func mayDelete(_ post: Post, _ member: Member, _ db: Database) throws -> Bool {
        guard try mayRead(post, member, db), let group = try Group.find(post.groupId, db) else { return false }
        return post.authorId == member.number || group.ownerId == member.number || member.isAdmin
    }
}
