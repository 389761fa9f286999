import StintCore

/// What a mail server has answered.
public struct SMTPReply: Sendable, Hashable, CustomStringConvertible {
    /// The longest text that is kept, in bytes.
    static let maximumTextBytes = 1_000

    /// From 200 to 599.
    public let code: Int
    /// The server's words, on one line, without control characters.
    public let text: String

    /// The server cannot now: the same may work later.
    public var isTemporary: Bool { (400..<500).contains(code) }
    /// The server will not: the same fails again.
    public var isPermanent: Bool { (500..<600).contains(code) }

    public var description: String { text.isEmpty ? "\(code)" : "\(code) \(text)" }

    public init(code: Int, text: String) {
        self.code = code
        self.text = text
    }

    /// - Parameters:
    ///   - lines: All lines of the answer, as they came.
    ///   - secrets: Texts that must not be shown, in case the server repeats them.
    /// - Returns: `nil` if the lines are none.
    init?(lines: [[UInt8]], hiding secrets: [String]) {
        guard let code = lines.last.flatMap({ Int(String(decoding: $0.prefix(3), as: UTF8.self)) }),
            (200..<600).contains(code)
        else { return nil }
        // Most answers are one short line of ASCII.
        if lines.count == 1, secrets.isEmpty, lines[0].count <= Self.maximumTextBytes, lines[0].last != 0x20,
            lines[0].allSatisfy({ (0x20...0x7E).contains($0) })
        {
            self.init(code: code, text: String(decoding: lines[0].dropFirst(4), as: UTF8.self))
            return
        }
        let words = lines.map { MailText.hiding(secrets, in: Array($0.dropFirst(4))) }
        var text = words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
        text = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isControl ? " " : $0 }))
        if text.utf8.count > Self.maximumTextBytes {
            var short = String.UnicodeScalarView()
            var size = 0
            for scalar in text.unicodeScalars {
                size += UTF8.width(scalar)
                if size > Self.maximumTextBytes { break }
                short.append(scalar)
            }
            text = String(short) + "…"
        }
        while text.last == " " { text.removeLast() }
        self.init(code: code, text: text)
    }
}

/// A recipient that a server has not accepted.
public struct SMTPRefusal: Sendable, Hashable {
    public let recipient: MailAddress
    public let reply: SMTPReply

    public init(recipient: MailAddress, reply: SMTPReply) {
        self.recipient = recipient
        self.reply = reply
    }
}

/// A server has taken a message, and is responsible for it now.
public struct SMTPReceipt: Sendable, Hashable {
    /// The recipients that it has taken it for: at least one.
    public let accepted: [MailAddress]
    /// Those that it refused.
    public let refusals: [SMTPRefusal]
    /// The answer after the message.
    public let reply: SMTPReply
}

/// Why a message was not delivered, or may not have been.
public struct SMTPFailure: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// The server cannot take this message now, or the connection was lost before it had all of it. It has not
        /// taken the message.
        case temporary
        /// The server does not take this message, or none for these recipients.
        case permanent
        /// The server takes no mail at all: it cannot be reached, refuses the connection or the credentials, or TLS
        /// failed. It has not to do with the message.
        case unreachable
        /// The connection was lost after the server had the whole message and before its answer came. It may have taken
        /// it.
        case outcomeUnknown
        /// The task was cancelled before the server had the whole message.
        case cancelled
    }

    public let kind: Kind
    /// The server's answer, if it gave one.
    public let reply: SMTPReply?
    /// If all recipients were refused: the answer for each.
    public let refusals: [SMTPRefusal]
    /// For people, with the server's words.
    public let description: String
    /// Whether the server was ready for a message, and took none from its first command on.
    let isAtMail: Bool

    init(
        _ kind: Kind, _ description: String, reply: SMTPReply? = nil, refusals: [SMTPRefusal] = [],
        isAtMail: Bool = false
    ) {
        self.kind = kind
        self.reply = reply
        self.refusals = refusals
        self.description = description
        self.isAtMail = isAtMail
    }

    static func cancelled(before server: SMTPServer) -> SMTPFailure {
        SMTPFailure(.cancelled, "the delivery was cancelled before \(server.host) had the message")
    }
}
