import Hummingbird
import StintMailbox

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func mailsPage(_ request: WebRequest) async throws -> Page {
        let mailbox = try request.mailbox()
        let query = Mailbox.Query(recipient: request.query("to") ?? "")
        let before =
            try request.query("before") == nil ? nil : request.queryInteger("before", in: 1...Int.max, default: 1)
        let page = mailbox.list(query, before: before)
        return Page(
            title: "Mail", section: "mail", template: "mails",
            view: MailsView(page, mailbox, request, now: Date()), facts: MailListFacts(page), isLive: true,
            notice: Notices.text(request))
    }

    static func removeMails(_ request: WebRequest, _ form: Form) async throws -> String {
        let count = try request.mailbox().delete(Mailbox.Query(recipient: form["to"] ?? ""))
        return "/mail?done=mails-deleted&count=\(count)"
    }

    static func removeMail(_ request: WebRequest, _ form: Form) async throws -> String {
        _ = try request.mailbox().delete(request.mail().id)
        return "/mail?done=mail-deleted"
    }
}

private struct MailsView {
    struct Row {
        let key: String
        let href: String
        let subject: String
        let to: String
        let toHref: String?
        let more: String?
        let from: String
        let received: TimeView
        let size: String
        let attachments: String?
    }

    let base: String
    let recipient: String
    let isSearch: Bool
    let mails: [Row]
    let hasMails: Bool
    let isEmpty: Bool
    let count: String
    let limits: String
    let next: String?
    let address: String?
    let canOperate: Bool

    init(_ page: Mailbox.Page, _ mailbox: Mailbox, _ request: WebRequest, now: Date) {
        base = request.dashboard.options.basePath
        let base = base
        recipient = request.query("to") ?? ""
        isSearch = !recipient.isEmpty
        mails = page.mails.map { mail in
            let to = mail.recipients.first ?? ""
            return Row(
                key: "mail:\(mail.id)", href: "\(base)/mail/\(mail.id)",
                subject: mail.summary.subject.isEmpty ? "(no subject)" : mail.summary.subject,
                to: to, toHref: mail.recipients.isEmpty ? nil : "\(base)/mail?to=\(percentEncoded(to))",
                more: mail.recipients.count > 1 ? "and \(Words.count(mail.recipients.count - 1)) more" : nil,
                from: mail.summary.from.isEmpty ? mail.received.sender : mail.summary.from,
                received: TimeView(mail.receivedAt, now: now), size: Words.bytes(Int64(mail.size)) ?? "",
                attachments: mail.summary.attachments == 0 ? nil : Words.count(mail.summary.attachments))
        }
        hasMails = !mails.isEmpty
        isEmpty = !hasMails
        count = page.count == 1 ? "1 mail" : "\(Words.count(page.count)) mails"
        let counts = mailbox.counts
        let kept =
            "The newest \(Words.count(mailbox.limits.mails)) mails are kept, in memory, up to \(Words.count(mailbox.limits.bytes >> 20)) MiB."
        limits =
            counts.dropped == 0
            ? kept
            : kept
                + (counts.dropped == 1
                    ? " 1 older one has gone." : " \(Words.count(counts.dropped)) older ones have gone.")
        let search = isSearch ? "to=\(percentEncoded(recipient))&" : ""
        next = page.next.map { "\(base)/mail?\(search)before=\($0)" }
        address = request.dashboard.options.mailAddress
        canOperate = request.user.role >= .operate
    }
}
