import StintCore
import StintPlatform
import StintSMTP

/// `sendmail -bs`: SMTP on standard input and output.
struct SMTPDialogue {
    private let submission: MailSubmission

    init(_ submission: MailSubmission) {
        self.submission = submission
    }

    /// - Parameter open: Opens the queue, when the first mail comes.
    func run(_ open: () async throws -> JobQueue<AnyJobStore>) async throws {
        var options = SMTPSession.Options()
        options.hostName = submission.host
        options.largestMail = NewJob.maximumPayloadBytes
        var session = SMTPSession(options)
        var queue: JobQueue<AnyJobStore>?
        try Output.write(session.greeting.bytes)
        while let chunk = try Self.read() {
            session.append(chunk)
            while let step = session.next() {
                switch step {
                case .reply(let reply): try Output.write(reply.bytes)
                case .close(let reply): return try Output.write(reply?.bytes ?? [])
                case .mail(let mail): try Output.write(await put(mail, &queue, open).bytes)
                }
            }
        }
    }

    private func put(
        _ mail: ReceivedMail, _ queue: inout JobQueue<AnyJobStore>?, _ open: () async throws -> JobQueue<AnyJobStore>
    ) async -> SMTPReply {
        do {
            let job = try submission.job(
                SubmittedMail(mail.bytes), to: try submission.addresses(mail.recipients),
                from: try submission.envelopeSender(mail.sender))
            if queue == nil { queue = try await open() }
            guard let answer = try await queue?.enqueue(jobs: [job]).first else { return Self.failed("no answer") }
            return SMTPReply(250, "2.0.0", "On the queue as job \(answer.id)")
        } catch let error as StintError where error.code == .invalidInput {
            return SMTPReply(554, "5.6.0", error.description)
        } catch {
            return Self.failed("\(error)")
        }
    }

    private static func failed(_ reason: String) -> SMTPReply {
        SMTPReply(451, "4.3.0", "The mail is not on the queue: \(reason)")
    }

    /// - Returns: `nil` at the end.
    private static func read() throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes { StintPlatform.read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count > 0 { return Array(buffer[..<count]) }
            if count == 0 { return nil }
            guard errno == EINTR else {
                throw UnusableQueue("standard input cannot be read: \(systemError())")
            }
        }
    }
}
