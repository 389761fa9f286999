/// What a server must offer so that a message may be sent to it.
enum SMTPExtension: String {
    /// For addresses outside ASCII (RFC 6531).
    case smtpUTF8 = "SMTPUTF8"
    /// For messages outside ASCII (RFC 6152). A server without it may cut the eighth bit of each byte off.
    case eightBitMIME = "8BITMIME"

    static func needed(_ message: [UInt8], _ envelope: MailEnvelope) -> [SMTPExtension] {
        var needed: [SMTPExtension] = []
        if needsSMTPUTF8(envelope) { needed.append(.smtpUTF8) }
        // All bytes together: a loop that can end early takes longer for the usual message, which has none.
        if message.reduce(0, |) >= 0x80 { needed.append(.eightBitMIME) }
        return needed
    }

    static func needsSMTPUTF8(_ envelope: MailEnvelope) -> Bool {
        envelope.sender?.needsSMTPUTF8 == true || envelope.recipients.contains(where: \.needsSMTPUTF8)
    }

    /// The server will not have it at the next attempt either.
    func missing(at server: SMTPServer) -> SMTPFailure {
        switch self {
        case .smtpUTF8:
            SMTPFailure(
                .permanent,
                "an address has letters outside ASCII before its '@', and the mail server \(server.host) does not offer "
                    + "SMTPUTF8: use another address, or another server")
        case .eightBitMIME:
            SMTPFailure(
                .permanent,
                "the message has bytes outside ASCII, and the mail server \(server.host) does not offer 8BITMIME: encode its "
                    + "parts as Quoted-Printable or Base64 and its header as RFC 2047 says, or use another server")
        }
    }
}
