/// A failure that a recipient's address asks for, so that a program can be tested with a server that refuses its mail:
///
/// - `fail-450@example.org`: RCPT is answered with 450, likewise with any other code from 400 to 599;
/// - `fail-data-554@example.org`: the end of the mail is answered with 554;
/// - `drop@example.org`: the connection is closed without a reply.
package enum SimulatedFailure: Hashable, Sendable {
    case atRecipient(SMTPReply)
    case atEnd(SMTPReply)
    case drop

    /// `nil`: the address asks for none.
    package init?(_ address: String) {
        let local = address.prefix { $0 != "@" }.lowercased()
        if local == "drop" {
            self = .drop
        } else if let reply = Self.reply(local, after: "fail-data-") {
            self = .atEnd(reply)
        } else if let reply = Self.reply(local, after: "fail-") {
            self = .atRecipient(reply)
        } else {
            return nil
        }
    }

    private static func reply(_ local: String, after prefix: String) -> SMTPReply? {
        guard local.hasPrefix(prefix), local.utf8.count == prefix.utf8.count + 3,
            let code = Int(local.dropFirst(prefix.count)), (400...599).contains(code)
        else { return nil }
        return SMTPReply(code, "\(code / 100).0.0", "This address asks for the reply \(code)")
    }
}
