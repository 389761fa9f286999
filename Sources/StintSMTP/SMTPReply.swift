/// What a server says: a code, and one line or more.
package struct SMTPReply: Hashable, Sendable {
    package let code: Int
    /// The enhanced status code of RFC 3463, such as `2.1.0`.
    package let status: String?
    package let lines: [String]

    package init(_ code: Int, _ status: String? = nil, _ lines: String...) {
        self.init(code, status, lines: lines)
    }

    package init(_ code: Int, _ status: String? = nil, lines: [String]) {
        self.code = code
        self.status = status
        self.lines = lines
    }

    /// As it is sent: each line with the code, and all but the last with a hyphen after it.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for (index, line) in lines.enumerated() {
            bytes += Array("\(code)\(index == lines.count - 1 ? " " : "-")".utf8)
            if let status { bytes += Array("\(status) ".utf8) }
            // What a client sent is quoted in some replies, and may not begin a line of its own.
            bytes += line.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }
            bytes += [0x0D, 0x0A]
        }
        return bytes
    }

    package var isPositive: Bool { code < 400 }
}

extension SMTPReply {
    package static let ok = SMTPReply(250, "2.0.0", "OK")
    package static let closing = SMTPReply(221, "2.0.0", "Bye")
    package static let tooSlow = SMTPReply(421, "4.4.2", "Timeout: closing the connection")
    package static let tooManyConnections = SMTPReply(421, "4.3.2", "Too many connections: try again later")
    package static let ending = SMTPReply(421, "4.3.2", "The server ends: try again later")
    /// A mail was received, and there is no room for it now.
    package static let tooMuchAtOnce = SMTPReply(452, "4.3.1", "Too many mails are being received: try again later")
    static let startMail = SMTPReply(354, nil, "End the mail with a line that is only a dot")
    static let unknownCommand = SMTPReply(500, "5.5.2", "Unknown command; HELP lists the known ones")
    static let lineTooLong = SMTPReply(500, "5.5.2", "The line is too long")
    static let bareLineFeed = SMTPReply(
        500, "5.5.2", "The line ends with a bare LF or has a bare CR: end lines with CR LF")
    static let notHTTP = SMTPReply(421, "4.7.0", "This is no web server: closing the connection")
    static let tooManyRefused = SMTPReply(421, "4.7.0", "Too many lines were refused: closing the connection")
    static let helloFirst = SMTPReply(503, "5.5.1", "Send EHLO first")
    static let mailFirst = SMTPReply(503, "5.5.1", "Send MAIL first")
    static let recipientFirst = SMTPReply(503, "5.5.1", "Send RCPT first")
    static let mailHasBegun = SMTPReply(503, "5.5.1", "MAIL was sent before; RSET takes it back")
    static let tooManyRecipients = SMTPReply(452, "4.5.3", "Too many recipients")
    static let needsUTF8 = SMTPReply(
        553, "5.6.7", "The address is not ASCII: use the parameter SMTPUTF8 of MAIL, after EHLO")

    static func syntax(_ form: String) -> SMTPReply { SMTPReply(501, "5.5.4", "Syntax: \(form)") }

    static func tooLarge(_ limit: Int) -> SMTPReply {
        SMTPReply(552, "5.3.4", "The mail is larger than \(limit) bytes, the most that is accepted")
    }
}
