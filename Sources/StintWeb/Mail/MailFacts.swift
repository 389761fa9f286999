import StintMailbox

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A caught mail in a list.
struct MailFacts: Encodable, Sendable {
    let id: Int
    let receivedAt: Date
    /// Of the envelope.
    let sender: String
    let recipients: [String]
    /// As the mail's headers say it.
    let from: String
    let to: String
    let subject: String
    let bytes: Int
    let attachments: Int

    init(_ mail: CaughtMail) {
        id = mail.id
        receivedAt = mail.receivedAt
        sender = mail.received.sender
        recipients = mail.recipients
        from = mail.summary.from
        to = mail.summary.to
        subject = mail.summary.subject
        bytes = mail.size
        attachments = mail.summary.attachments
    }
}

struct MailListFacts: Encodable, Sendable {
    let mails: [MailFacts]
    /// How many fit, on all pages.
    let count: Int
    /// For `before`; absent on the last page.
    let next: Int?

    init(_ page: Mailbox.Page) {
        mails = page.mails.map(MailFacts.init)
        count = page.count
        next = page.next
    }
}

/// A caught mail with what is in it.
struct MailContentsFacts: Encodable, Sendable {
    struct Header: Encodable {
        let name: String
        let value: String
    }

    struct Attachment: Encodable {
        let part: Int
        let name: String
        let contentType: String
        let bytes: Int
        let contentID: String?
    }

    let mail: MailFacts
    let headers: [Header]
    let text: String?
    let html: String?
    let links: [String]
    let attachments: [Attachment]
    /// What is wrong with the mail.
    let problems: [String]

    init(_ mail: CaughtMail, _ contents: MailContents) {
        self.mail = MailFacts(mail)
        headers = contents.headers.map { Header(name: $0.name, value: $0.value) }
        text = contents.text?.text
        html = contents.html?.text
        links = contents.links
        attachments = contents.attachments.map {
            Attachment(part: $0.part, name: $0.name, contentType: $0.type, bytes: $0.size, contentID: $0.contentID)
        }
        var problems = contents.problems
        if mail.received.hasBareLineEnds {
            problems.append(
                "Some lines do not end with CR LF: many mail servers refuse such a mail, since it can hide another one."
            )
        }
        for (name, part) in [("text", contents.text), ("HTML", contents.html)] where part?.isCut == true {
            problems.append("The \(name) is long: only its beginning is shown.")
        }
        self.problems = problems
    }
}

extension WebRequest {
    /// The mails that this server catches.
    func mailbox() throws -> Mailbox {
        guard let mailbox = dashboard.options.mailbox else {
            throw WebError(
                .notFound, "this server catches no mails: start it with `stint serve --catch-mail 127.0.0.1:1025`")
        }
        return mailbox
    }

    /// The mail in the path.
    func mail() throws -> CaughtMail {
        let mailbox = try mailbox()
        guard let id = Int(parameter("id")), id > 0 else {
            throw WebError(.notFound, "\(quotedShort(parameter("id"))) is no number of a mail")
        }
        guard let mail = mailbox.mail(id) else {
            throw WebError(
                .notFound, "there is no mail \(id): it has not come, was deleted, or has gone since newer ones came")
        }
        return mail
    }

    /// The mails that a query names, by `to` and `after`.
    func mailQuery() throws -> Mailbox.Query {
        Mailbox.Query(recipient: query("to") ?? "", after: try queryInteger("after", in: 0...Int.max, default: 0))
    }
}
