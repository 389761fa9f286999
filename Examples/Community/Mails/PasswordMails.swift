import Foundation
import GRDB
import Stint
import StintMail
import StintNotifications

/// Asks for the mail with a link for a new password. The job can be seen on the dashboard and in logs, so it has the id of the
/// reset, and not its token: that is made from the site's secret when the mail is written.
struct PasswordMail: JobParameters {
    static let jobName = "password-mail"

    var member: Int64
    /// What ``PasswordResets/begin(_:_:_:)`` has returned.
    var resetID: String
}

extension Mails {
    /// In the transaction of the reset. It goes before mails that can wait, and after an hour it is not sent any
    /// more, since its link does not hold then.
    func sendPasswordLink(to member: Member, _ db: Database) throws {
        // Who has no address, or a broken one, gets no mail. That must not show on the page.
        guard let text = member.address, let address = try? MailAddress(text) else { return }
        let id = try PasswordResets.begin(member.number, secret, db)
        let options = JobOptions(
            priority: 0, group: address.domain, expires: .seconds(PasswordResets.lifetime))
        try jobs.enqueue(
            PasswordMail(member: member.number, resetID: id), in: Self.urgent, options: options, with: db)
    }

    /// The mail, to the member as they are now; `nil` if they are no longer there, or the link does not hold any more.
    func passwordMail(_ context: JobContext, _ data: SiteDatabase) async throws -> MailMessage? {
        let job: PasswordMail
        do {
            job = try JSONDecoder().decode(PasswordMail.self, from: Data(context.job.payload))
        } catch {
            throw JobVerdict.bury("its parameters do not decode as '\(PasswordMail.jobName)': \(error)")
        }
        let token = PasswordResets.resetToken(of: job.resetID, secret)
        let member = try await data.pool.read { db -> Member? in
            guard try PasswordResets.member(resetToken: token, db) == job.member,
                let member = try Member.find(job.member, db)
            else { return nil }
            return member.isDeleted ? nil : member
        }
        guard let member, let text = member.address, let address = Self.address(text, name: member.name) else {
            context.logger.info(
                "a mail for a new password is not sent", metadata: ["reason": "the member or the link is gone"])
            return nil
        }
        let words = try templates.render(
            "password", locale: member.locale, timeZone: member.timeZone,
            [
                "recipient": ["name": .text(member.name)], "leave": .null,
                "url": .text("\(self.address)/reset?reset-token=\(token)"),
            ])
        var mail = MailMessage(
            from: Self.sender, to: [address], subject: words.subject, text: words.text, html: words.html)
        mail.bounces = .address(try bounceAddress(of: address))
        return mail
    }

    /// A name that cannot be in a header is left out, and not the mail.
    private static func address(_ text: String, name: String) -> MailAddress? {
        (try? MailAddress(text, name: name)) ?? (try? MailAddress(text))
    }
}
