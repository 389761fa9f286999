import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A mail to send. As the payload of a job it is JSON, which programs in other languages can write too: only `from`,
/// one recipient and a text are needed.
///
///     var message = MailMessage(from: "Shop <shop@example.org>", to: ["ada@example.net"], subject: "Größe 42 is here")
///     message.text = "Dear Ada,\n\nit is here.\n"
///     try await queue.enqueue(mail: message, in: "mail")
///
/// Nothing is checked until ``rfc822(id:date:)``, or an enqueue, builds the message. No text can become a header: one
/// with a line break where none belongs is refused.
public struct MailMessage: Sendable, Hashable, JobParameters {
    public static let jobName = "mail"

    /// The largest message as it is sent, in bytes: the largest payload of a job.
    public static let maximumBytes = NewJob.maximumPayloadBytes
    /// The most recipients of one message.
    public static let maximumRecipients = 1_000
    /// The most bytes of the jobs that one message becomes if it becomes several.
    static let maximumBytesOfJobs = 64 * 1_024 * 1_024

    public var from: MailAddress
    public var to: [MailAddress]
    public var cc: [MailAddress] = []
    /// They get the mail, and the others do not see that.
    public var bcc: [MailAddress] = []
    public var replyTo: [MailAddress] = []
    public var subject: String
    /// The plain text. Its lines may be of any length: it is sent as `format=flowed` (RFC 3676), so that paragraphs fit
    /// any width. Spaces at the end of lines are not kept.
    public var text: String?
    /// The same as HTML. With a text too, readers choose (`multipart/alternative`).
    public var html: String?
    /// Pictures in the HTML, which shows one by `<img src="cid:NAME">`.
    public var inline: [InlineImage] = []
    public var attachments: [MailAttachment] = []
    /// Further headers, in this order.
    public var headers: [MailHeader] = []
    /// Mails with the same thread and the same domain of `from` belong together in mail programs. Any text, such as the
    /// address of a discussion.
    public var thread: String?
    /// By which the recipient can end such mails, with one click.
    public var unsubscribe: MailUnsubscribe?
    /// Whether a program and no person has written it, so that no program replies (RFC 3834).
    public var isAutomatic = true
    /// Where bounces go; `nil`: to `from`.
    public var bounces: BounceAddress?
    /// `<unique@example.org>`; `nil`: one that is the same for each attempt of a job.
    public var messageID: String?
    /// `nil`: when its job was enqueued.
    public var date: Date?

    public init(
        from: MailAddress, to: [MailAddress], subject: String, text: String? = nil, html: String? = nil
    ) {
        self.from = from
        self.to = to
        self.subject = subject
        self.text = text
        self.html = html
    }

    /// All who get it, each once: the addresses of `to`, `cc` and `bcc`.
    public var recipients: [MailAddress] {
        var known: Set<String> = []
        return (to + cc + bcc).filter { known.insert($0.address).inserted }
    }

    /// From whom and to whom servers carry it: one envelope, or one for each recipient if each has a bounce address of
    /// its own.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` for a bounce address that would be too long, or a recipient for
    ///   whom `.byRecipient` has none.
    public func envelopes() throws -> [MailEnvelope] {
        switch bounces {
        case .perRecipient?, .byRecipient?:
            try recipients.map { MailEnvelope(sender: try bounces?.sender(for: $0), recipients: [$0]) }
        case .address(let address)?: [MailEnvelope(sender: address, recipients: recipients)]
        case nil: [MailEnvelope(sender: from, recipients: recipients)]
        }
    }
}

/// A picture in HTML.
public struct InlineImage: Sendable, Hashable, Codable {
    /// The HTML's name for it: letters, digits and `.`, `_`, `-`, `@`.
    public var name: String
    /// Such as `image/png`.
    public var contentType: String
    public var content: Data

    public init(name: String, contentType: String, content: Data) {
        self.name = name
        self.contentType = contentType
        self.content = content
    }
}

/// A file that is sent with a mail.
public struct MailAttachment: Sendable, Hashable, Codable {
    /// In any script, without control characters, `/` and `\`.
    public var filename: String
    /// Such as `application/pdf`.
    public var contentType: String
    public var content: Data

    public init(filename: String, contentType: String = "application/octet-stream", content: Data) {
        self.filename = filename
        self.contentType = contentType
        self.content = content
    }
}

/// A further header of a mail.
public struct MailHeader: Sendable, Hashable, Codable {
    /// Letters, digits and `-`. Those that ``MailMessage`` writes itself are refused.
    public var name: String
    /// In any script.
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// How the recipient ends mails of this kind: `List-Unsubscribe` with one click (RFC 8058).
public struct MailUnsubscribe: Sendable, Hashable, Codable {
    /// The mail program sends a POST request there, without asking and without cookies, so it must name the recipient.
    /// `https` only.
    public var url: String
    /// For mail programs that know no clicks: an address that takes a mail instead.
    public var address: MailAddress?

    public init(url: String, address: MailAddress? = nil) {
        self.url = url
        self.address = address
    }
}
