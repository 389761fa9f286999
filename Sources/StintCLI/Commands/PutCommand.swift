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
              stint put --queue webhooks --group customer-7 'https://example.org'
              stint put --queue digests --unique member-42 --on-conflict collect --debounce 10m --at-most 2h 'Zoë likes it'
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @OptionGroup var job: JobArguments
    @Option(help: ArgumentHelp("Read the payload from this file. (default: none)", valueName: "f"))
    var file: String?
    @Option(
        help: ArgumentHelp(
            "What the payload is, such as application/json. (default: text/plain or application/octet-stream, by its bytes)",
            valueName: "type"))
    var contentType: String?
    @Option(
        help: ArgumentHelp(
            "Add nothing if the queue had this key within a day: for repeating a put that may have worked. (default: none)",
            valueName: "key"))
    var idempotencyKey: String?
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
        guard !lines || job.unique == nil || job.onConflict == .collect else {
            throw wrongUsage("--unique does not go with --lines: all lines would have the same key")
        }
        guard !lines || idempotencyKey == nil else {
            throw wrongUsage("--idempotency-key does not go with --lines: all lines would have the same key")
        }
    }

    func run() async throws {
        var options = try job.options()
        options.idempotencyKey = idempotencyKey
        if lines { return try await putLines(options) }
        let new = try NewJob(
            try Input.payload(payload, file: file), in: job.queue, contentType: contentType, options: options)
        let answer = try await database.open(creating: creation).enqueue(jobs: [new])[0]
        try report("\(answer.id)", Self.fact(answer))
        if answer.isDuplicate {
            let fact =
                switch (job.unique, idempotencyKey) {
                case (let key?, nil): "has the key \(quoted(key)) and is not done yet"
                case (nil, let key): "was put with the key \(quoted(key ?? "")) before"
                case (let key?, let once?): "has the key \(quoted(key)), or was put with the key \(quoted(once)) before"
                }
            Output.printError("nothing was added: job \(answer.id) \(fact)")
        }
    }

    private static func fact(_ answer: Enqueued) -> String {
        switch answer.outcome {
        case .added, .duplicate: "job \(answer.id) was put"
        case .replaced: "job \(answer.id) has the new payload"
        case .collected: "the payload was added to job \(answer.id)"
        }
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
                batch.append(try NewJob(payload, in: job.queue, contentType: contentType, options: options))
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
