import HTTPTypes
import StintCore
import StintMIME

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Postmark's inbound streams: JSON, with a user and a password in the address.
struct PostmarkReceiver: Receiver {
    let authentication: BasicAuthentication

    let service = InboundMail.Service.postmark
    /// Postmark repeats a post ten times within 10 hours, but for 403.
    let finalStatus: HTTPResponse.Status? = .forbidden

    func checkHead(_ headers: HTTPFields, _ rules: ReceivingRules) throws { try authentication.check(headers) }

    func receive(_ post: Post, _ rules: ReceivingRules) async throws -> Received {
        let type = HeaderValue(post.contentType).value
        guard type == "application/json" else {
            throw InboundRefusal(
                .unsupportedMediaType,
                "the body is \(type.isEmpty ? "of no type" : quoted(type)); expected application/json")
        }
        let mail: PostmarkMail = try BoundedJSON.decode(
            post.body, rules.limits, "the body", isCapitalized: true)
        guard let id = mail.messageID, ServiceID.isValid(id) else {
            throw InboundRefusal.broken("the body has no MessageID: it is no mail of a Postmark inbound stream")
        }
        return .mail(VerifiedPost(replayKey: id) { try self.mail(mail, id, rules) })
    }

    private func mail(_ posted: PostmarkMail, _ id: String, _ rules: ReceivingRules) throws -> InboundMail {
        var content = MailContent(rules.limits)
        let listed = (posted.headers ?? []).map { HeaderField(name: $0.name ?? "", raw: $0.value ?? "") }
        // Those that Postmark gives as fields of their own.
        content.addMissing("From", posted.fromFull?.text ?? posted.from)
        content.addMissing("To", posted.toFull.map(PostmarkMail.Address.list) ?? posted.to)
        content.addMissing("Cc", posted.ccFull.map(PostmarkMail.Address.list) ?? posted.cc)
        content.addMissing("Reply-To", posted.replyTo.flatMap { $0.isEmpty ? nil : $0 })
        content.addMissing("Subject", posted.subject)
        content.addMissing("Date", posted.date)
        let given = Set(content.headers.map { $0.name.lowercased() })
        content.setHeaders(listed.filter { !$0.name.isEmpty && !given.contains($0.name.lowercased()) })
        content.add(text: posted.textBody.map { Array($0.utf8)[...] }, charset: "utf-8")
        content.add(html: posted.htmlBody.flatMap { $0.isEmpty ? nil : Array($0.utf8)[...] }, charset: "utf-8")
        for file in posted.attachments ?? [] {
            guard let bytes = Data(base64Encoded: file.content ?? "", options: .ignoreUnknownCharacters) else {
                throw InboundRefusal(
                    .badRequest, "the attachment \(quoted(file.name ?? "")) is no Base64", isFinal: true)
            }
            content.attach(
                file.name ?? "", type: file.contentType.map { HeaderValue($0).value } ?? "",
                contentID: file.contentID.flatMap { $0.isEmpty ? nil : $0 }, [UInt8](bytes))
        }
        let recipients =
            (posted.originalRecipient.map { AddressList.plain($0, rules.limits) } ?? []).isEmpty
            ? (posted.toFull ?? []).compactMap(\.email)
            : AddressList.plain(posted.originalRecipient ?? "", rules.limits)
        var mail = content.mail(
            .postmark, id: id, rules,
            envelope: Envelope(sender: Self.sender(content), recipients: recipients))
        mail.checks = Self.checks(content)
        return mail
    }

    /// The sender that SPF was checked for. A `Return-Path` may be the mail's own.
    private static func sender(_ content: MailContent) -> String? {
        guard let checked = content.only("Received-SPF"), let start = checked.range(of: "envelope-from=") else {
            return content.header("Return-Path") == "<>" ? "" : nil
        }
        let word = checked[start.upperBound...].prefix { $0 != ";" && $0 != " " && $0 != ")" }
        return String(word.filter { $0 != "\"" })
    }

    /// Postmark runs SpamAssassin, and gives its headers. One that is there twice may be the sender's own.
    private static func checks(_ content: MailContent) -> InboundChecks {
        var checks = InboundChecks()
        checks.isSpam = content.header("X-Spam-Status").map { $0.lowercased().hasPrefix("yes") }
        checks.spamScore = CheckResults.score(content.header("X-Spam-Score"))
        checks.spf = CheckResults.result(content.only("Received-SPF"))
        let tests = Set(
            (content.only("X-Spam-Tests") ?? "").uppercased().split { $0 == "," || $0 == " " }.map(String.init))
        if tests.contains("DKIM_VALID_AU") {
            checks.dkim = .pass
            // The signature is of the author's own domain.
            let author = content.addresses("From").first?.domain
            checks.dkimDomains = author.map { [$0] } ?? []
        } else if tests.contains("DKIM_VALID") {
            checks.dkim = .pass
        } else if tests.contains("DKIM_INVALID") {
            checks.dkim = .fail
        }
        return checks
    }
}

/// The JSON that Postmark posts. Further members are not read.
private struct PostmarkMail: Decodable, Sendable {
    struct Address: Decodable, Sendable {
        var email: String?
        var name: String?

        var text: String {
            guard let name, !name.isEmpty else { return email ?? "" }
            let plain = name.replacing("\\", with: "").replacing("\"", with: "")
            return "\"\(plain)\" <\(email ?? "")>"
        }

        static func list(_ addresses: [Address]) -> String { addresses.map(\.text).joined(separator: ", ") }
    }

    struct Header: Decodable, Sendable {
        var name: String?
        var value: String?
    }

    struct File: Decodable, Sendable {
        var name: String?
        var content: String?
        var contentType: String?
        var contentID: String?
    }

    var messageID: String?
    var from: String?
    var fromFull: Address?
    var to: String?
    var toFull: [Address]?
    var cc: String?
    var ccFull: [Address]?
    var replyTo: String?
    var originalRecipient: String?
    var subject: String?
    var date: String?
    var textBody: String?
    var htmlBody: String?
    var headers: [Header]?
    var attachments: [File]?
}

/// What a service calls a mail.
enum ServiceID {
    static func isValid(_ id: String) -> Bool {
        (1...200).contains(id.utf8.count) && id.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
