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
        let mail: PostmarkMail = try BoundedJSON.decode(post.body, rules.limits, "the body")
        guard let id = mail.MessageID, ServiceID.isValid(id) else {
            throw InboundRefusal.broken("the body has no MessageID: it is no mail of a Postmark inbound stream")
        }
        return .mail(VerifiedPost(replayKey: id) { try self.mail(mail, id, rules) })
    }

    private func mail(_ posted: PostmarkMail, _ id: String, _ rules: ReceivingRules) throws -> InboundMail {
        var content = MailContent(rules.limits)
        let listed = (posted.Headers ?? []).map { ($0.Name ?? "", GMime.headerText($0.Value ?? "")) }
        // Those that Postmark gives as fields of their own.
        content.addMissing("From", posted.FromFull?.text ?? posted.From)
        content.addMissing("To", posted.ToFull.map(PostmarkMail.Address.list) ?? posted.To)
        content.addMissing("Cc", posted.CcFull.map(PostmarkMail.Address.list) ?? posted.Cc)
        content.addMissing("Reply-To", posted.ReplyTo.flatMap { $0.isEmpty ? nil : $0 })
        content.addMissing("Subject", posted.Subject)
        content.addMissing("Date", posted.Date)
        let given = Set(content.headers.map { $0.name.lowercased() })
        content.setHeaders(listed.filter { !$0.0.isEmpty && !given.contains($0.0.lowercased()) })
        content.add(text: posted.TextBody.map { Array($0.utf8)[...] }, charset: "utf-8")
        content.add(html: posted.HtmlBody.flatMap { $0.isEmpty ? nil : Array($0.utf8)[...] }, charset: "utf-8")
        for file in posted.Attachments ?? [] {
            guard let bytes = Data(base64Encoded: file.Content ?? "", options: .ignoreUnknownCharacters) else {
                throw InboundRefusal(
                    .badRequest, "the attachment \(quoted(file.Name ?? "")) is no Base64", isFinal: true)
            }
            content.attach(
                file.Name ?? "", type: file.ContentType.map { HeaderValue($0).value } ?? "",
                contentID: file.ContentID.flatMap { $0.isEmpty ? nil : $0 }, [UInt8](bytes))
        }
        let recipients =
            (posted.OriginalRecipient.map { AddressList.plain($0, rules.limits) } ?? []).isEmpty
            ? (posted.ToFull ?? []).compactMap(\.Email)
            : AddressList.plain(posted.OriginalRecipient ?? "", rules.limits)
        var mail = content.mail(
            .postmark, id: id, rules,
            envelope: Envelope(sender: content.header("Return-Path"), recipients: recipients))
        mail.checks = Self.checks(content)
        return mail
    }

    /// Postmark runs SpamAssassin, and gives its headers.
    private static func checks(_ content: MailContent) -> InboundChecks {
        var checks = InboundChecks()
        checks.isSpam = content.header("X-Spam-Status").map { $0.lowercased().hasPrefix("yes") }
        checks.spamScore = content.header("X-Spam-Score").flatMap { Double($0) }
        checks.spf = CheckResults.result(content.header("Received-SPF"))
        let tests = content.header("X-Spam-Tests")?.uppercased() ?? ""
        if tests.contains("DKIM_VALID_AU") {
            checks.dkim = .pass
            // The signature is of the author's own domain.
            let author = AddressList.of(content.header("From"), content.limits).first?.domain
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
        var Email: String?
        var Name: String?

        var text: String {
            guard let name = Name, !name.isEmpty else { return Email ?? "" }
            let plain = name.replacing("\\", with: "").replacing("\"", with: "")
            return "\"\(plain)\" <\(Email ?? "")>"
        }

        static func list(_ addresses: [Address]) -> String { addresses.map(\.text).joined(separator: ", ") }
    }

    struct Header: Decodable, Sendable {
        var Name: String?
        var Value: String?
    }

    struct File: Decodable, Sendable {
        var Name: String?
        var Content: String?
        var ContentType: String?
        var ContentID: String?
    }

    var MessageID: String?
    var From: String?
    var FromFull: Address?
    var To: String?
    var ToFull: [Address]?
    var Cc: String?
    var CcFull: [Address]?
    var ReplyTo: String?
    var OriginalRecipient: String?
    var Subject: String?
    var Date: String?
    var TextBody: String?
    var HtmlBody: String?
    var Headers: [Header]?
    var Attachments: [File]?
}

/// What a service calls a mail.
enum ServiceID {
    static func isValid(_ id: String) -> Bool {
        (1...200).contains(id.utf8.count) && id.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
