#if Web
    import ArgumentParser
    import Foundation
    import Logging
    import ServiceLifecycle
    import StintBeanstalk
    import StintCore
    import StintMailbox
    import StintPlatform
    import StintWeb
    import StintWorker
    import UnixSignals

    struct ServeCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve",
            abstract:
                "Serve the dashboard, its HTTP API and metrics, or beanstalkd's protocol, or catch mails, until SIGTERM or SIGINT.",
            discussion: """
                Pages: overview, jobs, queues, workers, schedules, webhooks, doctor; each also with .json at the end. /metrics is for \
                Prometheus, /health and /ready for load balancers. /api/v1/openapi.json describes the HTTP API, by which \
                programs in any language enqueue jobs and work on them.

                Unless --read-only is given, it reaps and ticks as workers do, and sends the messages of webhooks.

                At an address that only this machine can reach everybody may do everything, unless --auth-file or \
                --read-only is given. At any other address one of them is needed.

                The file with the credentials has a line for each user, NAME ROLE HASH. The roles are view, operate (jobs, \
                pauses, schedules) and admin (limits, workers, webhooks). --new-token adds a line and prints the token, which is \
                kept nowhere.

                With --dry-run-command, the page of a buried job of that queue has a button that runs the command on a \
                copy of the job, as `stint retry --dry-run` does, for ten minutes at most. /bin/sh runs it, in a scratch \
                folder. Browsers choose the job and never the command.

                With --beanstalk, clients of beanstalkd put and reserve jobs: its tubes are the queues. The dashboard \
                is then served only if --web is given too. SIGUSR1 makes it accept no more jobs (drain mode). The \
                protocol has no passwords. docs/beanstalkd.md has the details.

                With --catch-mail, it is a mail server for development: it accepts every mail and delivers none. The \
                dashboard has a page for them, and the HTTP API waits for a mail in tests. docs/catching-mail.md has the \
                details.

                With --work, it also supervises workers: for each --work or --work-pipe, as many processes as --workers \
                says run the command for each job of the queue, as `stint work` does it with its defaults. So one \
                service of systemd is a whole site. For other settings run `stint work` beside it.

                --config names a JSON file with such options, by their names without --, for example {"web": \
                "127.0.0.1:8180", "work": ["mail=php worker.php"], "workers": 4}. An option may be in a variable too, \
                such as STINT_SERVE_WEB; one that may be repeated has each value in a line of its own. The command \
                line wins over variables, and these over the file.

                Example:
                  stint serve --web 127.0.0.1:8180
                  stint serve --config /etc/stint/serve.json
                  stint serve --beanstalk 127.0.0.1:11300
                  stint serve --catch-mail 127.0.0.1:1025
                  stint serve --web 127.0.0.1:8180 --beanstalk 127.0.0.1:11300 --work 'mail=php worker.php'
                  stint serve --dry-run-command 'mail=/srv/mail/send-mail'
                  stint serve --new-token anna --role operate --auth-file users
                  stint serve --web 0.0.0.0:8180 --auth-file users --host-name jobs.example.org
                """)

        @OptionGroup var database: DatabaseOptions

        @OptionGroup var creation: CreationOptions

        @Option(
            help: ArgumentHelp(
                "A file with options that are not given here. (default: STINT_SERVE_CONFIG, else none)",
                valueName: "file"))
        var config: String?

        @Option(
            help: ArgumentHelp(
                "The address of the dashboard. (default: 127.0.0.1:8180; none with --beanstalk)",
                valueName: "host:port"))
        var web: String?

        @Flag(help: "Do not serve the dashboard.")
        var noWeb = false

        @OptionGroup(title: "beanstalkd's protocol") var beanstalk: BeanstalkOptions

        @OptionGroup(title: "Catching mails") var mail: MailCatcherOptions

        @Option(
            help: ArgumentHelp(
                "The users and the hashes of their tokens; its mode must be 0600. (default: none)", valueName: "file"))
        var authFile: String?

        @Flag(inversion: .prefixedNo, help: "Nobody may change anything, whatever their role.")
        var readOnly = false

        @Option(
            help: ArgumentHelp(
                "A name by which browsers call this server; may be repeated. (default: none)", valueName: "name"))
        var hostName: [String] = []

        @Option(
            help: ArgumentHelp(
                "A proxy whose X-Forwarded-Proto and user header are believed; may be repeated. (default: none)",
                valueName: "address"))
        var trustedProxy: [String] = []

        @Option(
            help: ArgumentHelp(
                "The header in which a trusted proxy names the user. (default: none)", valueName: "header"))
        var proxyUserHeader: String?

        @Option(
            help: ArgumentHelp(
                "A header or JSON key whose values are not shown; may be repeated. (default: none)", valueName: "name"))
        var redact: [String] = []

        @Option(
            help: ArgumentHelp(
                "A command for dry runs of this queue's buried jobs; may be repeated. (default: none)",
                valueName: "queue=command"), transform: HandlerArgument.init(_:))
        var dryRunCommand: [HandlerArgument] = []

        @Option(
            help: ArgumentHelp(
                "The same for a command of the pipe protocol. (default: none)", valueName: "queue=command"),
            transform: HandlerArgument.init(_:))
        var dryRunPipe: [HandlerArgument] = []

        @Option(
            help: ArgumentHelp(
                "Run this command for each job of the queue; may be repeated. (default: none)",
                valueName: "queue=command"), transform: HandlerArgument.init(_:))
        var work: [HandlerArgument] = []

        @Option(
            help: ArgumentHelp(
                "The same for a command of the pipe protocol. (default: none)", valueName: "queue=command"),
            transform: HandlerArgument.init(_:))
        var workPipe: [HandlerArgument] = []

        @Option(help: ArgumentHelp("Worker processes for each --work and --work-pipe.", valueName: "n"))
        var workers = 1

        @Option(
            help: ArgumentHelp(
                "Add a user to --auth-file, print the token, and end. (default: none)", valueName: "name"))
        var newToken: String?

        @Option(help: "The role of the new user: view, operate or admin.")
        var role: Role = .view

        func run() async throws {
            let given = Array(CommandLine.arguments.drop { $0 != "serve" }.dropFirst())
            let configuration = try ServeConfiguration(file: config, besides: given)
            do {
                let others = configuration.arguments
                try await (others.isEmpty ? self : Self.parse(others + given)).serve()
            } catch let error as StintError where error.code == .invalidInput {
                throw StintError.invalidInput(configuration.located(error.description))
            } catch let error as ValidationError {
                throw wrongUsage(configuration.located(error.message))
            } catch {
                guard Self.exitCode(for: error) == .validationFailure else { throw error }
                throw wrongUsage(configuration.located(Self.message(for: error)))
            }
        }

        private func serve() async throws {
            if let newToken { return try addUser(newToken) }
            guard web == nil || !noWeb else { throw wrongUsage("--web and --no-web contradict each other") }
            let address = web ?? (noWeb || beanstalk.address != nil ? nil : "127.0.0.1:8180")
            guard address != nil || beanstalk.address != nil else {
                throw wrongUsage("nothing is to be served: leave out --no-web, or give --beanstalk")
            }
            guard beanstalk.address == nil || !readOnly else {
                throw wrongUsage("--read-only is for the dashboard; clients of --beanstalk change jobs")
            }
            guard work.isEmpty && workPipe.isEmpty || !readOnly else {
                throw wrongUsage("--read-only is for the dashboard; workers change jobs")
            }
            guard (1...1_000).contains(workers) else {
                throw wrongUsage("--workers is \(workers); it must be 1 to 1000")
            }
            // Each connection has a descriptor, and the usual limit of a shell is 1,024.
            ResourceLimit.raiseOpenFiles()
            guard mail.address == nil || address != nil else {
                throw wrongUsage("--catch-mail shows its mails in the dashboard: leave out --no-web, or give --web")
            }
            let mailbox = try mail.mailbox()
            let mayCreate = beanstalk.address != nil || mailbox != nil || !work.isEmpty || !workPipe.isEmpty
            let queue = mayCreate ? try await database.open(creating: creation) : try await database.open()
            var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
            let server = try beanstalk.server(of: queue)
            let dashboard = try address.map {
                try self.dashboard(of: queue, at: $0, beside: server, mailbox, &services)
            }
            if let mailbox {
                let catcher = try mail.server(of: mailbox, allowsRemote: beanstalk.allowRemote)
                services.append(.init(service: catcher, successTerminationBehavior: .gracefullyShutdownGroup))
            }
            if let server {
                services.append(.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup))
                services.append(.init(service: DrainSignal(server)))
            }
            // Who works by HTTP or by beanstalkd's protocol has no reaper of their own, and their leases run out too.
            if !readOnly {
                services.append(.init(service: Reaper(queue)))
                services.append(.init(service: WebhookSender(queue)))
            }
            let restart = RestartAfterMove(queue.store)
            services += restart.services
            // They end first: services are shut down from the last to the first.
            services += try supervisors(of: queue).map {
                .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
            }
            let group = ServiceGroup(
                configuration: .init(
                    services: services,
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "stint.serve")))
            do { try await group.run() } catch {
                await dashboard?.endDryRuns()
                throw error
            }
            await dashboard?.endDryRuns()
            try restart.execIfMoved()
        }

        /// Each worker process is `stint work`, which connects to its supervisor in this process.
        private func supervisors(of queue: JobQueue<AnyJobStore>) throws -> [Supervisor] {
            try (work.map { ($0, []) } + workPipe.map { ($0, ["--pipe"]) }).map { given, pipe in
                let command = ["/bin/sh", "-c", given.command]
                try CommandHandler.check(command)
                var options = SupervisorOptions()
                options.workers = workers
                options.arguments = ["work", "--queue", given.queue.description] + pipe + ["--"] + command
                // All users of the machine can read arguments, and an address may have a password.
                options.variables = ["STINT_DB": queue.store.address]
                return Supervisor(queue, options: options) { _ in
                    throw StintError(.processFailed, "a process of `stint serve` was started as a worker")
                }
            }
        }

        private func addUser(_ name: String) throws {
            guard let authFile else {
                throw StintError.invalidInput("--new-token needs the file for the new user: --auth-file FILE")
            }
            let (token, line) = try Credentials.newToken(for: name, role: role)
            try Credentials.add(line, of: name, to: authFile)
            try Output.print(token)
        }

        /// `127.0.0.1:8180`, `[::1]:8180`, `localhost:0`.
        static func address(_ text: String, of option: String) throws -> (host: String, port: Int) {
            guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
                throw StintError.invalidInput(
                    "\(option) is \(quoted(text)); expected an address and a port such as 127.0.0.1:8180")
            }
            var host = String(text[..<colon])
            if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
            guard !host.isEmpty else {
                throw StintError.invalidInput(
                    "\(option) is \(quoted(text)), without an address; expected 127.0.0.1:\(port), or 0.0.0.0:\(port) for all of them"
                )
            }
            return (host, Int(port))
        }
    }

    extension Role: ExpressibleByArgument {}
#endif
