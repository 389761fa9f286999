import StintPlatform

/// What was said until a connection was ready for mail: libcurl speaks, and this listens, so that it is known what each
/// answer of the server was for.
///
/// Used by one thread at a time.
final class SMTPHandshake {
    enum Step: Hashable { case connecting, greeting, hello, startTLS, authentication, other }

    let cancellation: SMTPCancellation
    private(set) var step = Step.connecting
    /// The last answer for each step.
    private var replies: [Step: SMTPReply] = [:]
    /// What the server has said that it can, in its last answer to EHLO.
    private(set) var capabilities: Set<String> = []
    /// The password, and what was said to authenticate, in case the server repeats it.
    private(set) var secrets: [String]
    private var reader = SMTPReplyReader()
    private var isOver = false

    init(secrets: [String], cancellation: SMTPCancellation) {
        self.secrets = secrets
        self.cancellation = cancellation
    }

    func sent(_ bytes: UnsafeRawBufferPointer) {
        let line = String(decoding: bytes.prefix { $0 != 0x0D && $0 != 0x0A }, as: UTF8.self)
        switch line.prefix(while: { $0 != " " }).uppercased() {
        case "EHLO", "HELO": step = .hello
        case "STARTTLS": step = .startTLS
        case "AUTH":
            step = .authentication
            secrets += line.split(separator: " ").dropFirst(2).map(String.init)
        // What is said at the end of a connection is for no step.
        case "QUIT": isOver = true
        default:
            guard step == .authentication else {
                step = .other
                return
            }
            secrets.append(line)
        }
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        reader.append(bytes)
        while let lines = reader.next() { answered(lines) }
    }

    private func answered(_ lines: [[UInt8]]) {
        if isOver { return }
        if step == .connecting { step = .greeting }
        if step == .hello {
            capabilities = Set(
                lines.dropFirst().map { line in
                    String(decoding: line.dropFirst(4).prefix { $0 != 0x20 }, as: UTF8.self).uppercased()
                })
        }
        // 334 is no end of a step, but nothing is read of it.
        guard let reply = SMTPReply(lines: lines, hiding: secrets) else { return }
        replies[step] = reply
    }

    /// Why the server cannot be used, if the connection has failed with these words of libcurl.
    func failure(_ text: String, _ server: SMTPServer) -> SMTPFailure {
        let reply = replies[step].flatMap { $0.code >= 400 ? $0 : nil }
        return SMTPFailure(
            .unreachable, "the mail server \(server) cannot be used: \(reply.map { "\($0)" } ?? text)", reply: reply)
    }
}
