#if Web
    import ArgumentParser
    import Logging
    import StintBeanstalk
    import StintCore

    struct BeanstalkOptions: ParsableArguments {
        @Option(
            name: .customLong("beanstalk"),
            help: ArgumentHelp(
                "Where to serve beanstalkd's protocol. The database is created if it does not exist. (default: nowhere)",
                valueName: "host:port|unix:path"))
        var address: String?

        @Flag(
            inversion: .prefixedNo,
            help: "Let other machines reach the address of --beanstalk or --catch-mail, although neither has passwords."
        )
        var allowRemote = false

        @Option(
            help: ArgumentHelp(
                "The largest job that beanstalkd's clients may put. (default: 65535 bytes)", valueName: "size"),
            transform: SizeArgument.init)
        var maxJobSize: SizeArgument?

        @Option(
            help: ArgumentHelp(
                "Bury a job of beanstalkd's clients after its client was lost, or had no time left, so many times; 0: never.",
                valueName: "count"))
        var maxCrashes = 10

        @Option(
            help: ArgumentHelp(
                "What separates a queue from a group in the tube that a client uses, such as ';' in mail;acme. (default: none)",
                valueName: "character"), transform: GroupSeparator.init)
        var groupSeparator: GroupSeparator?

        func server(of queue: JobQueue<AnyJobStore>) throws -> JobServer? {
            guard let address else { return nil }
            var options = JobServer.Options()
            options.allowsRemote = allowRemote
            if let maxJobSize { options.largestJob = Int(maxJobSize.bytes) }
            guard options.largestJob <= NewJob.maximumPayloadBytes else {
                throw StintError.invalidInput(
                    "--max-job-size is \(options.largestJob); at most \(NewJob.maximumPayloadBytes) (16M) are allowed")
            }
            guard (0...Int(Int32.max)).contains(maxCrashes) else {
                throw StintError.invalidInput("--max-crashes is \(maxCrashes); expected 0 or more")
            }
            options.groupSeparator = groupSeparator
            options.maxCrashes = maxCrashes == 0 ? nil : maxCrashes
            return try JobServer(queue, at: Self.address(address), options: options) { address in
                // Scripts wait for this line.
                do { try Output.print("beanstalk://\(address)") } catch {}
            }
        }

        private static func address(_ text: String) throws -> JobServer.Address {
            guard !text.utf8.starts(with: "unix:".utf8) else {
                let path = String(text.dropFirst(5))
                guard !path.isEmpty else {
                    throw StintError.invalidInput(
                        "--beanstalk is unix: without a path; expected unix:/path/of/a/socket")
                }
                return .unix(path: path)
            }
            let (host, port) = try ServeCommand.address(text, of: "--beanstalk")
            return .host(host, port: port)
        }
    }
#endif
