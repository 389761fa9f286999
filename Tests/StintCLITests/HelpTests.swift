import Foundation
import Subprocess
import Testing

private let commands = [
    "put", "work", "reap", "stats", "list", "show", "workers", "top", "kick", "run", "retry", "bury", "cancel",
    "delete", "move", "prioritize", "operations", "pause", "resume", "retain", "queue", "group", "schedule", "webhook",
    "sendmail", "backup", "restore", "export", "import", "doctor", "deliver", "serve",
]

/// Those of commands that have commands of their own.
private let innerCommands =
    ["set", "list", "show", "pause", "resume", "run", "delete"].map { "schedule \($0)" }
    + ["set", "list", "show", "test", "delete"].map { "webhook \($0)" }
    + ["queue set", "queue show", "group set", "group list"]
    + ["list", "begin", "show", "pause", "resume", "cancel", "restore"].map { "operations \($0)" }
    + ["restart", "quiet", "stop"].map { "workers \($0)" }

@Suite("The command line explains itself", .inOwnFolder, .timeLimit(.minutes(15)))
struct HelpTests {
    let place = Workplace.ofThisTest

    private static func help(_ command: String?) -> Arguments {
        .init((command?.split(separator: " ").map(String.init) ?? []) + ["--help"])
    }

    @Test("every command has a help text with an example of itself", arguments: commands + innerCommands)
    func example(command: String) async throws {
        let help = try await place.run(Workplace.stint, Self.help(command)).output
        let parts = help.split(separator: "Example", maxSplits: 1)
        try #require(parts.count == 2)
        #expect(parts[1].contains("stint \(command)"))
        #expect(help.contains("USAGE: stint \(command)"))
    }

