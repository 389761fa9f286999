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

/// SendGrid's Inbound Parse: a form, parsed or with the mail as it was sent, signed by ECDSA over a timestamp and the body,
/// or with a user and a password in the address, or both.
struct SendGridReceiver: Receiver {
    static let signatureHeader = HTTPField.Name("X-Twilio-Email-Event-Webhook-Signature")!
    static let timestampHeader = HTTPField.Name("X-Twilio-Email-Event-Webhook-Timestamp")!

    let key: P256.Signing.PublicKey?
    let authentication: BasicAuthentication?

    let service = InboundMail.Service.sendgrid
    /// SendGrid repeats a post for 3 days after a 5xx, and gives up after a 4xx.
    let finalStatus: HTTPResponse.Status? = nil

    func checkHead(_ headers: HTTPFields, _ rules: ReceivingRules) throws {
        try authentication?.check(headers)
        guard key != nil else { return }
        guard let timestamp = headers[Self.timestampHeader], headers[Self.signatureHeader] != nil else {
            throw InboundRefusal.unauthorized(
                "the post has no \(Self.signatureHeader) and \(Self.timestampHeader): give the parse webhook a security policy with a signature"
            )
        }
        try rules.checkSeconds(timestamp)
    }

    func receive(_ post: Post, _ rules: ReceivingRules) async throws -> Received {
        if let key { try Self.verify(post, key) }
        let form = try FormBody(post, rules.limits)
        guard form.bytes("email") != nil || form.bytes("headers") != nil || form.bytes("from") != nil else {
            throw InboundRefusal.broken(
                "the form has neither 'email' nor 'headers' nor 'from': it is no mail of Inbound Parse")
        }
        // SendGrid has no id for a mail: a post with the same fields is the same mail.
        let id = HexText.text(form.hash().prefix(16))
        return .mail(VerifiedPost(replayKey: id) { try mail(form, id, rules) })
    }

    private static func verify(_ post: Post, _ key: P256.Signing.PublicKey) throws {
        guard let text = post.headers[signatureHeader], text.utf8.count <= 400, let bytes = Data(base64Encoded: text),
            let signature = try? P256.Signing.ECDSASignature(derRepresentation: bytes)
        else {
            throw InboundRefusal.unauthorized("the header \(signatureHeader) is no signature: expected ECDSA in Base64")
        }
        var hash = SHA256()
        hash.update(data: Data((post.headers[timestampHeader] ?? "").utf8))
        post.body.withUnsafeBytes { hash.update(bufferPointer: $0) }
        guard key.isValidSignature(signature, for: hash.finalize()) else {
            throw InboundRefusal.unauthorized(
                "the signature is not right for the timestamp and the body: compare the public key with SendGrid's")
        }
    }

    private struct Envelope: Decodable {
        var to: [String]?
        var from: String?
    }

    private struct File: Decodable {
        var filename: String?
        var name: String?
        var type: String?
        var contentID: String?

        enum CodingKeys: String, CodingKey {
            case filename, name, type
            case contentID = "content-id"
        }
    }

    private func mail(_ form: FormBody, _ id: String, _ rules: ReceivingRules) throws -> InboundMail {
        let limits = rules.limits
        func json<Value: Decodable>(_ name: String) throws -> Value? {
            guard let bytes = form.bytes(name), !bytes.isEmpty else { return nil }
            do {
                return try BoundedJSON.decode(bytes, limits, "the field '\(name)'")
            } catch var refusal as InboundRefusal {
                refusal.isFinal = true
                throw refusal
            }
        }
        let charsets: [String: String] = try json("charsets") ?? [:]
        let envelope: Envelope? = try json("envelope")
        var content: MailContent
        if let source = form.bytes("email") {
            content = try MIMEReading(limits).content(of: Array(source))
        } else {
            content = MailContent(limits)
            if let headers = form.bytes("headers") { content.setHeaders(try MIMEReading(limits).headers(of: headers)) }
            for (name, field) in [("From", "from"), ("To", "to"), ("Cc", "cc"), ("Subject", "subject")] {
                content.addMissing(name, form.text(field, charset: charsets[field]))
            }
            content.add(text: form.bytes("text"), charset: charsets["text"])
            content.add(html: form.bytes("html"), charset: charsets["html"])
            let files: [String: File] = try json("attachment-info") ?? [:]
            for field in form.fields where field.name.hasPrefix("attachment") && Int(field.name.dropFirst(10)) != nil {
                let info = files[field.name]
                content.attach(
                    info?.filename ?? info?.name ?? field.filename ?? field.name,
                    type: info?.type.map { HeaderValue($0).value } ?? field.contentType, contentID: info?.contentID,
                    Array(field.bytes))
            }
        }
        var mail = content.mail(
            .sendgrid, id: id, rules,
            envelope: .init(
                sender: envelope?.from,
                recipients: envelope?.to ?? AddressList.of(form.text("to"), limits).map(\.address)))
        mail.checks.spf = CheckResults.result(form.text("SPF"))
        readSignatures(form.text("dkim"), &mail.checks)
        mail.checks.spamScore = CheckResults.score(form.text("spam_score"))
        return mail
    }

    /// `{@example.org : pass, @example.net : fail}` or `none`. The domains are as the sender has written them, so a text of
    /// another form says nothing.
    private func readSignatures(_ text: String?, _ checks: inout InboundChecks) {
        guard let text, text.utf8.count <= 4_000 else { return }
        var found: [(domain: String, result: InboundChecks.Result)] = []
        for item in text.split(whereSeparator: { "{},".contains($0) }) where !item.allSatisfy({ $0 == " " }) {
            let words = item.split(separator: " ")
            guard words.count == 3, words[1] == ":", words[0].first == "@",
                words[0].dropFirst().allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") }
                ),
                let result = CheckResults.result(String(words[2]))
            else { return }
            found.append((words[0].dropFirst().lowercased(), result))
        }
        checks.dkim = found.contains { $0.result == .pass } ? .pass : found.first?.result
        checks.dkimDomains = found.filter { $0.result == .pass }.map(\.domain)
    }
}
