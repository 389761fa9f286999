import ArgumentParser
import StintCore

struct PutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Add a job, or one for each line of standard input.",
        discussion: """
            Prints the job's id, or with --lines the number of jobs. When it returns, the jobs are on disk. With \
            --lines each line becomes a job unchanged, including blank lines and a carriage return at the end. The \
            command reports such lines; --trim removes both.

            Example:
              stint put --queue mail --delay 5m 'Hello'
              stint put --queue images --file cat.jpg
              stint put --queue push --expires 10m 'Your table is ready'
              stint put --queue newsletter --lines < members.jsonl
              stint put --queue digests --unique member-42 --on-conflict collect --debounce 10m --at-most 2h 'Zoë likes it'
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
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
    @Option(help: ArgumentHelp("Read the payload from this file. (default: none)", valueName: "f"))
    var file: String?
    @Flag(help: "Add one job for each line of standard input.")
    var lines = false
    @Flag(
        help:
            "With --lines: skip blank lines, and remove white space and carriage returns at the ends of the others."
    )
    var trim = false
    @Argument(help: "The payload; - reads standard input.")
    var payload: String?

    func validate() throws {
        let sources = [payload != nil, file != nil, lines].filter { $0 }.count
        guard sources == 1 else {
            throw wrongUsage(
                sources == 0
                    ? "no payload was given: give PAYLOAD, -, --file or --lines"
                    : "more than one payload was given: choose one of PAYLOAD, -, --file and --lines")
        }
        guard lines || !trim else { throw wrongUsage("--trim goes with --lines only") }
        guard !lines || unique == nil || onConflict == .collect else {
            throw wrongUsage("--unique does not go with --lines: all lines would have the same key")
        }
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

    func run() async throws {
        let options = try jobOptions()
        if lines { return try await putLines(options) }
        let job = try NewJob(try readPayload(), in: queue, options: options)
        let answer = try await database.open(creating: creation).enqueue(jobs: [job])[0]
        try report("\(answer.id)", Self.fact(answer))
        if answer.isDuplicate {
            Output.printError(
                "nothing was added: job \(answer.id) has the key \(quoted(unique ?? "")) and is not done yet")
        }
    }

    private static func fact(_ answer: Enqueued) -> String {
        switch answer.outcome {
        case .added, .duplicate: "job \(answer.id) was put"
        case .replaced: "job \(answer.id) has the new payload"
        case .collected: "the payload was added to job \(answer.id)"
        }
    }

    private func jobOptions() throws -> JobOptions {
        var options = JobOptions(
            priority: priority, delay: delay.duration, maxAttempts: maxAttempts, maxCrashes: maxCrashes,
            uniqueKey: unique, onConflict: onConflict, debounce: debounce?.duration, atMost: atMost?.duration,
            expires: expires?.duration)
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

    private func readPayload() throws -> [UInt8] {
        if let file {
            var input = try Input(file: file)
            return try input.readAll()
        }
        guard let payload, payload != "-" else {
            var input = Input.standardInput()
            return try input.readAll()
        }
        return Array(payload.utf8)
    }

    /// Puts the lines in transactions of up to 1,000 jobs or 4 MiB, so that other processes do not wait long and memory
    /// stays small.
    private func putLines(_ options: JobOptions) async throws {
        let queueStore = try await database.open(creating: creation)
        var input = Input.standardInput()
        var progress = ProgressBar(total: input.size)
        var lines = LineCounts(trims: trim)
        var (count, batch, bytes, putLines) = (0, [NewJob](), 0, 0)
        do {
            while let line = try input.readLine(number: lines.all + 1) {
                guard let payload = lines.payload(of: line) else { continue }
                batch.append(try NewJob(payload, in: queue, options: options))
                bytes += payload.count
                guard batch.count >= 1_000 || bytes >= 4_194_304 else { continue }
                try await queueStore.enqueue(jobs: batch)
                (count, putLines) = (count + batch.count, lines.all)
                (batch, bytes) = ([], 0)
                progress.update(input.bytesRead, "\(count) jobs")
            }
            try await queueStore.enqueue(jobs: batch)
            count += batch.count
        } catch let error as StintError {
            throw StintError(error.code, "\(error) (the first \(putLines) lines were put, the rest was not)")
        }
        progress.finish()
        try report("\(count)", "\(count) jobs were put")
        lines.remark.map(Output.printError)
    }

    /// Prints the result. If that fails, the error says that the jobs were put, so that they are not put again.
    private func report(_ text: String, _ fact: String) throws {
        do {
            try Output.print(text)
        } catch let failure as OutputFailed {
            throw OutputFailed(description: "\(failure); \(fact) nevertheless: do not put again")
        }
    }
}
