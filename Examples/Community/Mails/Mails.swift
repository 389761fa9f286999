import Foundation
import GRDB
import Stint
import StintMail

/// Mails that the site writes by itself, and where all of them come from.
struct Mails: Sendable {
    static let queue: QueueName = "mail"
    static let sender: MailAddress = "Community <community@community.example>"

    let jobs: JobQueue<SQLiteStore>
    /// Of the site, without a slash at its end.
    let address: String

    func sendPasswordLink(to member: Member, _ db: Database) throws {
        guard let text = member.address, let address = try? MailAddress(text) else { return }
        let token = try PasswordResets.begin(member.number, db)
        var mail = MailMessage(from: Self.sender, to: [address], subject: "Your new password")
        mail.text = "Set a new password within an hour:\n\n\(self.address)/reset?token=\(token)\n"
        try jobs.enqueue(
            jobs: mail.jobs(in: Self.queue, options: JobOptions(priority: 0, expires: .seconds(3_600))), with: db)
    }
}

extension Mails {
    var templateNames: [String] { Kind.allCases.map(\.rawValue) }
    func preview(newsletter subject: String, _ body: String, for member: Member) async throws -> View { [:] }
    func preview(_ kind: String, locale: String) async throws -> View? { nil }
}
