#if Web
    import Foundation
    import Logging
    import ServiceLifecycle
    import StintBeanstalk
    import StintCore
    import StintPlatform
    import StintWorker
    import UnixSignals

    /// This program under the name `beanstalkd`: it takes beanstalkd's options, so that what starts a beanstalkd starts
    /// it.
    struct BeanstalkdCommand {
        private var host = "127.0.0.1"
        private var port = "11300"
        private var folder: String?
        private var isRelaxed = false
        private var user: String?
        private var largestJob = 65_535
        private var binlogSize = 10_485_760
        private var allowsRemote = false
        private var isVerbose = false

        /// - Parameter arguments: With the program's name.
        /// - Returns: `nil` if that is not `beanstalkd`.
        init?(_ arguments: [String]) throws {
            guard let name = arguments.first?.split(separator: "/").last, name == "beanstalkd" else { return nil }
            var rest = arguments.dropFirst()
            while let argument = rest.popFirst() {
                if argument == "--allow-remote" {
                    allowsRemote = true
                    continue
                }
                guard argument.utf8.first == UInt8(ascii: "-"), argument.utf8.count > 1 else {
                    Self.refuse("unknown argument: \(printable(argument))")
                }
                var letters = Array(argument.dropFirst())[...]
                while let letter = letters.popFirst() {
                    // The rest of the word, or the next word.
                    func value() -> String {
                        if !letters.isEmpty {
                            defer { letters = [] }
                            return String(letters)
                        }
                        guard let next = rest.popFirst() else { Self.refuse("flag requires an argument: -\(letter)") }
                        return next
                    }
                    func size() -> Int {
                        let text = value()
                        guard let size = Int(text), size >= 0 else { Self.refuse("invalid size: \(printable(text))") }
                        return size
                    }
                    switch letter {
                    case "b": folder = value()
                    case "f": isRelaxed = size() > 0
                    case "F": isRelaxed = true
                    case "l": host = value()
                    case "p": port = value()
                    case "u": user = value()
                    case "z": largestJob = Self.jobSize(size())
                    // Rounded up as beanstalkd does.
                    case "s": binlogSize = (min(size(), 1 << 40) + 4_095) / 4_096 * 4_096
                    // The log is always compacted.
                    case "c", "n": continue
                    case "V": isVerbose = true
                    case "v":
                        try Output.print("beanstalkd 1.12 (stint \(Version.current))")
                        StintPlatform.exit(0)
                    case "h":
                        try Output.print(Self.usage)
                        StintPlatform.exit(0)
                    default: Self.refuse("unknown flag: -\(letter)")
                    }
                }
            }
        }

        private static func jobSize(_ bytes: Int) -> Int {
            guard bytes > NewJob.maximumPayloadBytes else { return bytes }
            Output.printError("maximum job size was set to \(NewJob.maximumPayloadBytes)")
            return NewJob.maximumPayloadBytes
        }

        private static func refuse(_ text: String) -> Never {
            Output.printError("\(text)\n\(usage)")
            StintPlatform.exit(5)
        }

        private static let usage = """
            Use: beanstalkd [OPTIONS]

            This is Stint under the name of beanstalkd. Options:
             -b DIR   keep the jobs in DIR/stint.db (default: in a private database that is deleted at the end)
             -f MS    0: every change is on disk before its reply (default); otherwise a power cut may undo the last ones
             -F       the same as -f with another number
             -l ADDR  listen on address, or on the socket unix:PATH (default: 127.0.0.1)
             -p PORT  listen on port (default: 11300)
             -u USER  become user and group
             -z BYTES the maximum job size in bytes (default: 65535; at most 16777216)
             -s BYTES only shown in the statistics
             -c, -n   nothing
             -v       show version information
             -V       increase verbosity
             -h       show this help
             --allow-remote   allow an ADDR that other machines can reach; the protocol has no passwords
            """

        func run() async throws {
            ResourceLimit.raiseOpenFiles()
            // Until it is listened to it must not end the process.
            signal(SIGUSR1, SIG_IGN)
            if let user { try Self.become(user) }
            var options = JobServer.Options()
            options.largestJob = largestJob
            options.binlogSize = binlogSize
            options.allowsRemote = allowsRemote
            // As beanstalkd, which never buries a job by itself.
            options.maxCrashes = nil
            if isVerbose { options.logger.logLevel = .debug }
            // Before the database is opened: programs that start a beanstalkd connect to it at once.
            let listener = try await Listener(at: address(), options: options)
            let scratch = folder == nil ? try ScratchFolder(named: "stint-beanstalkd") : nil
            defer { if let problem = scratch?.remove() { Output.printError(problem) } }
            let place = try scratch?.path ?? Self.existing(folder!)
            let opening = StoreOpening(createsWith: 0o600, isRelaxed: isRelaxed || folder == nil)
            let queue = try await StoreAddress("sqlite:\(place)/stint.db").open(opening)
            let server = JobServer(queue, on: listener, options: options)
            let restart = RestartAfterMove(queue.store)
            let group = ServiceGroup(
                configuration: .init(
                    services: [
                        .init(service: server, successTerminationBehavior: .gracefullyShutdownGroup),
                        .init(service: DrainSignal(server)), .init(service: Reaper(queue)),
                    ] + restart.services, gracefulShutdownSignals: [.sigterm, .sigint],
                    logger: Logger(label: "stint.serve")))
            try await group.run()
            await queue.close()
            try restart.execIfMoved()
        }

        private func address() throws -> JobServer.Address {
            if host.utf8.starts(with: "unix:".utf8) { return .unix(path: String(host.dropFirst(5))) }
            guard let number = UInt16(port) else {
                throw StintError.invalidInput("the port is \(quoted(port)); expected a number up to 65535")
            }
            return .host(host, port: Int(number))
        }

        private static func existing(_ folder: String) throws -> String {
            var isFolder = ObjCBool(false)
            guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
                throw StintError.invalidInput("\(quoted(folder)) is no folder; expected one for the database")
            }
            return folder
        }

        private static func become(_ name: String) throws {
            guard let user = getpwnam(name)?.pointee else {
                throw StintError.invalidInput("there is no user \(quoted(name))")
            }
            guard initgroups(name, user.pw_gid) == 0, setgid(user.pw_gid) == 0, setuid(user.pw_uid) == 0 else {
                throw StintError(.processFailed, "cannot become the user \(quoted(name)): only root can")
            }
        }
    }
#endif
