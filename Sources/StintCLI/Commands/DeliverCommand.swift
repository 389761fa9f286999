#if Mail
    import ArgumentParser
    import Foundation
    import Logging
    import ServiceLifecycle
    import StintCore
    import StintMail
    import StintWorker

    struct DeliverCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "deliver",
            abstract: "Deliver the mails of queues by SMTP.",
            discussion: """
                For mails that stint sendmail, applications and other programs have enqueued. A mail that the server refuses \
                for now (4xx) is tried again, one that it refuses for ever (5xx) is buried with the server's words, and a \
                server that cannot be used holds the queue back, without using up attempts. It runs until SIGTERM; mails that \
                are being sent may end. Several of them share the queues. Limits of queues and groups hold: the group of a \
                mail is the domain of its recipients. See docs/mail.md.

                Everybody on this machine can read arguments: give the password in a file, or the whole address in STINT_SMTP.

                Example:
                  stint deliver --server smtps://shop@mail.example.org --password-file /etc/shop/smtp
                  stint deliver --server smtp://127.0.0.1:1025 --drain
                """)

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var creation: CreationOptions
        @Option(
            help: ArgumentHelp(
                "The mail server: smtps://user@host, or smtp://host:587. (default: STINT_SMTP)", valueName: "address"))
        var server: String?
        @Option(
            help: ArgumentHelp("A file with the password on its first line. (default: none)", valueName: "file"))
        var passwordFile: String?
        @Option(
            name: [.customLong("queue")],
            help: ArgumentHelp("A queue; may be repeated. (default: mail)", valueName: "q"),
            transform: QueueName.init(_:))
        var queues: [QueueName] = []
        @Option(help: ArgumentHelp("How many mails at once, each over a connection of its own.", valueName: "n"))
        var concurrency = 4
        @Flag(help: "Exit when nothing is ready, delayed or leased in these queues any more.")
        var drain = false

        func validate() throws {
            guard (1...1_000).contains(concurrency) else {
                throw wrongUsage("--concurrency is \(concurrency); it must be 1 to 1000")
            }
        }

        func run() async throws {
            let smtp = try SMTPServer(try address(), passwordFile: passwordFile)
            let queue = try await database.open(creating: creation)
            var seen: Set<QueueName> = []
            let names = queues.isEmpty ? ["mail"] : queues.filter { seen.insert($0).inserted }
            QueueHints(queues: names, known: try await queue.stats(), database: database).tell()
            var options = Worker.Options()
            options.drains = drain
            let worker = MailWorker(
                queue, queues: names, transport: SMTPTransport(smtp, maxConnections: concurrency),
                concurrency: concurrency, options: options)
            let restart = RestartAfterMove(queue.store)
            let group = ServiceGroup(
                configuration: .init(
                    services: [
                        .init(service: Reaper(queue), failureTerminationBehavior: .ignore),
                        .init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup),
                    ] + restart.services, gracefulShutdownSignals: [.sigterm, .sigint],
                    logger: Logger(label: "stint.deliver")))
            try await group.run()
            try restart.execIfMoved()
        }

        private func address() throws -> String {
            if let server { return server }
            guard let variable = getenv("STINT_SMTP"), variable.pointee != 0 else {
                throw wrongUsage("no mail server was given: use --server smtps://user@host, or set STINT_SMTP")
            }
            return String(cString: variable)
        }
    }
#endif
