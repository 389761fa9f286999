import ArgumentParser
import ServiceLifecycle
import StintCore
import StintPlatform
import StintWorker
import UnixSignals

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Run a job's handler once on a copy of the job, and change nothing.",
        discussion: """
            The command gets what `stint work` would give it, in a new, empty folder that is removed afterwards, with \
            STINT_DRY_RUN=1 in its environment. Nothing is claimed, no attempt counts, and nothing is written to the \
            database; meanwhile `stint` itself refuses to change one for the command. What else it does, it really \
            does: a handler that must not send its mails in a dry run looks at STINT_DRY_RUN. STINT_TOKEN is 0, so \
            that systems that compare tokens refuse it. Files are named by their whole paths, as in "$PWD/send.py".

            Prints the last 64 KiB of its standard output and of its standard error, what would have become of the \
            job, and the jobs that a pipe command has asked for. A buried job has all its attempts again, as after a \
            kick. To run it in earnest: `stint kick ID`.

            Exits with 0 if the job would be done, 1 if it would run again, 2 if it would be buried, 3 if the command \
            could not be started, and 130 after Ctrl-C, which ends the command and all that it has started.

            Example:
              stint retry --dry-run 42 -- ./send-mail
              stint retry --dry-run 42 --pipe --json -- python3 "$PWD/worker.py"
            """)

    @OptionGroup var database: DatabaseOptions
    @Flag(help: "Change nothing. It is needed: there is no other way to retry by this command.")
    var dryRun = false
    @Option(
        help: ArgumentHelp(
            "How long the command may run; then it is killed. (default: the job's own time to run, or 60s)",
            valueName: "duration"), transform: DurationArgument.init)
    var timeToRun: DurationArgument?
    @Option(
        help: ArgumentHelp(
            "The most memory for data that the command may have; allocations beyond it fail. (default: no limit)",
            valueName: "size"), transform: SizeArgument.init)
    var memoryLimit: SizeArgument?
    @Option(
        help: ArgumentHelp(
            "How the command gets the payloads of a digest, see stint work. (default: lines)",
            valueName: "lines|length-prefixed"), transform: DigestFormat.init(argument:))
    var digestFormat: DigestFormat = .lines
    @Flag(help: "The command speaks the pipe protocol, as with stint work --pipe.")
    var pipe = false
    @Flag(help: "Print one JSON document.")
    var json = false
    @Argument(help: "The job's id.")
    var id: JobID
    @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
    var command: [String] = []

    func validate() throws {
        guard dryRun else {
            throw wrongUsage("retry goes only with --dry-run; to make a buried job ready again: stint kick \(id)")
        }
        guard !command.isEmpty else { throw wrongUsage("no command was given: put it after --") }
        if let timeToRun, timeToRun.duration == .zero {
            throw wrongUsage("--time-to-run is 0; it must be above 0")
        }
    }

    func run() async throws {
        let queue = try await database.open(onlyReads: true)
        CommandHandler.adoptOrphans()
        var dryRun = try DryRun(
            command, kind: pipe ? .pipe : .command, variables: ["STINT_DB": queue.store.address],
            memoryLimit: memoryLimit?.bytes, digestFormat: digestFormat)
        dryRun.timeToRun = timeToRun?.duration
        let (report, signal) = try await Self.untilSignal { [dryRun] in try await dryRun.run(id, of: queue) }
        try Output.print(json ? try jsonLine(report) : DryRunText(report).text)
        if let signal { throw ExitCode(128 + signal) }
        switch (report.verdict, report.state) {
        case (.done, _): return
        case (.notStarted, _): throw ExitCode(3)
        case (_, .buried?): throw ExitCode(2)
        case (_, _): throw ExitCode(1)
        }
    }

    /// Cancels the task on SIGINT, SIGTERM or SIGHUP, and waits for its end all the same.
    ///
    /// - Returns: Its value, and the number of the signal, if one came.
    private static func untilSignal<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> (Value, CInt?) {
        let trapped = [(UnixSignal.sigint, SIGINT), (.sigterm, SIGTERM), (.sighup, SIGHUP)]
            .filter { !SignalDisposition.ignores($0.1) }
        let signals = await UnixSignalsSequence(trapping: trapped.map(\.0))
        let task = Task { try await body() }
        let listener = Task { () -> CInt? in
            for await signal in signals {
                task.cancel()
                return trapped.first { $0.0 == signal }?.1
            }
            return nil
        }
        let result = await task.result
        listener.cancel()
        let signal = await listener.value
        return (try result.get(), signal)
    }
}

/// A report for people.
struct DryRunText {
    let text: String

    init(_ report: DryRunReport) {
        var lines = [
            "job \(report.job) of queue \(quoted(report.queue.description)), in a dry run: nothing was changed"
        ]
        func add(_ name: String, _ output: DryRunReport.Output) {
            guard output.total > 0 else { return }
            let cut = output.isCut ? " (the last \(output.bytes.count) of \(output.total) bytes)" : ""
            var text = output.text[...]
            if text.last == "\n" { text.removeLast() }
            lines.append("\(name)\(cut):")
            lines += text.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + printable(String($0)) }
        }
        add("standard output", report.standardOutput)
        add("standard error", report.standardError)
        for job in report.followUps {
            let kind = job.options.headers[Headers.jobName].map { "\(oneLine($0, limit: 60)), " } ?? ""
            lines.append(
                "it would enqueue: \(kind)\(job.payload.count) bytes for queue \(quoted(job.queue.description))")
        }
        if let how = report.diagnostics?.howItEnded { lines.append("the handler ended: \(how)") }
        lines.append(
            "\(printable(report.sentence)) (after \(Format.duration(milliseconds: report.runTime.milliseconds)))")
        if let hint = report.hint { lines.append(printable(hint)) }
        text = lines.joined(separator: "\n")
    }
}
