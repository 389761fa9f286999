#if Web
    import ArgumentParser
    import Foundation
    import StintBeanstalk
    import StintCore

    struct ImportCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Move the jobs of a running beanstalkd into queues with the names of their tubes.",
            discussion: """
                Ready, delayed and buried jobs come with their priority, delay, time to run and bytes. Jobs that clients \
                hold stay there. Each job is deleted there after it is on disk here, and can run here only after that. If \
                the import is killed, start it again: no job is lost or moved twice. Where it cannot be \
                known whether the killed import or a client has deleted a job there, the job is moved and named.

                It moves what is there now. Start it again for what came later, and at the end after the last producer \
                has changed over.

                Example:
                  stint import beanstalkd://127.0.0.1:11300
                  stint import beanstalkd://10.0.0.7:11300 --tube mail --tube push
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var creation: CreationOptions
        @Option(help: ArgumentHelp("Only this tube; may be repeated. (default: all)", valueName: "name"))
        var tube: [String] = []
        @Argument(help: "The server: beanstalkd://HOST:PORT.")
        var source: String

        func run() async throws {
            let (host, port) = try Self.address(source)
            let queue = try await database.open(creating: creation)
            let moving = BeanstalkImport(from: host, port: port, tubes: tube.isEmpty ? nil : tube, into: queue)
            var progress = ProgressBar(total: nil)
            let report = try await moving.run {
                progress.update($0, "\($0) jobs")
            } inFlight: { jobs in
                let ids = jobs.map { "\($0.job) (there \($0.id))" }.joined(separator: ", ")
                Output.printError(
                    "an import was killed while it deleted jobs in that beanstalkd; those that a client there has done "
                        + "instead may run twice: \(ids)")
            }
            progress.finish()
            try Output.print(Self.table(report))
            for job in report.refused {
                Output.printError("job \(job.id) of tube \(quoted(job.tube)) stays there: \(job.reason)")
            }
            if !report.refused.isEmpty { throw ExitCode.failure }
        }

        private static func table(_ report: BeanstalkImport<AnyJobStore>.Report) -> String {
            var lines = report.tubes.filter { $0.all + $0.reserved > 0 }.map { tube in
                var line =
                    "\(printable(tube.name)): \(tube.ready) ready, \(tube.delayed) delayed, \(tube.buried) buried"
                if tube.reserved > 0 { line += "; \(tube.reserved) stay there, since clients hold them" }
                return line
            }
            if report.recovered > 0 {
                lines.append("\(report.recovered) that an import before this one had left half done")
            }
            return (lines + ["moved \(report.tubes.reduce(report.recovered) { $0 + $1.all })"]).joined(separator: "\n")
        }

        static func address(_ text: String) throws -> (host: String, port: Int) {
            let wrong = StintError.invalidInput(
                "\(quoted(text)) is no address of a beanstalkd: use beanstalkd://HOST:PORT, such as "
                    + "beanstalkd://127.0.0.1:11300")
            guard let url = URLComponents(string: text), url.scheme == "beanstalkd", let host = url.host, !host.isEmpty,
                url.path.isEmpty || url.path == "/", url.query == nil, url.user == nil
            else { throw wrong }
            let port = url.port ?? 11_300
            guard (1...65_535).contains(port) else { throw wrong }
            return (host.trimmingCharacters(in: ["[", "]"]), port)
        }
    }
#endif
