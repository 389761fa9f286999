import CGMime
import StintMailbox

/// Reads mails with GMime, within limits: what has more is shown as it was sent, with the headers at its beginning.
package struct GMimeReader: MailReader {
    /// The most bytes of a text that is shown.
    static let mostText = 1_048_576
    /// The most bytes of pictures that become a part of the HTML.
    static let mostPictures = 8 * 1_048_576

    package init() {}

    package func contents(of mail: [UInt8]) -> MailContents {
        if let problem = MailLimits.problem(of: mail) {
            var contents = MailContents()
            contents.headers = PlainHeaders.read(mail)
            contents.problems = [problem]
            return contents
        }
        return Self.parsed(mail) { message in
            var contents = MailContents()
            contents.headers = Self.headers(of: cg_message_object(message))
            var parts = MailParts()
            if let part = g_mime_message_get_mime_part(message) { parts.add(part) }
            contents.text = parts.text
            contents.html = parts.html
            contents.attachments = parts.attachments
            contents.problems = parts.problems
            return contents
        } ?? Self.unreadable(mail)
    }

    private static func unreadable(_ mail: [UInt8]) -> MailContents {
        var contents = MailContents()
        contents.headers = PlainHeaders.read(mail)
        contents.problems = ["GMime does not find a mail in it: only its source is shown."]
        return contents
    }

    package func attachment(_ number: Int, of mail: [UInt8]) -> [UInt8]? {
        guard MailLimits.problem(of: mail) == nil else { return nil }
        return Self.parsed(mail) { message in
            var parts = MailParts(wanted: number)
            if let part = g_mime_message_get_mime_part(message) { parts.add(part) }
            return parts.wantedBytes
        } ?? nil
    }

    package func document(of mail: [UInt8]) -> String? {
        guard MailLimits.problem(of: mail) == nil else { return nil }
        let document: String?? = Self.parsed(mail) { message in
            guard let part = g_mime_message_get_mime_part(message) else { return nil }
            var parts = MailParts()
            parts.add(part)
            guard let html = parts.html?.text else { return nil }
            let ids = MailPictures.ids(in: html)
            guard !ids.isEmpty else { return html }
            var withPictures = MailParts(pictures: ids)
            withPictures.add(part)
            return MailPictures.embed(withPictures.pictures, in: html)
        }
        return document ?? nil
    }

    // MARK: - GMime

    /// GMime's own preparations, once.
    private static let isReady: Bool = {
        g_mime_init()
        return true
    }()

    private static func parsed<Value>(_ mail: [UInt8], _ read: (UnsafeMutablePointer<GMimeMessage>) -> Value) -> Value?
    {
        guard isReady, !mail.isEmpty else { return nil }
        let message = mail.withUnsafeBytes { cg_parse($0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count) }
        guard let message else { return nil }
        defer { cg_release(message) }
        return read(message)
    }

    static func headers(of object: UnsafeMutablePointer<GMimeObject>) -> [MailContents.Header] {
        guard let list = g_mime_object_get_header_list(object) else { return [] }
        return (0..<g_mime_header_list_get_count(list)).compactMap { index in
            guard let header = g_mime_header_list_get_header_at(list, index), let name = g_mime_header_get_name(header)
            else { return nil }
            let value = cg_header_value(header)
            defer { g_free(value) }
            return .init(name: String(cString: name), value: value.map { String(cString: $0) } ?? "")
        }
    }
}
