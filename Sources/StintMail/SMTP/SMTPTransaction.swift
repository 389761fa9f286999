/// What is said for one message, from MAIL to the answer after the final dot (RFC 5321, 3.3). Pure: it says what to send
/// next, and learns the answers.
///
/// If the server offers PIPELINING (RFC 2920), MAIL, RCPT and DATA are sent together. Otherwise each waits for the answer to
/// the one before.
struct SMTPTransaction {
    enum Step: Hashable {
        case mail
        case recipient(Int)
        case data
        /// The message, if a recipient was accepted.
        case message
        /// The final dot alone: no recipient was accepted, and the server waits for a message all the same.
        case emptyMessage
    }

    /// What to do next.
    enum Action: Equatable {
        /// Send these commands.
        case send([UInt8])
        /// Send the message, and say so with ``contentWasSent()``.
        case sendContent
        /// Wait for the server's next answer, and give it to ``answered(_:)``.
        case wait
        case done
    }

    /// The most bytes of commands that are sent at once. The server's answers to them must fit into the buffers of the sockets
    /// while they are not read.
    static let largestGroup = 8_192

    /// All commands, one after the other, and where each of them ends.
    private var commands: [UInt8] = []
    private var ends: [Int] = []
    private let recipientCount: Int
    private let isPipelining: Bool
    private var sentSteps = 0
    private var answeredSteps = 0
    private var accepted = 0
    /// What the server waits for since its answer to DATA: the message, or the dot alone.
    private var isContentAwaited = false
    private var isOver = false
    private(set) var replies: [Step: SMTPReply] = [:]
    /// Whether the server may have the message.
    private(set) var isContentSent = false
    /// An answer whose code does not fit its command. The connection is not used again.
    private(set) var unexpected: SMTPReply?

    /// - Parameters:
    ///   - size: Of the message, in bytes.
    ///   - capabilities: What the server says that it can.
    init(_ envelope: MailEnvelope, size: Int, capabilities: Set<String>) {
        recipientCount = envelope.recipients.count
        commands.reserveCapacity(80 * (recipientCount + 2))
        commands += "MAIL FROM:<".utf8
        if let sender = envelope.sender { Self.add(sender, to: &commands) }
        commands.append(UInt8(ascii: ">"))
        if capabilities.contains("SIZE") { commands += " SIZE=\(size)".utf8 }
        if capabilities.contains("SMTPUTF8"), SMTPExtension.needsSMTPUTF8(envelope) { commands += " SMTPUTF8".utf8 }
        commands += "\r\n".utf8
        ends.append(commands.count)
        for recipient in envelope.recipients {
            commands += "RCPT TO:<".utf8
            Self.add(recipient, to: &commands)
            commands += ">\r\n".utf8
            ends.append(commands.count)
        }
        commands += "DATA\r\n".utf8
        ends.append(commands.count)
        isPipelining = capabilities.contains("PIPELINING")
    }

    private static func add(_ address: MailAddress, to bytes: inout [UInt8]) {
        bytes += address.localPart.utf8
        bytes.append(UInt8(ascii: "@"))
        bytes += address.domain.utf8
    }

    private func step(_ index: Int) -> Step {
        switch index {
        case 0: .mail
        case ...recipientCount: .recipient(index - 1)
        case recipientCount + 1: .data
        default: accepted > 0 ? .message : .emptyMessage
        }
    }

    /// Whether the server has answered all of it, waits for no message and goes on with this connection.
    var isComplete: Bool {
        isOver && answeredSteps == sentSteps && !isContentAwaited && unexpected == nil && replies[.message]?.code != 421
    }

    mutating func next() -> Action {
        if isOver { return .done }
        if answeredSteps < sentSteps { return .wait }
        guard isContentAwaited else { return .send(group()) }
        guard accepted == 0 else { return isContentSent ? .wait : .sendContent }
        sentSteps += 1
        return .send(Array(".\r\n".utf8))
    }

    private mutating func group() -> [UInt8] {
        let start = sentSteps == 0 ? 0 : ends[sentSteps - 1]
        sentSteps += 1
        while isPipelining, sentSteps < ends.count, ends[sentSteps] - start <= Self.largestGroup { sentSteps += 1 }
        return Array(commands[start..<ends[sentSteps - 1]])
    }

    mutating func contentWasSent() {
        isContentSent = true
        sentSteps += 1
    }

    mutating func answered(_ reply: SMTPReply) {
        let step = step(answeredSteps)
        replies[step] = reply
        answeredSteps += 1
        switch step {
        case .mail:
            expect(reply, 200..<300)
            // The server takes nothing now, and ends the connection.
            if reply.code == 421 { isOver = true }
        case .recipient:
            expect(reply, 200..<300)
            if (200..<300).contains(reply.code) { accepted += 1 }
        case .data:
            expect(reply, 354..<355)
            isContentAwaited = reply.code == 354
            if !isContentAwaited { isOver = true }
        case .message, .emptyMessage:
            if step == .message { expect(reply, 200..<300) }
            isContentAwaited = false
            isOver = true
        }
        if answeredSteps == sentSteps { endIfRefused() }
    }

    /// There is nothing to say for a sender who was refused, and no DATA without a recipient.
    private mutating func endIfRefused() {
        let isSenderRefused = replies[.mail].map { $0.code >= 400 } ?? false
        if isSenderRefused || answeredSteps == recipientCount + 1 && accepted == 0 { isOver = true }
    }

    /// A refusal is an answer to any command.
    private mutating func expect(_ reply: SMTPReply, _ codes: Range<Int>) {
        guard reply.code < 400, !codes.contains(reply.code) else { return }
        unexpected = reply
        isOver = true
    }
}
