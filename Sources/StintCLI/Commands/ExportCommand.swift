import ArgumentParser
import StintCore
import StintPlatform

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write jobs, settings, schedules and webhooks as JSON lines.",
        discussion: """
            `stint import` adds them to another database, of the same kind or of another one. docs/export.md describes \
            the lines. A new file belongs to its owner alone (0600), since it contains payloads and the addresses of \
            webhooks; an existing file is not overwritten.

            The database may be in use: each job is in the export once at most, as it was when it was read. For an \
            export of one moment stop what enqueues and what works. A job that was running is exported as running; an \
            import makes it ready, and the attempt counts.

            Example:
              stint export jobs.jsonl
              stint export --queue mail | gzip > mail.jsonl.gz
              stint export --db postgres://localhost/jobs - | stint import --db copy.db
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(
        help: ArgumentHelp(
            "Only this queue, its groups and its schedules; may be repeated. (default: all, and webhooks)",
            valueName: "q"), transform: QueueName.init(_:))
    var queue: [QueueName] = []
    @Flag(help: "Write the secrets of webhooks too: who can read the export can sign as they do.")
    var secrets = false
    @Argument(help: "The new file; - is standard output.")
    var file: String?

    func run() async throws {
        let store = try await database.open(onlyReads: true).store
        let export = StoreExport(
            store, queues: queue.isEmpty ? nil : queue, hasSecrets: secrets, version: Version.current)
        guard let file, file != "-" else {
            var output = Output()
            return report(try await write(export, to: &output))
        }
        let written = try await write(export, to: file)
        report(written)
        try Output.print("exported \(written.counts.jobs) jobs to \(printable(file))")
    }

    /// Writes a new file, which is removed again if that fails.
    private func write(_ export: StoreExport, to file: String) async throws -> StoreExport.Report {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StintError.invalidInput("the file \(quoted(file)) cannot be created: \(systemError())")
        }
        defer { close(descriptor) }
        do {
            var output = Output(descriptor: descriptor, name: "the file \(quoted(file))")
            let report = try await write(export, to: &output)
            guard fsync(descriptor) == 0 else {
                throw OutputFailed(description: "the file \(quoted(file)) cannot be written: \(systemError())")
            }
            return report
        } catch {
            unlink(file)
            throw error
        }
    }

    private func write(_ export: StoreExport, to output: inout Output) async throws -> StoreExport.Report {
        var progress = ProgressBar(total: nil)
        var jobs = 0
        let report = try await export.run { line in
            let text = try jsonLine(line)
            if case .job(let job) = line {
                guard text.utf8.count <= ExportLine.maximumBytes else {
                    throw StintError.invalidInput(
                        "job \(job.id) cannot be exported: its line has \(text.utf8.count) bytes, and at most "
                            + "\(ExportLine.maximumBytes) are allowed: delete it, or kick it if it is buried")
                }
                jobs += 1
                progress.update(jobs, "\(jobs) jobs")
            }
            try output.line(text)
        }
        try output.flush()
        progress.finish()
        return report
    }

    private func report(_ report: StoreExport.Report) {
        report.omissions.forEach(Output.printError)
        let running = report.counts.count(.leased)
        if running > 0 {
            Output.printError(
                "\(running) of the jobs were running: an import makes them ready, with this attempt counted, so they may run "
                    + "twice")
        }
    }
}