    @Test(
        "no line of a help text is broken before it is full",
        arguments: [nil] + (commands + innerCommands).map(Optional.init))
    func lines(command: String?) async throws {
        let width = 80
        let help = try await place.run(
            Workplace.stint, Self.help(command), environment: ["COLUMNS": "\(width)"]
        ).output
        let text = help.prefix(upTo: try #require(help.range(of: "\nUSAGE:")).lowerBound)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.count <= width })
        for (line, next) in zip(lines, lines.dropFirst()) where !line.isEmpty && !line.hasPrefix(" ") {
            // Of an example the lines begin with a space, and of an empty line there is no word.
            guard let word = next.split(separator: " ").first, !next.hasPrefix(" ") else { continue }
            #expect(line.count + 1 + word.count >= width, "\(line)\n\(next)")
        }
    }

    @Test(
        "every option that takes a value shows its default, within the width of the terminal",
        arguments: commands.filter { !["schedule", "webhook", "queue", "group", "operations"].contains($0) }
            + innerCommands,
        [60, 100])
    func defaults(command: String, width: Int) async throws {
        let help = try await place.run(
            Workplace.stint, Self.help(command), environment: ["COLUMNS": "\(width)"]
        ).output
        let options = try #require(help.components(separatedBy: "\nOPTIONS:\n").dropFirst().first)
        #expect(options.split(separator: "\n").allSatisfy { $0.count <= width })
        // Each begins with two spaces, and its further lines with more.
        var entries: [String] = []
        for line in options.components(separatedBy: "\n\n")[0].split(separator: "\n") {
            let isFirst = line.hasPrefix("  -")
            if isFirst { entries.append(String(line)) } else { entries[entries.count - 1] += " " + line }
        }
        for entry in entries where entry.prefix(40).contains("<") { #expect(entry.contains("default: "), "\(entry)") }
        #expect(entries.contains { $0.contains("default: ") })
    }

    @Test("the defaults of work are those that its workers have")
    func workDefaults() async throws {
        let help = try await place.stint("work", "--help").split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for (option, text) in [
            ("--lease", "(default: 30s)"), ("--grace", "(default: 30s)"), ("--retry-delay", "(default: 1s)"),
            ("--queue", "(default: default)"), ("--workers", "(default: 1)"), ("--max-held", "(default: 64M)"),
        ] {
            let entry = try #require(help.components(separatedBy: " \(option) <").last)
            let end = try #require(entry.range(of: "(default:"))
            #expect(entry[end.lowerBound...].hasPrefix(text), "\(option)")
        }
    }

    @Test("the help of reap says whom it leaves alone, who is blamed and who is not")
    func reap() async throws {
        let help = try await place.stint("reap", "--help").replacing("\n", with: " ")
        for sentence in [
            "Jobs of workers whose processes are gone, and of leases that have ended, become ready again",
            "Jobs whose time is over (stint put --expires) expire, also in paused queues",
            "Done, cancelled and expired jobs past their queue's retention are deleted",
            "prints the counts",
            "A worker whose supervisor lives is left to it",
            "A job that was running alone in a process that died is blamed: the attempt and a crash count, and past its "
                + "limits it is buried.",
            "If several jobs were running, none is blamed; each runs again alone",
            "A job is not blamed if it was claimed and not started, or if its worker was stopped by order, ended "
                + "together with its supervisor, or belongs to an earlier boot of the machine.",
            "* * * * *  stint reap --db ",
        ] { #expect(help.contains(sentence), "\(sentence)") }
    }

    @Test("the help of stint names every command, with an example and the exit codes")
    func overview() async throws {
        let help = try await place.stint("--help")
        #expect(try await place.stint() == help)
        #expect(help.contains("Example:"))
        #expect(help.replacing("\n", with: " ").contains("64 wrong usage, 65 bad data, 69 the database cannot be used"))
        let listed = try #require(help.split(separator: "SUBCOMMANDS:\n").last).split(separator: "\n")
            .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(listed.filter { $0 != "See" } == commands)
    }

    @Test("--version prints one line")
    func version() async throws {
        let text = try await place.stint("--version")
        #expect(text.hasPrefix("stint "))
        #expect(text.count(where: \.isNewline) == 1)
    }
}

@Suite("Wrong usage exits with 64, says so in one sentence and touches nothing", .inOwnFolder, .timeLimit(.minutes(15)))
struct UsageTests {
    let place = Workplace.ofThisTest

    private static let wrong: [(arguments: [String], says: String)] = [
        (["polish"], "there is no command 'polish'; see 'stint --help'"),
        (["stat"], "there is no command 'stat'; did you mean 'stats'? See 'stint --help'"),
        (["wrok", "--queue", "q"], "there is no command 'wrok'; did you mean 'work'?"),
        (["put", "a", "--quue", "q"], "Did you mean '--queue'? See 'stint put --help'"),
        (["put", "-5"], "'-5' was taken for an option: put it at the end, after --"),
        (["delete", "-5"], "'-5' was taken for an option"),
        (["list", "--limit", "-5"], "'-5' was taken for an option: write --limit=-5 if it is the value"),
        (["list", "--limit=-5"], "--limit is -5; it must be at least 1"),
        (["put", "a", "--delay", "30m1h"], "from large to small, such as 1h30m"),
        (["put", "a", "--delay", "1h1h"], "from large to small, such as 1h30m"),
        (["put", "a", "--delay", "1h30"], "from large to small, such as 1h30m"),
        (["put", "a", "--delay", "h"], "such as 500ms or 5m"),
        (["put", "a", "--delay", "36600d1ms"], "longer than 100 years"),
        (["put", "a", "--trim"], "--trim goes with --lines only"),
        (["work", "--fail-if-buried", "--", "true"], "--fail-if-buried goes with --drain"),
        (["delete", "--queue", "q"], "--queue q alone would mean all of its jobs: add --all, or --state"),
        (["bury", "--queue", "q", "--yes"], "--queue q alone would mean all of its jobs"),
        (["delete", "--state", "ready"], "give ids, or --queue with a condition or --all"),
        (["delete", "1", "--all"], "ids do not go with"),
        (["delete", "--queue", "q", "--all", "--error", "x"], "--all does not go with"),
        (["bury", "--queue", "q", "--state", "done"], "it can only be ready, delayed, leased"),
        (["kick", "--queue", "q", "--state", "ready"], "it can only be buried"),
        (["run"], "<ids>"),
        (["run", "1", "x"], "'x' is invalid"),
        (["delete", "1", "2", "0"], "'0' is invalid"),
        (["put"], "no payload was given"),
        (["put", "a", "--lines"], "more than one payload"),
        (["put", "a", "--file", "b"], "more than one payload"),
        (["put", "a", "b"], "Unexpected argument 'b'"),
        (["put", "a", "--polish"], "Unknown option '--polish'"),
        (["put", "a", "--priority", "-1"], "--priority"),
        (["put", "a", "--priority", "4294967296"], "4294967296"),
        (["put", "a", "--delay", "5"], "such as 500ms or 5m"),
        (["put", "a", "--delay", "5w"], "such as 500ms or 5m"),
        (["put", "a", "--delay", "-5s"], "--delay"),
        (["put", "a", "--delay", "9223372036854775807d"], "longer than 100 years"),
        (["put", "a", "--queue", "two words"], "white space"),
        (["put", "a", "--queue", "two\nlines"], "white space"),
        (["put", "a", "--queue", ""], "empty"),
        (["put", "a", "--queue", String(repeating: "q", count: 201)], "at most 200"),
        (["put", "a", "--header", "name"], "has no '='"),
        (["put", "--lines", "--unique", "k"], "--unique does not go with --lines"),
        (["put", "--lines", "--unique", "k", "--on-conflict", "replace"], "--unique does not go with --lines"),
        (["put", "a", "--unique", "k", "--on-conflict", "add"], "it must be keep, replace or collect"),
        (["put", "a", "--on-conflict", "collect"], "--on-conflict collect needs --unique"),
        (["put", "a", "--on-conflict", "replace"], "--on-conflict replace needs --unique"),
        (["put", "a", "--unique", "k", "--debounce", "1s"], "--debounce goes with --on-conflict collect only"),
        (
            ["put", "a", "--unique", "k", "--on-conflict", "replace", "--max-events", "5"],
            "--max-events goes with --on-conflict collect only"
        ),
        (
            ["put", "a", "--unique", "k", "--on-conflict", "collect", "--at-most", "1s"],
            "--at-most goes with --debounce only"
        ),
        (
            ["put", "a", "--unique", "k", "--on-conflict", "collect", "--debounce", "1s", "--delay", "1s"],
            "--delay and --debounce do not go together"
        ),
        (["work", "--digest-format", "csv", "--", "true"], "it must be lines or length-prefixed"),
        (["show", "1", "--digest-format", "lines"], "--digest-format goes with --payload only"),
        (["work"], "no command was given"),
        (["work", "--workers", "0", "--", "true"], "--workers is 0"),
        (["work", "--batch", "0", "--", "true"], "--batch is 0"),
        (["work", "--batch", "1001", "--", "true"], "--batch is 1001"),
        (["work", "--lease", "99ms", "--", "true"], "--lease is 99ms"),
        (["work", "--timeout", "0s", "--", "true"], "--timeout is 0"),
        (["list", "--limit", "0"], "--limit is 0"),
        (["list", "--state", "lost"], "Use one of ready, delayed, leased, buried, done, cancelled, expired"),
        (["show"], "<id>"),
        (["show", "one"], "'one' is invalid"),
        (["show", "0"], "'0' is invalid"),
        (["show", "1", "--json", "--payload"], "choose one"),
        (["top", "--interval", "99ms"], "--interval is 99ms"),
        (["top", "--interval", "1"], "such as 500ms or 5m"),
        (["kick", "1", "--queue", "q"], "ids do not go with"),
        (["kick", "--limit", "0"], "--limit is 0"),
        (["bury"], "no job was named: give ids, or --queue"),
        (["delete"], "no job was named: give ids, or --queue"),
        (["pause"], "<queue>"),
        (["resume"], "<queue>"),
        (["retain", "q"], "<duration>"),
        (["retain", "q", "soon"], "such as 500ms or 5m"),
        (["backup"], "<file>"),
        (["restore"], "<backup>"),
        (["restore", "b", "--to", "a", "--db", "a"], "give one of them"),
        (["schedule", "set", "s", "x"], "the schedule has no times: give --cron or --every"),
        (["schedule", "set", "s", "x", "--cron", "@daily", "--every", "1h"], "--cron does not go with --every"),
        (["schedule", "set", "s", "x", "--every", "1h", "--timezone", "UTC"], "--timezone goes with --cron only"),
        (["schedule", "set", "s", "x", "--every", "soon"], "such as 500ms or 5m"),
        (["schedule", "set", "s", "--every", "1h"], "no payload was given"),
        (["schedule", "set", "s", "x", "--every", "1h", "--file", "f"], "more than one payload"),
        (["schedule", "set", "s", "x", "--every", "1h", "--missed", "some"], "'some' is invalid"),
        (["schedule", "show"], "<name>"),
        (["webhook", "set", "w", "https://example.com"], "the webhook has no events: give --on"),
        (["webhook", "set", "w", "https://example.com", "--on", "disk", "--template", "xml"], "use json or slack"),
        (
            ["webhook", "set", "w", "https://example.com", "--on", "disk", "--new-secret", "--secret-file", "f"],
            "--secret-file does not go with --new-secret"
        ),
        (["webhook", "set", "w"], "<url>"),
        (["queue", "set", "q"], "nothing was given to change"),
        (["queue", "set", "--rate", "1/1s"], "<name>"),
        (["queue", "show"], "<name>"),
        (["group", "set", "q", "g"], "--weight"),
        (["group", "set", "q", "--weight", "1"], "<group>"),
        (["group", "list"], "<queue>"),
        (["group", "list", "q", "--limit", "0"], "--limit is 0"),
        (["schedule", "show", "s", "--json", "--payload"], "choose one"),
        (["put", "x", "--mode", "0060"], "octal digits"),
        (["put", "x", "--mode", "755"], "octal digits"),
        (["put", "x", "--mode", "rw"], "octal digits"),
    ]

    @Test("wrong usage", arguments: wrong.indices)
    func wrongUsage(index: Int) async throws {
        let (arguments, says) = Self.wrong[index]
        let outcome = try await place.run(Workplace.stint, .init(arguments))
        let refusal = try #require(Refusal(outcome), "\(arguments): \(outcome)")
        #expect(refusal.code == 64)
        #expect(refusal.sentence.contains(says), "\(arguments)")
        #expect(try place.snapshot().isEmpty)
    }

    @Test("bad data in an option exits with 65 and touches nothing")
    func badData() async throws {
        let wrong: [(option: String, value: String, says: String)] = [
            ("--max-attempts", "0", "maxAttempts is 0"), ("--max-crashes", "0", "maxCrashes is 0"),
            ("--max-attempts", "2147483648", "between 1 and 2147483647"), ("--unique", "", "1 to 1024"),
            ("--unique", String(repeating: "k", count: 1_025), "1 to 1024"),
            ("--header", "naïve=x", "ASCII letters, digits and '-'"),
            ("--header", "=x", "ASCII letters, digits and '-'"),
            ("--header", "a=\u{1B}[2J", "control character"),
            ("--header", "a=" + String(repeating: "x", count: 65_536), "at most 65536"),
        ]
        for (option, value, says) in wrong {
            let refusal = try await place.refusal("put", "payload", option, value)
            #expect(refusal.code == 65, "\(option) \(value.prefix(20))")
            #expect(refusal.sentence.contains(says))
        }
        for (options, says) in [
            (["--debounce", "0s"], "must be above 0"),
            (["--debounce", "2s", "--at-most", "1s"], "atMost is 1.0 seconds"),
            (["--max-events", "0"], "maxEvents is 0"), (["--max-events", "100001"], "maxEvents is 100001"),
            (["--max-event-bytes", "17M"], "maxEventBytes is 17825792"),
        ] {
            let outcome = try await place.attempt(["put", "x", "--unique", "k", "--on-conflict", "collect"] + options)
            let refusal = try #require(Refusal(outcome), "\(options): \(outcome)")
            #expect(refusal.code == 65 && refusal.sentence.contains(says), "\(options): \(refusal.sentence)")
        }
        #expect(try place.snapshot().isEmpty)
    }

    @Test("a program that does not exist is refused before a job is claimed")
    func noProgram() async throws {
        try await place.stint("put", "a")
        let refusal = try await place.refusal("work", "--drain", "--", "no-such-program")
        #expect(refusal.code == 65)
        #expect(refusal.sentence.contains("there is no program 'no-such-program'"))
        #expect(try await place.counts() == QueueDocument(name: "default", ready: 1))
    }

    @Test("an argument that is not UTF-8 is refused, wherever it stands, and nothing is made of it")
    func badUTF8() async throws {
        let bad: [UInt8] = [0x61, 0xFF, 0xFE, 0x62]
        for before in [
            ["put"], ["put", "a", "--queue"], ["put", "a", "--db"], ["work", "--", "echo"], ["pause"], [],
        ] {
            // Each ends with a NUL, as execve wants it.
            let arguments = (before.map { Array($0.utf8) } + [bad]).map { $0 + [0] }
            let outcome = try await place.run(Workplace.stint, .init(arguments))
            let refusal = try #require(Refusal(outcome), "\(before): \(outcome)")
            #expect(refusal.code == 65)
            #expect(refusal.sentence.contains("argument \(before.count + 1) is not valid UTF-8"))
        }
        #expect(try place.snapshot().isEmpty)
    }

    @Test("a STINT_DB that is not UTF-8 is refused and not repaired to another name")
    func badUTF8InVariable() async throws {
        let outcome = try await place.shell(#"STINT_DB=$(printf 'a\377') exec "$stint" put x"#)
        let refusal = try #require(Refusal(outcome), "\(outcome)")
        #expect(refusal.code == 65)
        #expect(refusal.sentence.contains("STINT_DB is not valid UTF-8"))
        #expect(try place.snapshot().isEmpty)
    }
}
