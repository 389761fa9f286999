import StintCore
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension MailMessage {
    /// The message as it is sent: ASCII with lines of at most 998 bytes and CRLF, but for addresses that need SMTPUTF8.
    /// The same message, id and date give the same bytes in every process and locale.
    ///
    /// - Parameters:
    ///   - id: Unique, without spaces, the part of the `Message-ID` before the `@` if ``messageID`` is `nil`.
    ///   - date: If ``date`` is `nil`.
    /// - Throws: ``StintError`` with the code `invalidInput` that names what is not allowed.
    public func rfc822(id: String, date fallback: Date) throws -> [UInt8] {
        let messageID = try fullMessageID(id)
        var header = HeaderLines()
        header.add("From", [from])
        header.add("To", to)
        header.add("Cc", cc)
        header.add("Reply-To", replyTo)
        try MailText.check(subject, "the subject")
        header.add("Subject", text: subject)
        header.add("Date", words: [MailDate.text(date ?? fallback)])
        header.add("Message-ID", words: [messageID])
        if let thread {
            let root = "<thread-\(FNV1a.text(thread.utf8))@\(from.domain)>"
            header.add("In-Reply-To", words: [root])
            header.add("References", words: [root])
        }
        if isAutomatic { header.add("Auto-Submitted", words: ["auto-generated"]) }
        try addUnsubscribe(to: &header)
        for further in headers { try add(further, to: &header) }
        header.add("MIME-Version", words: ["1.0"])
        let body = try MailBody(self, boundary: "=_stint_\(FNV1a.text(messageID.utf8))").bytes()
        let bytes = header.bytes + body
        guard bytes.count <= Self.maximumBytes else {
            throw StintError.invalidInput(
                "the message has \(bytes.count) bytes as it would be sent; at most \(Self.maximumBytes) (16 MiB) are "
                    + "allowed: put large files elsewhere and their addresses into the message")
        }
        return bytes
    }

    /// Checks all that ``rfc822(id:date:)`` checks, and the recipients.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public func check() throws {
        let recipients = recipients
        guard !recipients.isEmpty else {
            throw StintError.invalidInput("the message has no recipient: put an address into 'to', 'cc' or 'bcc'")
        }
        try Self.check(recipients: recipients.count)
        if bounces?.isPerRecipient == true { for recipient in recipients { _ = try bounces?.sender(for: recipient) } }
        _ = try rfc822(id: "check", date: Date(timeIntervalSince1970: 0))
    }

    static func check(recipients count: Int) throws {
        guard count <= maximumRecipients else {
            throw StintError.invalidInput(
                "the message has \(count) recipients; at most \(maximumRecipients) are allowed: enqueue a message for "
                    + "each, or for some")
        }
    }

    /// Whether a message may become this many jobs at once.
    static func check(copies: Int, bytes: Int) throws {
        guard copies <= 1 || copies * bytes <= maximumBytesOfJobs else {
            throw StintError.invalidInput(
                "the message would become \(copies) jobs with \(bytes) bytes each; at most \(maximumBytesOfJobs) "
                    + "(64 MiB) are allowed together: enqueue it for some of the recipients at a time, or make it smaller"
            )
        }
    }

    /// Whether an address in its header or envelope needs a server with SMTPUTF8.
    var needsSMTPUTF8: Bool { (recipients + replyTo + [from]).contains(where: \.needsSMTPUTF8) }

    private func fullMessageID(_ id: String) throws -> String {
        let plain = messageID.map { $0.hasPrefix("<") && $0.hasSuffix(">") ? String($0.dropFirst().dropLast()) : $0 }
        let text = plain ?? "\(id)@\(from.domain)"
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ MailText.isToken(String($0), except: "<>()[],;:\\\"") }),
            text.utf8.count <= 250
        else {
            throw StintError.invalidInput(
                "the Message-ID \(quoted(text)) is none: write it as unique@example.org, in ASCII and without spaces")
        }
        return "<\(text)>"
    }

    private func addUnsubscribe(to header: inout HeaderLines) throws {
        guard let unsubscribe else { return }
        let url = unsubscribe.url
        guard url.lowercased().hasPrefix("https://"), url.utf8.count > 8, url.utf8.count <= HeaderLines.longestWord,
            MailText.isToken(url, except: "<>,\"\\")
        else {
            throw StintError.invalidInput(
                "the address to unsubscribe \(quoted(url)) is not allowed: it must begin with https://, have at most "
                    + "\(HeaderLines.longestWord) bytes, and be in ASCII without spaces, commas and angle brackets")
        }
        var words = ["<\(url)>"]
        if let address = unsubscribe.address {
            guard !address.needsSMTPUTF8 else {
                throw StintError.invalidInput("the address to unsubscribe \(quoted(address.address)) must be in ASCII")
            }
            words = ["<\(url)>,", "<mailto:\(MailURL.escaped(address.address))>"]
        }
        header.add("List-Unsubscribe", words: words)
        header.add("List-Unsubscribe-Post", words: ["List-Unsubscribe=One-Click"])
    }

    /// What this type writes itself.
    private static let ownHeaders: Set<String> = [
        "from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references",
        "auto-submitted", "list-unsubscribe", "list-unsubscribe-post", "mime-version", "return-path", "received",
    ]

    private func add(_ further: MailHeader, to header: inout HeaderLines) throws {
        let name = further.name
        guard MailText.isToken(name, except: ":"), name.utf8.count <= 70,
            name.utf8.allSatisfy({ $0 == 0x2D || $0 == 0x5F || $0 > 0x2F && $0 < 0x7B && $0 != 0x3A })
        else {
            throw StintError.invalidInput(
                "the header name \(quoted(name)) is not allowed: use up to 70 letters, digits and '-'")
        }
        let lowered = name.lowercased()
        guard !Self.ownHeaders.contains(lowered), !lowered.hasPrefix("content-") else {
            throw StintError.invalidInput(
                "the header '\(name)' cannot be given: Stint writes it, from the message's other fields")
        }
        try MailText.check(further.value, "the value of the header '\(name)'")
        header.add(name, text: further.value)
    }
}
