import CGMime
import StintCore
import StintMIME

/// Reads a mail as it was sent.
struct MIMEReading {
    private static let deepest = 32
    private static let mostParts = 250

    private let limits: InboundLimits

    init(_ limits: InboundLimits) { self.limits = limits }

    /// - Throws: ``InboundRefusal`` for a mail that has more of something than is read.
    func content(of mail: [UInt8]) throws -> MailContent {
        if let problem = MailLimits.problem(of: mail) {
            throw InboundRefusal(
                .contentTooLarge, "the mail is not read. \(problem), the most that are read", isFinal: true)
        }
        let content = GMime.parsed(mail) { message in
            var content = MailContent(limits)
            content.setHeaders(GMime.headers(of: message))
            var count = 0
            if let part = g_mime_message_get_mime_part(message) { add(part, to: &content, depth: 0, &count) }
            content.useNamedTexts()
            return content
        }
        guard let content, !content.headers.isEmpty else {
            throw InboundRefusal(.badRequest, "there is no mail in it: it has no headers", isFinal: true)
        }
        return content
    }

    /// The headers alone, of a text that has only these.
    func headers(of text: ArraySlice<UInt8>) throws -> [HeaderField] {
        let bytes = Array(text) + Array("\r\n\r\n".utf8)
        if let problem = MailLimits.problem(of: bytes) {
            throw InboundRefusal(
                .contentTooLarge, "the headers are not read. \(problem), the most that are read", isFinal: true)
        }
        return GMime.parsed(bytes) { GMime.headers(of: $0) } ?? []
    }

    private func add(
        _ object: UnsafeMutablePointer<GMimeObject>, to content: inout MailContent, depth: Int, _ count: inout Int
    ) {
        guard depth < Self.deepest, count < Self.mostParts else { return }
        if let multipart = cg_multipart(object) {
            for index in 0..<g_mime_multipart_get_count(multipart) {
                if let part = g_mime_multipart_get_part(multipart, index) {
                    add(part, to: &content, depth: depth + 1, &count)
                }
            }
            return
        }
        count += 1
        if let part = cg_message_part(object) {
            guard let message = g_mime_message_part_get_message(part) else { return }
            let subject = GMime.subject(of: message)
            content.attach(
                subject.isEmpty ? "mail.eml" : subject + ".eml", type: GMime.type(of: object), contentID: nil,
                GMime.source(of: cg_message_object(message)))
        } else if let part = cg_part(object) {
            add(part: part, object, to: &content, count)
        }
    }

    private func add(
        part: UnsafeMutablePointer<GMimePart>, _ object: UnsafeMutablePointer<GMimeObject>,
        to content: inout MailContent, _ count: Int
    ) {
        let type = GMime.type(of: object)
        let bytes = GMime.content(of: part)
        let name = g_mime_part_get_filename(part).map { String(cString: $0) }
        if g_mime_part_is_attachment(part) == 0, ["text/plain", "text/html"].contains(type) {
            let charset = GMime.charset(of: object)
            if name != nil {
                content.keep(named: bytes, charset, isHTML: type == "text/html")
            } else if type == "text/html" {
                return content.add(html: bytes[...], charset: charset)
            } else {
                return content.add(text: bytes[...], charset: charset)
            }
        }
        content.attach(
            name ?? "part-\(count)", type: type,
            contentID: g_mime_object_get_content_id(object).map { String(cString: $0) }, bytes)
    }
}
