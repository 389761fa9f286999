import ArgumentParser
import StintCore
import StintPlatform
import StintSMTP

/// What programs call as /usr/sbin/sendmail: the mail becomes a job.
struct SendmailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sendmail",
        abstract: "Put a mail on the queue, as /usr/sbin/sendmail does.",
        discussion: """
            Reads a mail from standard input, adds From, Date and Message-ID if it has none, removes Bcc, and puts it \
            on the queue as one job, which is on disk when the command returns. The payload is the mail with CR LF at \
            the ends of its lines; the header mail-from is the sender of the envelope, and mail-to has its \
            recipients, with commas between them. If all are of one domain, that is the job's group.

            Only an address in --db or STINT_DB creates a database; ./stint.db must exist. \
            A recipient without a domain gets the name of this machine. With -bs, the mails come by SMTP on standard \
            input. A link to this program with the name sendmail is this command. Options of sendmail that are about \
            its own queue and its delivery are accepted, and change nothing.

            Exit codes: 0 the mail is on the queue, 64 wrong usage, 65 the mail has no recipient, a wrong one, or is \
            larger than 16 MiB, 69 anything else: the mail is not on the queue. docs/sendmail.md has the details.

            Example:
              stint sendmail --queue mail anna@example.org < mail.eml
              php -d sendmail_path='stint sendmail --db /srv/jobs.db -t -i' newsletter.php
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Option(
        help: ArgumentHelp("The queue. (default: STINT_SENDMAIL_QUEUE, else mail)", valueName: "q"),
        transform: QueueName.init(_:))
    var queue: QueueName?
    @Flag(name: .customShort("t"), help: "Also send to the recipients that To, Cc and Bcc name.")
    var readsRecipients = false
    @Flag(name: .customShort("i"), help: "A line that is only a dot does not end the mail; also as -oi.")
    var ignoresDots = false
    @Option(
        name: [.customShort("f", allowingJoined: true), .customShort("r", allowingJoined: true)],
        help: ArgumentHelp(
            "The sender of the envelope; <> is none. (default: this user at this machine)", valueName: "address"))
    var sender: String?
    @Option(
        name: .customShort("F", allowingJoined: true),
        help: ArgumentHelp("The sender's name, if the mail has no From. (default: none)", valueName: "name"))
    var senderName: String?
    @Option(
        name: .customShort("b", allowingJoined: true),
        help: ArgumentHelp("m: a mail on standard input; s: SMTP on standard input. (default: m)", valueName: "mode"))
    var mode = "m"
    @Option(
        name: .customShort("o", allowingJoined: true),
        help: ArgumentHelp(
            "An option of sendmail: -oi; all others change nothing. (default: none)", valueName: "option"))
    var shortOptions: [String] = []
    @Option(
        name: [
            .customShort("O", allowingJoined: true), .customShort("B", allowingJoined: true),
            .customShort("N", allowingJoined: true), .customShort("R", allowingJoined: true),
            .customShort("V", allowingJoined: true), .customShort("L", allowingJoined: true),
            .customShort("X", allowingJoined: true), .customShort("q", allowingJoined: true),
        ], help: ArgumentHelp("An option of sendmail that changes nothing here. (default: none)", valueName: "value"))
    var ignoredOptions: [String] = []
    @Flag(
        name: [
            .customShort("v"), .customShort("n"), .customShort("U"), .customShort("G"), .customShort("m"),
            .customShort("s"),
        ], help: "A flag of sendmail that changes nothing here.")
    var ignoredFlag = false
    @Argument(help: "The recipients' addresses.")
    var recipients: [String] = []

    func run() async throws {
        do {
            switch mode {
            case "m": try await submit()
            case "s": try await SMTPDialogue(try submission()).run { try await open() }
            // Aliases are made by nothing here.
            case "i": return
            default:
                throw wrongUsage(
                    "-b\(mode) is not known here: expected -bm or -bs (`stint list --queue mail` shows what waits)")
            }
        } catch let error where !Self.isAnsweredElsewhere(error) {
            Output.printError("the mail is not on the queue: \(error)")
            // EX_UNAVAILABLE, and not EX_TEMPFAIL: PHP takes that for "accepted, and delivered later" if it sees it.
            throw ExitCode(69)
        }
    }

    /// Whether an error has another exit code than 69.
    private static func isAnsweredElsewhere(_ error: any Error) -> Bool {
        if let error = error as? StintError { return error.code == .invalidInput }
        // Wrong usage, and the output of -bs, which has nothing to do with the queue.
        return error is ValidationError || error is ExitCode || error is BrokenPipe || error is OutputFailed
            || error is StoppedAtOnce
    }

    /// Only an address that was given creates a database: each folder in which a program sends a mail would get one else,
    /// which nobody looks into.
    private func open() async throws -> JobQueue<AnyJobStore> {
        do {
            guard database.given == nil, getenv("STINT_DB").map({ $0.pointee == 0 }) ?? true else {
                return try await database.open(creating: creation)
            }
            guard access("stint.db", F_OK) == 0 else {
                throw UnusableQueue("there is no stint.db in this folder: set STINT_DB, or give --db")
            }
            return try await database.open()
        } catch let error as StintError where error.code == .invalidInput {
            throw UnusableQueue(error.description)
        }
    }

    private func submission() throws -> MailSubmission {
        let host = MailSubmission.hostName
        return MailSubmission(
            queue: try queue ?? MailSubmission.defaultQueue(), host: host,
            sender: try sender.map { try MailSubmission.sender($0, at: host) }, senderName: senderName ?? "")
    }

    private func submit() async throws {
        let submission = try submission()
        let ends = ignoresDots || shortOptions.contains("i")
        let mail = SubmittedMail(try MailInput.read(untilDot: !ends))
        // Each argument may have several, with commas between them.
        let addresses = try submission.addresses(
            recipients.flatMap { AddressList.addresses(in: $0.utf8) } + (readsRecipients ? mail.recipients : []))
        guard !addresses.isEmpty else {
            throw StintError.invalidInput(
                !readsRecipients
                    ? "the mail has no recipient: name one, or take those of its headers with -t"
                    : "the mail has no recipient: To, Cc and Bcc name none")
        }
        let job = try submission.job(mail, to: addresses)
        _ = try await open().enqueue(jobs: [job])
    }
}
