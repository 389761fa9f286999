import CGMime
import StintMIME
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
            contents.headers = Self.plainHeaders(mail)
            contents.problems = [problem + ": it is not read as a mail, and only its headers and its source are shown."]
            return contents
        }
        return GMime.parsed(mail) { message in
            var contents = MailContents()
            contents.headers = Self.headers(of: message)
            var parts = MailParts()
            if let part = g_mime_message_get_mime_part(message) { parts.add(part) }
            contents.text = parts.text
            contents.html = parts.html
            contents.attachments = parts.attachments
            contents.problems = parts.problems
            return contents
        } ?? Self.unreadable(mail)
    }

    private static func plainHeaders(_ mail: [UInt8]) -> [MailContents.Header] {
        PlainHeaders.read(mail).map { MailContents.Header(name: $0.name, value: $0.value) }
    }

    private static func unreadable(_ mail: [UInt8]) -> MailContents {
        var contents = MailContents()
        contents.headers = Self.plainHeaders(mail)
        contents.problems = ["GMime does not find a mail in it: only its source is shown."]
        return contents
    }

    package func attachment(_ number: Int, of mail: [UInt8]) -> [UInt8]? {
        guard MailLimits.problem(of: mail) == nil else { return nil }
        return GMime.parsed(mail) { message in
            var parts = MailParts(wanted: number)
            if let part = g_mime_message_get_mime_part(message) { parts.add(part) }
            return parts.wantedBytes
        } ?? nil
    }

    package func document(of mail: [UInt8]) -> String? {
        guard MailLimits.problem(of: mail) == nil else { return nil }
        let document: String?? = GMime.parsed(mail) { message in
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

    static func headers(of message: UnsafeMutablePointer<GMimeMessage>) -> [MailContents.Header] {
        GMime.headers(of: message).map { MailContents.Header(name: $0.name, value: $0.value) }
    }
}
