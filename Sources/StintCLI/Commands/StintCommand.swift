import ArgumentParser
import StintCore
import StintPlatform
import StintWorker

@main
struct StintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stint",
        abstract: "A durable job queue in one SQLite file.",
        discussion: """
            The database is --db ADDRESS, otherwise STINT_DB, otherwise ./stint.db. An address is a path, or sqlite:path. \
            Durations look like 500ms, 30s, 5m, \
            2h, 1d or 1h30m.

            Example:
              stint put --queue mail 'Hello'
              stint work --queue mail --workers 4 -- ./send-mail

            Exit codes: 0 done, 64 wrong usage, 65 bad data, 69 the database cannot be used (nothing was changed), 74 \
            the disk failed and it is not known whether the change is durable (check before you try again), 1 \
            anything else.
            """,
        version: "stint \(Version.current)",
        subcommands: subcommands)

    private static var subcommands: [any ParsableCommand.Type] {
        var commands: [any ParsableCommand.Type] = [
            PutCommand.self, WorkCommand.self, ReapCommand.self, StatsCommand.self, ListCommand.self, ShowCommand.self,
            WorkersCommand.self, TopCommand.self, KickCommand.self, RunCommand.self, RetryCommand.self,
            BuryCommand.self,
            CancelCommand.self, DeleteCommand.self, MoveCommand.self, PrioritizeCommand.self, OperationsCommand.self,
            PauseCommand.self, ResumeCommand.self, RetainCommand.self, QueueCommand.self, GroupCommand.self,
            ScheduleCommand.self, WebhookCommand.self, SendmailCommand.self,
            BackupCommand.self, RestoreCommand.self, ExportCommand.self, ImportCommand.self, DoctorCommand.self,
        ]
        #if Mail
            commands.append(DeliverCommand.self)
        #endif
        #if Web
            commands.append(ServeCommand.self)
        #endif
        return commands
    }

    /// Parses and runs the command, and reports an error in one sentence.
    static func main() async {
        // A write to a pipe without a reader must fail with EPIPE and not end a worker.
        signal(SIGPIPE, SIG_IGN)
        StandardDescriptors.openAll()
        ProcessMemory.returnLargeBlocks()
        LogStream.bootstrap()
        do {
            try checkArguments()
            #if Web
                if let command = try BeanstalkdCommand(CommandLine.arguments) { return try await command.run() }
            #endif
            var arguments = Array(CommandLine.arguments.dropFirst())
            // A link by which this program takes the place of /usr/sbin/sendmail.
            if CommandLine.arguments.first?.split(separator: "/").last == "sendmail" {
                arguments.insert("sendmail", at: 0)
            }
            try checkCommand(arguments)
            var command = try parseAsRoot(joinedIDs(arguments))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            fail(error)
        }
    }

    /// Swift repairs arguments that are not UTF-8; a repaired payload would not be the caller's.
    private static func checkArguments() throws {
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let argument = CommandLine.unsafeArgv[index] else { continue }
            guard String(validatingCString: argument) != nil else {
                throw StintError.invalidInput(
                    "argument \(index) is not valid UTF-8; pass such bytes on standard input: `stint put -`")
            }
        }
    }

    /// Rejects unknown commands. The parser would report an unknown option for most of them.
    private static func checkCommand(_ arguments: [String]) throws {
        guard let first = arguments.first, first.utf8.first != UInt8(ascii: "-"), first != "help" else { return }
        let known = configuration.subcommands.compactMap { $0.configuration.commandName }
        guard !known.contains(first) else { return }
        let near = nearest(to: first, among: known).map { "; did you mean '\($0)'?" } ?? ""
        throw wrongUsage("there is no command \(quoted(first))\(near)")
    }

    /// A hint for negative numbers, which look like options to the parser.
    private static func dashHint() -> String {
        let arguments = Array(CommandLine.arguments.dropFirst().prefix { $0 != "--" })
        let place = arguments.firstIndex {
            $0.utf8.first == UInt8(ascii: "-") && $0.utf8.dropFirst().first.map { (0x30...0x39).contains($0) } == true
        }
        guard let place, place > 0 else { return "" }
        let (number, before) = (arguments[place], arguments[place - 1])
        let way =
            before.utf8.starts(with: "--".utf8)
            ? "write \(before)=\(number) if it is the value" : "put it at the end, after --"
        return "; \(quoted(number)) was taken for an option: \(way)"
    }

    private static func fail(_ error: any Error) -> Never {
        if error is BrokenPipe { StintPlatform.exit(0) }
        if error is StoppedAtOnce { StintPlatform.exit(130) }
        if let error = error as? StintError {
            Output.printError(error.description + hint(for: error))
            StintPlatform.exit(exitCode(of: error))
        }
        let code = exitCode(for: error)
        if code == .success || error is ExitCode { exit(withError: error) }
        // ArgumentParser adds the usage in further lines; one sentence and a reference to the help are enough.
        let help = fullMessage(for: error).split(separator: "\n").first { $0.contains("See 'stint") }
        let text =
            asSentence(oneLine(message(for: error), limit: 1_500)) + (code == .validationFailure ? dashHint() : "")
        let hint = help.map { $0.replacing("  See", with: text.hasSuffix("?") ? " See" : "; see") } ?? ""
        Output.printError(text + hint)
        StintPlatform.exit(code.rawValue)
    }

    /// ArgumentParser lists more than five possible values in lines of their own.
    private static func asSentence(_ message: String) -> String {
        let heading = "Please provide one of the following:   - "
        guard let range = message.firstRange(of: heading) else { return message }
        let values = message[range.upperBound...].replacing("   - ", with: ", ")
        return "\(message[..<range.lowerBound])Use one of \(values)"
    }

    /// What to do, in terms of this program's commands and options.
    private static func hint(for error: StintError) -> String {
        if error.code == .outcomeUnknown { return "; check with `stint show` or `stint list` before you try again" }
        return switch error.advice {
        case .createDatabase?: " (`stint put` creates it; --db or STINT_DB names another one)"
        case .nameAnotherDatabase?: " (with --db or STINT_DB)"
        case nil: ""
        }
    }

    private static func exitCode(of error: StintError) -> Int32 {
        switch error.code {
        case .invalidInput, .notFound: 65
        case .databaseUnusable, .databaseBusy, .storageFailed: 69
        // EX_IOERR
        case .outcomeUnknown: 74
        default: 1
        }
    }
}

/// Exit code 64: the options contradict each other.
func wrongUsage(_ text: String) -> any Error { ValidationError(text) }
