/// What a server knows of one SMTP connection. A value without a socket: it takes bytes, and says what to answer.
///
///     session.append(bytes)
///     while let step = session.next() { … }
package struct SMTPSession: Sendable {
    package struct Options: Sendable {
        /// The name by which the server calls itself.
        package var hostName = "localhost"
        /// The most bytes of a mail.
        package var largestMail = 32 * 1_024 * 1_024
        package var mostRecipients = 1_000
        /// Whether addresses such as `fail-450@…` are answered as they ask for; see ``SimulatedFailure``.
        package var simulatesFailures = false
        /// Whether AUTH is offered. Any user and password is accepted, and neither is kept.
        package var acceptsAuthentication = false

        package init() {}
    }

    /// What comes next of a connection.
    package enum Step: Equatable {
        case reply(SMTPReply)
        /// A mail was received. What becomes of it is to be replied.
        case mail(ReceivedMail)
        /// Send the reply, if there is one, and close the connection.
        case close(SMTPReply?)
    }

    private enum State {
        case commands
        case data(DataReader)
        case credentials(Credentials)
    }

    /// What a client sends for AUTH.
    private enum Credentials {
        case plain, loginUser, loginPassword
    }

    /// The most lines without a known form that a client may send before a mail.
    private static let mostRefused = 20

    private let options: Options
    private var input = CommandLines()
    private var state = State.commands
    /// The name that the client gave itself; `nil`: it has sent neither HELO nor EHLO.
    private var clientName: String?
    private var isExtended = false
    private var isAuthenticated = false
    private var mail: SMTPCommand.MailParameters?
    private var recipients: [String] = []
    /// What a recipient asks for after the mail.
    private var failureAtEnd: SMTPReply?
    /// Lines that were refused since the last mail.
    private var refused = 0
    private var hasEnded = false

    package init(_ options: Options = Options()) {
        self.options = options
    }

    /// What the server says first.
    package var greeting: SMTPReply { SMTPReply(220, nil, "\(options.hostName) ESMTP Stint") }

    package mutating func append(_ bytes: some Sequence<UInt8>) { input.append(bytes) }

    /// How many bytes were received and not read.
    package var unread: Int { input.count }

    /// Whether a mail is being received.
    package var isReceiving: Bool { if case .data = state { true } else { false } }

    /// How many bytes of the mail that is being received are kept.
    package var keptBytes: Int { if case .data(let reader) = state { reader.bytes.count } else { 0 } }

    /// Keeps nothing of the mail that is being received, and gives this reply at its end.
    package mutating func refuseMail(_ reply: SMTPReply) {
        guard case .data(var reader) = state else { return }
        state = .commands
        reader.refuse(reply)
        state = .data(reader)
    }

    /// - Returns: `nil` if more bytes are needed.
    package mutating func next() -> Step? {
        guard !hasEnded else { return nil }
        if isReceiving { return nextOfMail() }
        guard let line = input.next() else { return nil }
        switch line {
        case .tooLong: return refuse(.lineTooLong)
        case .hasBareEnd: return refuse(.bareLineFeed)
        case .line(let bytes):
            if case .credentials(let credentials) = state { return authenticate(credentials, bytes) }
            if SMTPCommand.isHTTP(bytes) { return close(.notHTTP) }
            switch SMTPCommand.read(bytes, isExtended: isExtended) {
            case .failure(let refusal): return refuse(refusal.reply)
            case .success(let command): return perform(command)
            }
        }
    }

    /// Many such lines come from what is no client of a mail server.
    private mutating func refuse(_ reply: SMTPReply) -> Step {
        refused += 1
        return refused < Self.mostRefused ? .reply(reply) : close(.tooManyRefused)
    }

    // MARK: - Commands

    private mutating func perform(_ command: SMTPCommand) -> Step {
        switch command {
        case .hello(let name, let isExtended): return hello(name, isExtended)
        case .mail(let mail): return .reply(begin(mail))
        case .recipient(let address): return add(address)
        case .data: return .reply(beginData())
        case .reset:
            reset()
            return .reply(.ok)
        case .nothing: return .reply(.ok)
        case .verify:
            return .reply(SMTPReply(252, "2.5.0", "Every address is accepted; none is checked"))
        case .help:
            return .reply(
                SMTPReply(214, "2.0.0", "EHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY HELP AUTH"))
        case .quit:
            hasEnded = true
            return .close(.closing)
        case .authenticate(let mechanism, let response): return beginAuthentication(mechanism, response)
        }
    }

    private mutating func reset() {
        (mail, recipients, failureAtEnd) = (nil, [], nil)
    }

    private mutating func hello(_ name: String, _ isExtended: Bool) -> Step {
        reset()
        clientName = String(name.prefix(255))
        self.isExtended = isExtended
        guard isExtended else { return .reply(SMTPReply(250, nil, options.hostName)) }
        var lines = [
            options.hostName, "SIZE \(options.largestMail)", "8BITMIME", "SMTPUTF8", "PIPELINING",
            "ENHANCEDSTATUSCODES",
        ]
        if options.acceptsAuthentication { lines.append("AUTH PLAIN LOGIN") }
        return .reply(SMTPReply(250, nil, lines: lines + ["HELP"]))
    }

    private mutating func begin(_ new: SMTPCommand.MailParameters) -> SMTPReply {
        guard clientName != nil else { return .helloFirst }
        guard mail == nil else { return .mailHasBegun }
        guard new.isUTF8 || MailAddress.isASCII(new.sender) else { return .needsUTF8 }
        guard (new.size ?? 0) <= options.largestMail else { return .tooLarge(options.largestMail) }
        mail = new
        return SMTPReply(250, "2.1.0", "Sender accepted")
    }

    private mutating func add(_ address: String) -> Step {
        guard clientName != nil else { return .reply(.helloFirst) }
        guard let mail else { return .reply(.mailFirst) }
        guard mail.isUTF8 || MailAddress.isASCII(address) else { return .reply(.needsUTF8) }
        if options.simulatesFailures, let failure = SimulatedFailure(address) {
            switch failure {
            case .drop: return close(nil)
            // This code says that the server closes the connection.
            case .atRecipient(let reply): return reply.code == 421 ? close(reply) : .reply(reply)
            case .atEnd(let reply): failureAtEnd = failureAtEnd ?? reply
            }
        }
        guard recipients.count < options.mostRecipients else { return .reply(.tooManyRecipients) }
        recipients.append(address)
        return .reply(SMTPReply(250, "2.1.5", "Recipient accepted"))
    }

    private mutating func close(_ reply: SMTPReply?) -> Step {
        hasEnded = true
        return .close(reply)
    }

    // MARK: - Mails

    private mutating func beginData() -> SMTPReply {
        guard clientName != nil else { return .helloFirst }
        guard mail != nil else { return .mailFirst }
        guard !recipients.isEmpty else { return .recipientFirst }
        state = .data(DataReader(limit: options.largestMail))
        return .startMail
    }

    private mutating func nextOfMail() -> Step? {
        guard case .data(var reader) = state else { return nil }
        // So that its bytes have one owner, and are not copied.
        state = .commands
        let isAtEnd = input.read { reader.read($0) }
        guard isAtEnd else {
            state = .data(reader)
            return nil
        }
        let received = ReceivedMail(
            sender: mail?.sender ?? "", recipients: recipients, bytes: reader.bytes, clientName: clientName ?? "",
            hasBareLineEnds: reader.hasBareLineEnds)
        let failure = failureAtEnd
        reset()
        if let refusal = reader.refusal { return .reply(refusal) }
        if let failure { return failure.code == 421 ? close(failure) : .reply(failure) }
        refused = 0
        return .mail(received)
    }

    // MARK: - AUTH

    private static let authenticated = SMTPReply(235, "2.7.0", "Accepted; nobody is refused")
    private static let wrongBase64 = SMTPReply(501, "5.5.2", "This is not Base64")

    private mutating func beginAuthentication(_ mechanism: String, _ response: String?) -> Step {
        guard options.acceptsAuthentication else {
            return .reply(SMTPReply(502, "5.5.1", "AUTH is not offered here"))
        }
        guard clientName != nil, isExtended else { return .reply(.helloFirst) }
        guard !isAuthenticated, mail == nil else {
            return .reply(SMTPReply(503, "5.5.1", "AUTH is for once, before MAIL"))
        }
        switch mechanism {
        case "PLAIN": state = .credentials(.plain)
        case "LOGIN": state = .credentials(.loginUser)
        default: return .reply(SMTPReply(504, "5.5.4", "Only PLAIN and LOGIN are known here"))
        }
        guard let response else {
            return .reply(SMTPReply(334, nil, mechanism == "PLAIN" ? "" : "VXNlcm5hbWU6"))
        }
        guard case .credentials(let credentials) = state else { return .reply(.unknownCommand) }
        return authenticate(credentials, response == "=" ? [] : Array(response.utf8))
    }

    /// Checks the form of what a client sends, and forgets it.
    private mutating func authenticate(_ credentials: Credentials, _ line: [UInt8]) -> Step {
        state = .commands
        if line == [UInt8(ascii: "*")] { return .reply(SMTPReply(501, "5.7.0", "AUTH is cancelled")) }
        guard let decoded = Base64.decode(line) else { return .reply(Self.wrongBase64) }
        switch credentials {
        case .loginUser:
            state = .credentials(.loginPassword)
            return .reply(SMTPReply(334, nil, "UGFzc3dvcmQ6"))
        case .plain:
            guard decoded.count(where: { $0 == 0 }) == 2 else {
                return .reply(SMTPReply(501, "5.5.2", "Expected three parts with NUL between them"))
            }
        case .loginPassword: break
        }
        isAuthenticated = true
        return .reply(Self.authenticated)
    }
}
