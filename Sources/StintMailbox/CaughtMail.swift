import StintSMTP

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A mail that was caught: nobody has got it.
package struct CaughtMail: Sendable {
    /// The number of a mail since the start of the server, from 1.
    package let id: Int
    package let receivedAt: Date
    package let received: ReceivedMail
    package let summary: MailSummary

    package var recipients: [String] { received.recipients }
    package var size: Int { received.bytes.count }

    /// What it takes of the limit for all mails: its bytes, and what is kept beside them.
    var cost: Int {
        received.bytes.count + received.recipients.reduce(0) { $0 + $1.utf8.count + 32 } + MailSummary.maximumBytes
    }
}

/// What a list shows of a mail.
package struct MailSummary: Hashable, Sendable {
    /// The most bytes of each text.
    static let maximumText = 500
    static let maximumBytes = 4_096

    package let subject: String
    /// As the headers say it, with names.
    package let from: String
    package let to: String
    package let attachments: Int

    package init(subject: String, from: String, to: String, attachments: Int) {
        self.subject = Self.cut(subject)
        self.from = Self.cut(from)
        self.to = Self.cut(to)
        self.attachments = attachments
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > maximumText else { return text }
        // By scalars: one character may have a million of them.
        var cut = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            count += UTF8.width(scalar)
            guard count <= maximumText - 3 else { break }
            cut.append(scalar)
        }
        return String(cut) + "…"
    }
}
