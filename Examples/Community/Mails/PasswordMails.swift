import GRDB
import Stint
import StintMail
import StintNotifications

extension Mails {
    /// In the transaction of the link. It goes before mails that can wait, and after an hour it is not sent any
    /// more, since its link does not hold then.
    func sendPasswordLink(to member: Member, _ db: Database) throws {
        // Who has no address, or a broken one, gets no mail. That must not show on the page.
        guard let text = member.address, let address = try? MailAddress(text, name: member.name) else { return }
        let token = try PasswordResets.begin(member.number, db)
        let words = try templates.render(
            "password", locale: member.locale, timeZone: member.timeZone,
            [
                "recipient": ["name": .text(member.name)], "leave": .null,
                "url": .text("\(self.address)/reset?token=\(token)"),
            ])
        var mail = MailMessage(
            from: Self.sender, to: [address], subject: words.subject, text: words.text, html: words.html)
        mail.bounces = .perRecipient(Self.bounces)
        let options = JobOptions(priority: 0, expires: .seconds(PasswordResets.lifetime))
        try jobs.enqueue(jobs: mail.jobs(in: Self.urgent, options: options), with: db)
    }
}
