#if Web
    import ArgumentParser
    import Logging
    import StintCatcher
    import StintCore
    import StintMailbox

    struct MailCatcherOptions: ParsableArguments {
        @Option(
            name: .customLong("catch-mail"),
            help: ArgumentHelp(
                "Where to catch mails by SMTP. The database is created if it does not exist. (default: nowhere)",
                valueName: "host:port"))
        var address: String?

        @Option(help: ArgumentHelp("How many mails are kept; the oldest go first.", valueName: "count"))
        var maxMails = 1_000

        @Option(
            help: ArgumentHelp(
                "How much memory the mails may take; the oldest go first. (default: 256M)", valueName: "size"),
            transform: SizeArgument.init)
        var maxMailMemory: SizeArgument?

        @Option(
            help: ArgumentHelp("The largest mail that is accepted. (default: 32M)", valueName: "size"),
            transform: SizeArgument.init)
        var maxMailSize: SizeArgument?

        private static let mostBytes: Int64 = 1 << 40

        func mailbox() throws -> Mailbox? {
            guard address != nil else { return nil }
            guard (1...1_000_000).contains(maxMails) else {
                throw wrongUsage("--max-mails is \(maxMails); it must be 1 to 1000000")
            }
            var limits = Mailbox.Limits()
            limits.mails = maxMails
            if let maxMailMemory { limits.bytes = try Self.bytes(maxMailMemory, of: "--max-mail-memory") }
            return Mailbox(GMimeReader(), limits: limits)
        }

        func server(of mailbox: Mailbox, allowsRemote: Bool) throws -> MailServer {
            let (host, port) = try ServeCommand.address(address ?? "", of: "--catch-mail")
            var options = MailServer.Options()
            options.allowsRemote = allowsRemote
            options.logger = Logger(label: "stint.mail")
            if let maxMailSize { options.session.largestMail = try Self.bytes(maxMailSize, of: "--max-mail-size") }
            guard options.session.largestMail <= mailbox.limits.bytes else {
                throw wrongUsage(
                    "--max-mail-size is \(options.session.largestMail) bytes, more than all mails may take: "
                        + "give a smaller one, or a larger --max-mail-memory")
            }
            return try MailServer(mailbox, host: host, port: port, options: options) { address in
                // Scripts wait for this line.
                do { try Output.print("smtp://\(address)") } catch {}
            }
        }

        private static func bytes(_ size: SizeArgument, of option: String) throws -> Int {
            guard (1...mostBytes).contains(Int64(size.bytes)) else {
                throw wrongUsage("\(option) is \(size.bytes) bytes; it must be 1 to \(mostBytes)")
            }
            return Int(size.bytes)
        }
    }
#endif
