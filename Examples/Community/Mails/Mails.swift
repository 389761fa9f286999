import Foundation
import GRDB
import Stint
import StintInbound
import StintMail
import StintNotifications

/// Where the site's mails come from, the addresses in them, and the queues that they go through.
struct Mails: Sendable {
    /// What members do, before it is known who is told.
    static let events: QueueName = "events"
    /// A job for each member who is told of it, and their digests.
    static let notifications: QueueName = "notifications"
    static let newsletters: QueueName = "newsletters"
    /// Mails that somebody waits for, such as one with a new password. They go before all others.
    static let urgent: QueueName = "urgent"
    static let inbound: QueueName = "inbound"

    static let domain = "community.example"
    static let sender: MailAddress = "Community <community@community.example>"
    /// How long a report of a failed delivery may take to come back.
    private static let bounceTime: TimeInterval = 14 * 86_400

    let jobs: JobQueue<SQLiteStore>
    let secret: Secret
    /// Of the site, without a slash at its end.
    let address: String
    let replies: ReplyAddresses
    /// Where reports of failed deliveries go. They are signed too, so that only those who had a mail can send one, and each
    /// says to which address the mail went: the member may have another by then.
    let bounces: BounceAddresses
    let templates: NotificationTemplates

    init(jobs: JobQueue<SQLiteStore>, secret: Secret, address: String) throws {
        self.jobs = jobs
        self.secret = secret
        self.address = address
        replies = try ReplyAddresses(domain: Self.domain, keys: [secret.bytes])
        bounces = try BounceAddresses(base: "bounce@\(Self.domain)", keys: [secret.bytes])
        templates = try MailTemplates.read(site: address)
    }

    /// The mail server posts what comes to this address as a reply of this member to this post.
    func replyAddress(post: Int64, member: String) throws -> MailAddress {
        try MailAddress(try replies.address(for: "post-\(post)-\(member)"))
    }

    /// A mail server reports there that it could not deliver a mail to this recipient.
    func bounceAddress(of recipient: MailAddress) throws -> MailAddress {
        try MailAddress(try bounces.address(for: recipient.address, expires: Date() + Self.bounceTime))
    }

    /// A link by which a member gets no more mails of a kind, without signing in.
    func leaveAddress(_ kind: Kind, _ member: Int64) -> String {
        let text = "\(member) \(kind.rawValue)"
        return
            "\(address)/leave?member=\(member)&kind=\(kind.rawValue)&token=\(secret.token(for: text, purpose: "leave"))"
    }

    func isLeaveAddress(_ kind: Kind, _ member: Int64, token: String) -> Bool {
        secret.isToken(token, for: "\(member) \(kind.rawValue)", purpose: "leave")
    }

    /// The key with which Mailgun would sign what it posts to this site. It is in the data folder too, for those who try it.
    var signingKey: String { secret.token(for: "mailgun", purpose: "signing key") }

    func writeSigningKey(folder: String) throws {
        guard
            FileManager.default.createFile(
                atPath: folder + "/signing-key", contents: Data(signingKey.utf8), attributes: [.posixPermissions: 0o600]
            )
        else { throw SiteProblem("'\(folder)/signing-key' cannot be written: check the folder and the disk") }
    }
}
