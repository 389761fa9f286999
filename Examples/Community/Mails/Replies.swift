import GRDB
import Stint
import StintInbound

/// Handles incoming mail. Replies become comments, bounces on several days switch a member's mail off, and automatic mail is
/// ignored.
struct Replies: Sendable {
    let data: SiteDatabase
    let mails: Mails
    let writing: Writing

    /// Once for each mail: the comment and the end of the job are one transaction.
    func take(_ mail: InboundMail, _ context: JobContext) async throws {
        if mail.kind == .bounce { return try await takeBounce(mail, context) }
        guard !mail.isLoop(own: { mails.replies.isOwn($0) || mails.bounces.isOwn($0) }) else {
            context.logger.info("a program wrote it", metadata: ["reason": "\(mail.kindReason ?? "a loop")"])
            return
        }
        guard case .target(let target) = mails.replies.read(mail), let (post, member) = Self.parts(of: target) else {
            throw JobVerdict.bury("it is no reply to a mail of this site")
        }
        let text = String(mail.replyText.prefix(Comment.longestBody))
        guard !text.isEmpty else { throw JobVerdict.bury("nothing is left of it without its quotes") }
        try await data.pool.write { db in
            let (post, author) = try check(mail, post: post, member: member, db)
            try writing.comment(on: post, by: author, body: text, mailID: "\(mail.service) \(mail.id)", db)
            try data.queue.ack(context, with: db)
        }
    }

    /// The same rules as on the page. What is not allowed is buried with the reason, for people to see.
    private func check(
        _ mail: InboundMail, post: Int64, member: Int64, _ db: Database
    ) throws -> (Post, Member) {
        guard let author = try Member.find(member, db), !author.isDeleted else {
            throw JobVerdict.bury("member \(member) is no longer there")
        }
        // The address says for whom the mail was. Who forwards it does not write in that member's name.
        switch mail.author(is: author.address ?? "") {
        case .verified, .claimed: break
        case .suspicious: throw JobVerdict.bury("the sender's address is forged, the mail service says")
        case .other: throw JobVerdict.bury("it is from somebody else than member \(member)")
        }
        guard let post = try Post.find(post, db), try Access.mayComment(on: post, author, db) else {
            throw JobVerdict.bury("member \(member) may not comment on post \(post), or it is deleted")
        }
        return (post, author)
    }

    /// A report counts only if it came to an address that this site has made, and for the recipient whom that names. See
    /// ``Bounces``.
    private func takeBounce(_ mail: InboundMail, _ context: JobContext) async throws {
        let bounces = mail.bouncedRecipients(of: mails.bounces)
        if bounces.isEmpty {
            context.logger.info("a report of a failed delivery came to no address of this site's mails")
        }
        for bounce in bounces where bounce.isPermanent {
            let reason = String((bounce.diagnostic ?? bounce.status ?? "").prefix(300))
            try await data.pool.write { try Bounces.note(bounce.recipient, reason: reason, $0) }
        }
    }

    /// `post-12-45`: post 12, member 45.
    private static func parts(of target: String) -> (post: Int64, member: Int64)? {
        let parts = target.split(separator: "-")
        guard parts.count == 3, parts[0] == "post", let post = Int64(parts[1]), let member = Int64(parts[2]) else {
            return nil
        }
        return (post, member)
    }
}
