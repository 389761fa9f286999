import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A mail that a service has posted, verified, as the parameters of a job.
///
///     worker.registerJob(InboundMail.self) { mail, context in
///         guard mail.kind == .person else { return }
///         print(mail.from?.address ?? "nobody", mail.replyText)
///     }
///
/// Everything in it comes from outside: texts may be anything but are valid UTF-8 without NUL, names of files may have
/// slashes, and who ``from`` says he is is a claim until ``author(is:)`` says more.
public struct InboundMail: JobParameters, Hashable {
    public static let jobName = "inbound-mail"

    /// The service that has received it.
    public enum Service: String, Codable, Sendable, Hashable, CaseIterable {
        case mailgun, postmark, sendgrid, ses
    }

    /// Who or what wrote it.
    public enum Kind: String, Codable, Sendable, Hashable {
        /// A person, as far as one can know.
        case person
        /// A program: an absence note, a newsletter, a list, a confirmation that it was read. Never answer it.
        case automatic
        /// A mail server that could not deliver a mail; see ``InboundMail/bounces``. Never answer it.
        case bounce
    }

    public var service: Service
    /// The service's own id of the mail. Another post with it adds no other job.
    public var id: String
    public var receivedAt: Date
    public var kind = Kind.person
    /// Why ``kind`` is not a person, for people: the header that says so.
    public var kindReason: String?
    /// Who sent it as mail servers know it, where bounces go. `nil`: nobody, as for bounces, or the service does not say.
    public var envelopeSender: String?
    /// The addresses that it was received for.
    public var recipients: [String] = []
    public var from: InboundAddress?
    /// All addresses of `From`; more than one is rare.
    public var authors: [InboundAddress] = []
    public var replyTo: [InboundAddress] = []
    public var to: [InboundAddress] = []
    public var cc: [InboundAddress] = []
    public var subject = ""
    /// `<unique@example.org>`
    public var messageID: String?
    /// The Message-IDs of `In-Reply-To`, each `<unique@example.org>`.
    public var inReplyTo: [String] = []
    /// The Message-IDs of `References`, the oldest first.
    public var references: [String] = []
    /// What its `Date` says.
    public var date: Date?
    public var text: String?
    public var html: String?
    /// Whether a text was longer than the limit, so that only its beginning is here.
    public var isTextCut = false
    public var attachments: [InboundAttachment] = []
    /// What was left out since it is beyond a limit.
    public var omitted: [OmittedAttachment] = []
    /// In their order, decoded, within the limits.
    public var headers: [InboundHeader] = []
    public var checks = InboundChecks()
    /// For whom a mail was not delivered, if ``kind`` is a bounce.
    public var bounces: [Bounce] = []

    public init(service: Service, id: String, receivedAt: Date) {
        self.service = service
        self.id = id
        self.receivedAt = receivedAt
    }

    /// The value of the first header of this name; upper and lower case are the same.
    public func header(_ name: String) -> String? {
        let name = name.lowercased()
        return headers.first { $0.name.lowercased() == name }?.value
    }

    /// All values of this name's headers, in their order.
    public func headers(named name: String) -> [String] {
        let name = name.lowercased()
        return headers.filter { $0.name.lowercased() == name }.map(\.value)
    }
}

/// A name and an address of a header. Not checked: it may be no valid address.
public struct InboundAddress: Codable, Sendable, Hashable {
    public var name: String?
    /// `ada@example.org`
    public var address: String

    public init(name: String? = nil, address: String) {
        self.name = name
        self.address = address
    }

    /// What follows the last `@`, in lower case; empty if there is none.
    public var domain: String {
        guard let at = address.lastIndex(of: "@") else { return "" }
        return address[address.index(after: at)...].lowercased()
    }
}

public struct InboundHeader: Codable, Sendable, Hashable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A file of a mail.
public struct InboundAttachment: Codable, Sendable, Hashable {
    /// As the sender wrote it, at most 200 characters: do not use it as a path.
    public var name: String
    /// As the sender says, such as `image/png`, in small letters. The content may be something else.
    public var contentType: String
    /// By which HTML shows it (`cid:`), without angle brackets.
    public var contentID: String?
    public var content: Data

    public init(name: String, contentType: String, contentID: String? = nil, content: Data) {
        self.name = name
        self.contentType = contentType
        self.contentID = contentID
        self.content = content
    }
}

/// A file that was left out of an ``InboundMail``.
public struct OmittedAttachment: Codable, Sendable, Hashable {
    public var name: String
    public var contentType: String
    public var bytes: Int
    /// The limit that it is beyond, for people.
    public var reason: String
}

/// What the service found out about the sender, where it says so.
public struct InboundChecks: Codable, Sendable, Hashable {
    public enum Result: String, Codable, Sendable, Hashable {
        case pass, fail, softfail, neutral, none, temperror, permerror
    }

    /// Whether the server that sent it may send for the domain of ``InboundMail/envelopeSender``.
    public var spf: Result?
    /// Whether a signature in the mail is right.
    public var dkim: Result?
    /// The domains whose signatures are right; empty if the service does not say.
    public var dkimDomains: [String] = []
    /// Whether one of both is right for the domain of `From`.
    public var dmarc: Result?
    public var isSpam: Bool?
    public var spamScore: Double?
    public var hasVirus: Bool?

    public init() {}
}

/// A recipient to whom a mail was not delivered.
public struct Bounce: Codable, Sendable, Hashable {
    public var recipient: String
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded` (RFC 3464, 2.3.3); `nil`: not said.
    public var action: String?
    /// Such as `5.1.1`. What begins with 5 is for ever, what begins with 4 may end.
    public var status: String?
    /// What the other server said.
    public var diagnostic: String?

    public init(recipient: String, action: String? = nil, status: String? = nil, diagnostic: String? = nil) {
        self.recipient = recipient
        self.action = action
        self.status = status
        self.diagnostic = diagnostic
    }

    /// Whether no further mail will reach the recipient: not only a delay or a full mailbox.
    public var isPermanent: Bool { (action == nil || action == "failed") && status?.hasPrefix("5.") == true }
}
