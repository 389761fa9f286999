import ArgumentParser
import StintCore

/// How to queue a job: for `put`, and for the jobs of a schedule.
struct JobArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The queue. (default: default)", valueName: "q"), transform: QueueName.init(_:))
    var queue: QueueName = .default
    @Option(help: ArgumentHelp("0 to 4294967295; jobs with a smaller number run first.", valueName: "n"))
    var priority: UInt32 = 1_024
    @Option(
        help: ArgumentHelp("How long to wait before the job is ready. (default: 0s)", valueName: "duration"),
        transform: DurationArgument.init)
    var delay = DurationArgument.seconds(0)
    @Option(
        help: ArgumentHelp(
            "A job that has not started by then, nor been started again, is not started any more. (default: never)",
            valueName: "duration"),
        transform: DurationArgument.init)
    var expires: DurationArgument?
    @Option(
        help: ArgumentHelp(
            "Whose job it is: a queue shares its workers fairly between groups, and can limit each. (default: none)",
            valueName: "name"))
    var group: String?
    @Option(help: ArgumentHelp("After how many failed or crashed attempts the job is buried.", valueName: "n"))
    var maxAttempts = 10
    @Option(help: ArgumentHelp("After how many deaths of its process the job is buried.", valueName: "n"))
    var maxCrashes = 3
    @Option(
        help: ArgumentHelp(
            "Add nothing while a job of the queue with this key is not done; see --on-conflict. (default: none)",
            valueName: "key"))
    var unique: String?
    @Option(
        help: ArgumentHelp(
            "With --unique, if a job has the key: keep it; replace its payload, options and delay; or collect the payload "
                + "in it, for a handler that gets all together. (default: keep)",
            valueName: "keep|replace|collect"), transform: Self.conflictPolicy)
    var onConflict = ConflictPolicy.keep
    @Option(
        help: ArgumentHelp(
            "With collect: start this long after the last payload. (default: at once)", valueName: "duration"),
        transform: DurationArgument.init)
    var debounce: DurationArgument?
    @Option(
        help: ArgumentHelp(
            "With --debounce: start no later than this after the first payload. (default: no limit)",
            valueName: "duration"), transform: DurationArgument.init)
    var atMost: DurationArgument?
    @Option(
        help: ArgumentHelp("With collect: the most payloads of one job. (default: 1000)", valueName: "n"))
    var maxEvents: Int?
    @Option(
        help: ArgumentHelp("With collect: the most bytes of payloads of one job. (default: 16M)", valueName: "size"),
        transform: SizeArgument.init)
    var maxEventBytes: SizeArgument?
    @Option(
        name: .customLong("header"),
        help: ArgumentHelp("A header for the handler; may be repeated. (default: none)", valueName: "k=v"))
    var headers: [String] = []

    func validate() throws {
        let collects = onConflict == .collect
        if onConflict != .keep, unique == nil {
            throw wrongUsage(
                "--on-conflict \(onConflict.rawValue) needs --unique, by which jobs that belong together are known")
        }
        let collecting = [
            ("--debounce", debounce != nil), ("--max-events", maxEvents != nil),
            ("--max-event-bytes", maxEventBytes != nil),
        ]
        if !collects, let option = collecting.first(where: \.1)?.0 {
            throw wrongUsage("\(option) goes with --on-conflict collect only")
        }
        if atMost != nil, debounce == nil { throw wrongUsage("--at-most goes with --debounce only") }
        if debounce != nil, delay.duration > .zero {
            throw wrongUsage("--delay and --debounce do not go together: choose one")
        }
    }

    private static func conflictPolicy(_ text: String) throws -> ConflictPolicy {
        guard let policy = ConflictPolicy(rawValue: text) else {
            throw StintError.invalidInput("it must be keep, replace or collect")
        }
        return policy
    }

    func options() throws -> JobOptions {
        var options = JobOptions(
            priority: priority, delay: delay.duration, maxAttempts: maxAttempts, maxCrashes: maxCrashes,
            uniqueKey: unique, group: group, expires: expires?.duration, onConflict: onConflict,
            debounce: debounce?.duration, atMost: atMost?.duration)
        if let maxEvents { options.maxEvents = maxEvents }
        if let maxEventBytes { options.maxEventBytes = Int(clamping: maxEventBytes.bytes) }
        for header in headers {
            // Searches code points: with a combining accent after it, `=` would be part of another character.
            guard let equals = header.unicodeScalars.firstIndex(of: "=") else {
                throw wrongUsage("the header \(quoted(header)) has no '=': write --header name=value")
            }
            try options.headers.set(
                String(header[..<equals]), to: String(header[header.unicodeScalars.index(after: equals)...]))
        }
        return options
    }
}
