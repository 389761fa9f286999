import StintPlatform
import Synchronization

/// What was said in one use of a connection: libcurl speaks, and this listens, so that it is known what each answer of
/// the server was for.
///
/// Used by one thread at a time, except for ``isCancelled``.
final class SMTPDialogue {
    enum Step: Hashable {
        case connecting, greeting, hello, startTLS, authentication, mail
        case recipient(Int)
        case data, end, other

        /// Whether the server has not been told of a message yet.
        var isBeforeMail: Bool {
            switch self {
            case .connecting, .greeting, .hello, .startTLS, .authentication: true
            case .mail, .recipient, .data, .end, .other: false
            }
        }
    }

    private let message: [UInt8]
    private var sentBytes = 0
    let cancellation: SMTPCancellation
    private(set) var step = Step.connecting
    /// The last answer for each step.
    private(set) var replies: [Step: SMTPReply] = [:]
    /// What the server has said that it can, in its last answer to EHLO; `nil`: nothing was asked.
    private(set) var capabilities: Set<String>?
    private var lines: [[UInt8]] = []
    private var unended: [UInt8] = []
    /// What was said to authenticate, in case the server repeats it.
    private var secrets: [String]
    private var recipients = 0
    private var isOver = false

    init(_ message: [UInt8], cancellation: SMTPCancellation, secrets: [String]) {
        self.message = message
        self.cancellation = cancellation
        self.secrets = secrets
    }

    /// Whether all of the message was given to libcurl, so that the server may have it.
    var isMessageSent: Bool { sentBytes == message.count && !message.isEmpty }

    /// Gives the next bytes of the message.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, message.count - sentBytes)
        message.withUnsafeBytes { bytes in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[sentBytes..<sentBytes + count]))
        }
        sentBytes += count
        return count
    }

    func sent(_ bytes: UnsafeRawBufferPointer) {
        let line = String(decoding: bytes.prefix { $0 != 0x0D && $0 != 0x0A }, as: UTF8.self)
        let verb = line.prefix { $0 != " " }.uppercased()
        switch verb {
        case "EHLO", "HELO": step = .hello
        case "STARTTLS": step = .startTLS
        case "AUTH":
            step = .authentication
            secrets += line.split(separator: " ").dropFirst(2).map(String.init)
        case "MAIL": step = .mail
        case "RCPT":
            step = .recipient(recipients)
            recipients += 1
        case "DATA": step = .data
        // What is said at the end of a connection is for no message.
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
        for byte in bytes {
            guard byte == 0x0A else {
                if unended.count < 2_048 { unended.append(byte) }
                continue
            }
            if unended.last == 0x0D { unended.removeLast() }
            if lines.count < 100 { lines.append(unended) }
            let isLast = unended.count < 4 || unended[3] != UInt8(ascii: "-")
            unended = []
            if isLast { answered() }
        }
    }

    private func answered() {
        defer { lines = [] }
        if isOver { return }
        if step == .connecting { step = .greeting }
        if step == .data, isMessageSent { step = .end }
        if step == .hello {
            capabilities = Set(
                lines.dropFirst().map { line in
                    String(decoding: line.dropFirst(4).prefix { $0 != 0x20 }, as: UTF8.self).uppercased()
                })
        }
        // 354 and 334 are no ends of a step, but nothing is read of them.
        guard let reply = SMTPReply(lines: lines, hiding: secrets) else { return }
        replies[step] = reply
    }
}

/// Set when the task that sends a message was cancelled.
final class SMTPCancellation: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }
    func set() { flag.store(true, ordering: .releasing) }
}
