import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The parts of a message.
struct MailBody {
    let message: MailMessage
    /// What all boundaries begin with. It is in no Base64, and Quoted-Printable has no `_` after its `=`.
    let boundary: String
    private var alternativeBoundary: String { boundary + "_alternative" }

    init(_ message: MailMessage, boundary: String) {
        self.message = message
        self.boundary = boundary
    }

    /// Header lines, an empty line, and the content, with CRLF.
    func bytes() throws -> [UInt8] {
        guard message.attachments.isEmpty, message.inline.isEmpty else { return try part().bytes() }
        let parts = texts()
        return try (parts.count == 1 ? parts[0].bytes() : TextPart.alternative(parts, boundary: alternativeBoundary))
            ?? part().bytes()
    }

    /// The texts of which readers show one: the plain one, and HTML.
    private func texts() -> [TextPart] {
        var parts: [TextPart] = []
        if let text = message.text { parts.append(TextPart(.plain, FlowedText.encode(text), boundary: boundary)) }
        if let html = message.html { parts.append(TextPart(.html, MailLines.withLF(html), boundary: boundary)) }
        return parts.isEmpty ? [TextPart(.plain, [], boundary: boundary)] : parts
    }

    func part() throws -> MIMEPart {
        let content = try alternative()
        guard !message.attachments.isEmpty else { return content }
        return try MIMEPart(
            multipart: "mixed", [content] + message.attachments.map(attachment), boundary: boundary + "_mixed")
    }

    private func alternative() throws -> MIMEPart {
        guard message.inline.isEmpty || message.html != nil else {
            throw StintError.invalidInput("there are inline images and no HTML that shows them: attach them instead")
        }
        var parts = try texts().map { try $0.part() }
        if message.html != nil { parts.append(try related(parts.removeLast())) }
        guard parts.count > 1 else { return parts[0] }
        return try MIMEPart(multipart: "alternative", parts, boundary: alternativeBoundary)
    }

    /// HTML with its pictures.
    private func related(_ page: MIMEPart) throws -> MIMEPart {
        guard !message.inline.isEmpty else { return page }
        let images = try message.inline.map { image in
            guard image.name.utf8.count <= 200, MailText.isToken(image.name, except: "<>()[],;:\\\"/?#%&") else {
                throw StintError.invalidInput(
                    "the name \(quoted(image.name)) of an inline image is not allowed: use letters, digits, '.', '_' and "
                        + "'-', since HTML names it in cid:")
            }
            let part = try MIMEPart(MIMEType(image.contentType), [UInt8](image.content), .base64)
            part.setInline(name: image.name)
            return part
        }
        let related = try MIMEPart(multipart: "related", [page] + images, boundary: boundary + "_related")
        related.set("type", "text/html")
        return related
    }

    private func attachment(_ file: MailAttachment) throws -> MIMEPart {
        try MailText.check(file.filename, "the file name \(quoted(file.filename))")
        guard (1...255).contains(file.filename.utf8.count), !file.filename.utf8.contains(UInt8(ascii: "/")),
            !file.filename.utf8.contains(UInt8(ascii: "\\"))
        else {
            throw StintError.invalidInput(
                "the file name \(quoted(file.filename)) of an attachment is not allowed: use 1 to 255 bytes without '/' "
                    + "and '\\'")
        }
        let type = try MIMEType(file.contentType)
        var content = [UInt8](file.content)
        var encoding = MIMEPart.Encoding.base64
        if type.type.lowercased() == "message" {
            // Base64 is not allowed for messages (RFC 2046, 5.2.1).
            content = MailLines.withLF(content)
            if let last = content.last, last != 0x0A { content.append(0x0A) }
            guard content.allSatisfy({ $0 < 0x80 && $0 != 0 }),
                content.split(separator: 0x0A).allSatisfy({ $0.count <= 998 }),
                !String(decoding: content, as: UTF8.self).contains(boundary)
            else {
                throw StintError.invalidInput(
                    "the attachment \(quoted(file.filename)) has the type \(file.contentType), and bytes outside ASCII or "
                        + "lines above 998 bytes: attach it as application/octet-stream")
            }
            encoding = .sevenBit
        }
        let part = try MIMEPart(type, content, encoding)
        part.setFile(name: file.filename)
        return part
    }
}
