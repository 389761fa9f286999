/// A command of a client, as RFC 5321 writes it.
enum SMTPCommand: Equatable {
    case hello(String, isExtended: Bool)
    case mail(MailParameters)
    case recipient(String)
    case data, reset, quit
    case nothing
    case verify(String)
    case help
    case authenticate(mechanism: String, response: String?)

    /// What `MAIL` says.
    struct MailParameters: Equatable {
        var sender: String
        /// The size that the client announces.
        var size: Int?
        var isUTF8 = false
    }

    /// - Parameter isExtended: Whether the client has sent EHLO: only then its commands have parameters.
    /// - Returns: The command, or the reply that refuses the line.
    static func read(_ line: [UInt8], isExtended: Bool) -> Result<SMTPCommand, Refusal> {
        let name = line.prefix { $0 != 0x20 && $0 != 0x09 }
        let argument = trimmed(line[name.endIndex...])
        switch String(decoding: name, as: UTF8.self).uppercased() {
        case "HELO": return hello(argument, isExtended: false)
        case "EHLO": return hello(argument, isExtended: true)
        case "MAIL": return mail(argument, isExtended)
        case "RCPT": return recipient(argument)
        case "DATA": return alone(.data, argument, "DATA")
        case "RSET": return alone(.reset, argument, "RSET")
        case "QUIT": return alone(.quit, argument, "QUIT")
        case "NOOP": return .success(.nothing)
        case "HELP": return .success(.help)
        case "VRFY":
            guard !argument.isEmpty else { return refuse(.syntax("VRFY address")) }
            return .success(.verify(String(decoding: argument, as: UTF8.self)))
        case "AUTH":
            let words = argument.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
            guard let mechanism = words.first, words.count <= 2 else {
                return refuse(.syntax("AUTH mechanism [initial-response]"))
            }
            return .success(
                .authenticate(mechanism: mechanism.uppercased(), response: words.dropFirst().first))
        case "EXPN", "TURN", "ETRN": return refuse(SMTPReply(502, "5.5.1", "This command is not implemented"))
        default: return refuse(.unknownCommand)
        }
    }

    /// Whether a line is one of HTTP: pages in a browser may send such to any port of their machine, with a mail in it.
    static func isHTTP(_ line: [UInt8]) -> Bool {
        let name = line.prefix(8).prefix { $0 != 0x20 && $0 != 0x09 }
        switch String(decoding: name, as: UTF8.self).uppercased() {
        case "GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "TRACE", "HOST:": return true
        default: return false
        }
    }

    /// Why a line is refused.
    struct Refusal: Error, Equatable {
        let reply: SMTPReply
    }

    private static func refuse(_ reply: SMTPReply) -> Result<SMTPCommand, Refusal> { .failure(Refusal(reply: reply)) }

    private static func alone(
        _ command: SMTPCommand, _ argument: ArraySlice<UInt8>, _ name: String
    ) -> Result<SMTPCommand, Refusal> {
        argument.isEmpty ? .success(command) : refuse(.syntax(name))
    }

    private static func hello(_ name: ArraySlice<UInt8>, isExtended: Bool) -> Result<SMTPCommand, Refusal> {
        guard !name.isEmpty, let text = String(validating: name, as: UTF8.self) else {
            return refuse(.syntax("\(isExtended ? "EHLO" : "HELO") host name"))
        }
        return .success(.hello(text, isExtended: isExtended))
    }

    private static func recipient(_ argument: ArraySlice<UInt8>) -> Result<SMTPCommand, Refusal> {
        guard let rest = after("TO:", argument) else { return refuse(.syntax("RCPT TO:<address>")) }
        guard let (address, parameters) = MailAddress.path(rest), !address.isEmpty else {
            return refuse(SMTPReply(501, "5.1.3", "This is no address: expected RCPT TO:<name@example.org>"))
        }
        guard trimmed(parameters).isEmpty else { return refuse(unknownParameter("RCPT")) }
        return .success(.recipient(address))
    }

    private static func mail(_ argument: ArraySlice<UInt8>, _ isExtended: Bool) -> Result<SMTPCommand, Refusal> {
        guard let rest = after("FROM:", argument) else { return refuse(.syntax("MAIL FROM:<address>")) }
        guard let (address, parameters) = MailAddress.path(rest) else {
            return refuse(SMTPReply(501, "5.1.7", "This is no address: expected MAIL FROM:<name@example.org>"))
        }
        var mail = MailParameters(sender: address)
        for word in parameters.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }) {
            guard isExtended else { return refuse(.syntax("MAIL FROM:<address>; parameters need EHLO")) }
            let text = String(decoding: word, as: UTF8.self)
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            switch (parts[0].uppercased(), parts.count > 1 ? parts[1].uppercased() : nil) {
            case ("SIZE", let value):
                guard let value, !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                    return refuse(.syntax("SIZE=bytes"))
                }
                mail.size = Int(value) ?? .max
            case ("BODY", "7BIT"), ("BODY", "8BITMIME"): continue
            case ("BODY", _): return refuse(.syntax("BODY=7BIT or BODY=8BITMIME"))
            case ("SMTPUTF8", nil): mail.isUTF8 = true
            case ("SMTPUTF8", _): return refuse(.syntax("SMTPUTF8, without a value"))
            // Who has sent the mail first; any value.
            case ("AUTH", .some): continue
            default: return refuse(unknownParameter("MAIL"))
            }
        }
        return .success(.mail(mail))
    }

    private static func unknownParameter(_ command: String) -> SMTPReply {
        SMTPReply(555, "5.5.4", "A parameter of \(command) is not known here")
    }

    /// What follows a word, in any case of letters.
    private static func after(_ word: String, _ argument: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard argument.count >= word.utf8.count else { return nil }
        let start = argument.prefix(word.utf8.count)
        guard String(decoding: start, as: UTF8.self).uppercased() == word else { return nil }
        return argument.dropFirst(word.utf8.count)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes.drop { $0 == 0x20 || $0 == 0x09 }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return bytes
    }
}
