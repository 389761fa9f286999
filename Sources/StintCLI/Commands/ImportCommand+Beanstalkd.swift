#if Web
    import ArgumentParser
    import Foundation
    import StintBeanstalk
    import StintCore

    extension ImportCommand {
        /// Moves the jobs of a running beanstalkd.
        func moveJobs(of source: String) async throws {
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
