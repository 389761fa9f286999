import Crypto
import HTTPTypes
import StintCore
import StintMIME
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Mailgun's routes: a form, signed by an HMAC over its timestamp and token. The signature says nothing of the other fields,
/// so a recorded one is known by its token.
struct MailgunReceiver: Receiver {
    let keys: [String]

    let service = InboundMail.Service.mailgun
    /// Mailgun repeats a post for 8 hours, but for 406.
    let finalStatus: HTTPResponse.Status? = .notAcceptable

    func receive(_ post: Post, _ rules: ReceivingRules) async throws -> Received {
        let form = try FormBody(post, rules.limits)
        guard let timestamp = form.text("timestamp"), let token = form.text("token"),
            let signature = form.text("signature")
        else {
            throw InboundRefusal.unauthorized(
                "the form has no timestamp, token and signature: only posts that Mailgun signs are taken")
        }
        guard (1...200).contains(token.utf8.count), token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw InboundRefusal.unauthorized("the token is none of Mailgun's: expected up to 200 letters and digits")
        }
        guard let code = HexText.bytes(signature),
            keys.contains(where: {
                HMAC<SHA256>.isValidAuthenticationCode(
                    code, authenticating: Data((timestamp + token).utf8), using: SymmetricKey(data: Data($0.utf8)))
            })
        else {
            throw InboundRefusal.unauthorized(
                "the signature is not right for the timestamp and token: compare the signing key with Mailgun's")
        }
        try rules.checkSeconds(timestamp)
        return .mail(
            VerifiedPost(
                replayKey: token, contentKey: { Self.contentKey(of: form, $0) },
                read: { try mail(form, id: token, rules) }))
    }

    /// Mailgun signs each repetition of a post anew, with another token: the same mail for the same recipient is known by
    /// its Message-ID. A sender can write any Message-ID, so all fields count except those of the signature: otherwise a
    /// sender could suppress another mail by sending its Message-ID first.
    private static func contentKey(of form: FormBody, _ mail: InboundMail) -> String? {
        guard let messageID = mail.messageID else { return nil }
        var hash = SHA256()
        hash.update(data: Data("\(messageID.utf8.count) \(messageID)\n".utf8))
        form.hash(without: signedFields).withUnsafeBytes { hash.update(bufferPointer: $0) }
        return "mail " + HexText.text(hash.finalize())
    }

    /// They differ at each repetition.
    private static let signedFields: Set<String> = ["timestamp", "token", "signature"]

    private func mail(_ form: FormBody, id: String, _ rules: ReceivingRules) throws -> InboundMail {
        var content: MailContent
        if let source = form.bytes("body-mime") {
            content = try MIMEReading(rules.limits).content(of: Array(source))
        } else {
            guard form.bytes("message-headers") != nil || form.text("from") != nil else {
                throw InboundRefusal(
                    .badRequest, "the form has neither 'body-mime' nor 'message-headers': it is no mail of a route",
                    isFinal: true)
            }
            content = try parsed(form, rules.limits)
        }
        content.addMissing("Subject", form.text("subject"))
        content.addMissing("From", form.text("from") ?? form.text("From"))
        var mail = content.mail(
            .mailgun, id: id, rules,
            envelope: Envelope(
                sender: form.text("sender"), recipients: AddressList.plain(form.text("recipient") ?? "", rules.limits)))
        let sflag = content.header("X-Mailgun-Sflag")?.lowercased()
        mail.checks.isSpam = sflag.map { $0 == "yes" }
        mail.checks.spamScore = CheckResults.score(content.header("X-Mailgun-Sscore"))
        mail.checks.spf = CheckResults.result(content.only("X-Mailgun-Spf"))
        mail.checks.dkim = CheckResults.result(content.only("X-Mailgun-Dkim-Check-Result"))
        return mail
    }

    private func parsed(_ form: FormBody, _ limits: InboundLimits) throws -> MailContent {
        var content = MailContent(limits)
        if let list = form.bytes("message-headers") {
            let pairs: [[String]] = try BoundedJSON.decode(list, limits, "the field 'message-headers'")
            content.setHeaders(pairs.compactMap { $0.count == 2 ? HeaderField(name: $0[0], raw: $0[1]) : nil })
        } else {
            content.setHeaders(
                form.fields.filter { $0.filename == nil && $0.name.first?.isUppercase == true }
                    .map { HeaderField(name: $0.name, raw: $0.text) })
        }
        content.add(text: form.bytes("body-plain"), charset: form.charset("body-plain"))
        content.add(html: form.bytes("body-html"), charset: form.charset("body-html"))
        let ids =
            try form.bytes("content-id-map")
            .map { try BoundedJSON.decode($0, limits, "the field 'content-id-map'") as [String: String] } ?? [:]
        var names: [String: String] = [:]
        for (id, field) in ids { names[field] = id }
        for file in form.fields where file.name.hasPrefix("attachment-") && file.name != "attachment-count" {
            content.attach(
                file.filename ?? file.name, type: file.contentType, contentID: names[file.name], Array(file.bytes))
        }
        return content
    }
}
