import ArgumentParser
import Foundation
import StintCore

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Add what an export has, or move the jobs of a beanstalkd.",
        discussion: """
            Jobs keep their ids, states, times, attempts and histories. A job that was running is ready, and the \
            attempt counts. A job that is here already stays as it is, so an import that was broken off is simply \
            repeated; if another job has the id of one of these, the import ends there. Let no worker run here until \
            the import has ended: a job that was done meanwhile would be added again by a second import.

            Settings of queues, weights of groups, schedules and webhooks replace those of the same names. A webhook \
            whose secret is not in the export gets a new one.

            beanstalkd://HOST:PORT moves the jobs of a running beanstalkd into queues with the names of their tubes. \
            Ready, delayed and buried jobs come with their priority, delay, time to run and bytes. Jobs that clients \
            hold stay there. Each job is deleted there after it is on disk here, and can run here only after that. If \
            the import is killed, start it again: no job is lost or moved twice. Where it cannot be known whether the \
            killed import or a client has deleted a job there, the job is moved and named. It moves what is there now. \
            Start it again for what came later, and at the end after the last producer has changed over.

            Example:
              stint import jobs.jsonl
              stint import --check jobs.jsonl
              stint import beanstalkd://127.0.0.1:11300
              stint import beanstalkd://10.0.0.7:11300 --tube mail --tube push
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Flag(help: "Read and check an export, and change nothing.")
    var check = false
    @Option(
        help: ArgumentHelp("Of beanstalkd: only this tube; may be repeated. (default: all)", valueName: "name"))
    var tube: [String] = []
    @Argument(help: "The file, - for standard input, or beanstalkd://HOST:PORT. (default: -)")
    var source: String?

    private var isBeanstalkd: Bool { source?.contains("://") ?? false }

    func validate() throws {
        guard isBeanstalkd || tube.isEmpty else { throw wrongUsage("--tube goes with beanstalkd://HOST:PORT only") }
        guard !isBeanstalkd || !check else { throw wrongUsage("--check is for a file, and not for a beanstalkd") }
    }

    func run() async throws {
        if let source, isBeanstalkd {
            #if Web
                return try await moveJobs(of: source)
            #else
                throw StintError.invalidInput(
                    "\(quoted(source)) cannot be imported: this stint was built without its servers and beanstalkd's "
                        + "protocol; use one that was built with them")
            #endif
        }
        if check { return try await checkExport() }
        var begun: StoreImport?
        let counts: ExportCounts
        do {
            counts = try await read { line in
                // Nothing is created for what is no export.
                if begun == nil { begun = StoreImport(into: try await database.open(creating: creation).store) }
                try await begun!.take(line)
            } atEnd: {
                try await begun?.flush()
            }
        } catch let error as StintError {
            guard let begun else { throw error }
            throw StintError(error.code, "\(error) (\(Self.text(begun.jobs)) so far)", advice: error.advice)
        }
        guard let importing = begun else { return }
        try Output.print(Self.text(importing.jobs))
        let running = counts.count(.leased)
        if running > 0 {
            Output.printError("\(running) of the jobs were running when they were exported; they count as ready here")
        }
        for name in importing.webhooksWithNewSecret {
            Output.printError(
                "the export has no secret of the webhook \(quoted(name)): it got a new one, which its receiver does not know; "
                    + "set the old one with stint webhook set --secret-file")
        }
    }

    private static func text(_ jobs: ImportedJobs) -> String {
        "imported \(jobs.added) jobs" + (jobs.present > 0 ? ", \(jobs.present) were here already" : "")
    }

    private func checkExport() async throws {
        let counts = try await read()
        try Output.print("complete: \(counts.jobs) jobs in \(counts.queues.count) queues")
    }

    /// Reads the whole export.
    ///
    /// - Parameter atEnd: Called at the end of the input, also if it was cut off.
    private func read(
        _ take: (ExportLine) async throws -> Void = { _ in }, atEnd: () async throws -> Void = {}
    ) async throws -> ExportCounts {
        var input = try source.flatMap { $0 == "-" ? nil : $0 }.map { try Input(file: $0) } ?? .standardInput()
        var progress = ProgressBar(total: input.size)
        var reader = ExportReader()
        while let line = try input.readLine(
            number: reader.lines + 1, limit: ExportLine.maximumBytes,
            tooLong: "has more than \(ExportLine.maximumBytes) bytes, the most that a line of an export can have")
        {
            try await take(try reader.read(line))
            progress.update(input.bytesRead, "\(reader.counts.jobs) jobs")
        }
        try await atEnd()
        try reader.finish()
        progress.finish()
        return reader.counts
    }
}
