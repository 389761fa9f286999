import Foundation
import StintCore
import StintPlatform
import StintSQLite
import Subprocess
import TestSupport
import Testing

/// The real program, under its own name and under that of beanstalkd.
@Suite("What starts a beanstalkd starts Stint", .timeLimit(.minutes(3)))
struct ProcessTests {
    /// The binary that was built with these tests.
    private static let stint: String = {
        #if os(macOS)
            let bundle =
                Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundlePath ?? CommandLine.arguments[0]
        #else
            let bundle = "/proc/self/exe"
        #endif
        return URL(filePath: bundle).resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "stint").path
    }()

    private static func beanstalkd(in folder: borrowing TemporaryFolder) throws -> String {
        let path = folder.path + "/beanstalkd"
        if !FileManager.default.fileExists(atPath: path) {
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: stint)
        }
        return path
    }

    /// Runs a server at a socket, and does `body` with its process and path meanwhile.
    @discardableResult
    private static func run(
        _ folder: borrowing TemporaryFolder, _ arguments: [String], of program: String? = nil,
        _ body: (_ process: pid_t, _ socket: String) async throws -> Void
    ) async throws -> (status: TerminationStatus, output: String, errors: String) {
        let socket = folder.path + "/s"
        let program = try program ?? beanstalkd(in: folder)
        let temporary = folder.path + "/tmp"
        try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true)
        let result = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments),
            environment: .inherit.updating(["TMPDIR": temporary, "STINT_DB": nil]), input: .none,
            output: .string(limit: 65_536), error: .string(limit: 65_536)
        ) { execution in
            let process = execution.processIdentifier.value
            defer { kill(process, SIGKILL) }
            try await body(process, socket)
        }
        return (result.terminationStatus, result.standardOutput, result.standardError)
    }

    private static func client(_ socket: String) async throws -> TestClient {
        var client: TestClient?
        try await eventually("the server listens") {
            do { client = try await TestClient(socket: socket) } catch { return false }
            return true
        }
        return client!
    }

    /// The process ends by itself, before it would be killed.
    private static func waitForEnd(_ process: pid_t) async throws {
        try await eventually("it ends") { ProcessFacts(ofProcess: process).map(\.isZombie) ?? true }
    }

    @Test("after kill -9 all jobs are there, and those that were reserved are ready at once and blamed for nothing")
    func killed() async throws {
        let folder = try TemporaryFolder()
        let data = folder.path + "/data"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: false)
        let arguments = ["-b", data, "-f0", "-l", "unix:\(folder.path)/s"]
        try await Self.run(folder, arguments) { process, socket in
            let client = try await Self.client(socket)
            for number in 1...3 { #expect(try await client.put("\(number)", ttr: 600) == "INSERTED \(number)") }
            #expect(try await client.askForChunk("reserve").head == "RESERVED 1")
            #expect(try await client.askForChunk("reserve").head == "RESERVED 2")
            #expect(try await client.ask("delete 2") == "DELETED")
            kill(process, SIGKILL)
            try await Self.waitForEnd(process)
        }
        try await Self.run(folder, arguments) { process, socket in
            let client = try await Self.client(socket)
            #expect(try await client.askForChunk("reserve-with-timeout 0") == ("RESERVED 1", "1"))
            #expect(try await client.askForChunk("reserve-with-timeout 0") == ("RESERVED 3", "3"))
            #expect(try await client.ask("reserve-with-timeout 0") == "TIMED_OUT")
            kill(process, SIGTERM)
            try await Self.waitForEnd(process)
        }
        let queue = try await JobQueue(.sqlite(data + "/stint.db"))
        for id in [1, 3] {
            let job = try #require(try await queue.job(JobID(rawValue: Int64(id))))
            #expect(job.record.state == .ready && job.record.crashes == 0 && job.record.attempts == 0)
            #expect(job.failures.isEmpty)
        }
        await queue.close()
    }

    @Test("SIGUSR1 makes it drain, and SIGTERM ends it; without -b its jobs and files are gone with it")
    func signals() async throws {
        let folder = try TemporaryFolder()
        let temporary = folder.path + "/tmp"
        for _ in 1...2 {
            let end = try await Self.run(folder, ["-lunix:\(folder.path)/s", "-z10", "-V", "-c", "-n"]) {
                process, socket in
                let client = try await Self.client(socket)
                // A private store, whose first id is 1.
                #expect(try await client.put("x") == "INSERTED 1")
                #expect(try await client.put("01234567890") == "JOB_TOO_BIG")
                #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).count == 1)
                kill(process, SIGUSR1)
                try await eventually("it drains") { try await client.put("x") == "DRAINING" }
                kill(process, SIGTERM)
                #expect(await client.line() == nil)
                try await Self.waitForEnd(process)
            }
            #expect(end.status == .exited(0) && end.errors.isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).isEmpty)
        }
    }

    @Test("stint serve --beanstalk says where it listens, creates the database, and the jobs are those of stint")
    func serve() async throws {
        let folder = try TemporaryFolder()
        let database = folder.database
        let end = try await Self.run(
            folder, ["serve", "--no-web", "--beanstalk", "unix:\(folder.path)/s", "--db", database], of: Self.stint
        ) { process, socket in
            let client = try await Self.client(socket)
            try await client.ask("use mail")
            #expect(try await client.put("x") == "INSERTED 1")
            kill(process, SIGTERM)
            try await Self.waitForEnd(process)
        }
        #expect(end.status == .exited(0) && end.output == "beanstalk://unix:\(folder.path)/s\n")
        #expect(try await Self.stint("list", "--json", "--db", database).contains(#""queue":"mail""#))
    }

    /// The output of a `stint` that exits with 0.
    private static func stint(_ arguments: String...) async throws -> String {
        let result = try await Subprocess.run(
            .path(FilePath(stint)), arguments: Arguments(arguments), output: .string(limit: 65_536),
            error: .string(limit: 65_536))
        #expect(result.terminationStatus == .exited(0), "\(arguments): \(result.standardError)")
        return result.standardOutput
    }

    @Test("a limit of stint for each group holds for clients, whoever has put the jobs")
    func groups() async throws {
        let folder = try TemporaryFolder()
        let database = folder.database
        let arguments = [
            "serve", "--no-web", "--beanstalk", "unix:\(folder.path)/s", "--db", database, "--group-separator", ";",
        ]
        try await Self.run(folder, arguments, of: Self.stint) { process, socket in
            let producer = try await Self.client(socket)
            _ = try await Self.stint("queue", "set", "mail", "--group-concurrency", "1", "--db", database)
            for (group, body) in [("acme", "a1"), ("acme", "a2"), ("other", "o1")] {
                #expect(try await producer.ask("use mail;\(group)") == "USING mail;\(group)")
                #expect(try await producer.put(body)?.hasPrefix("INSERTED ") == true)
            }
            #expect(
                try await Self.stint("put", "o2", "--queue", "mail", "--group", "other", "--db", database) == "4\n")
            #expect(try await Self.stint("show", "1", "--json", "--db", database).contains(#""group":"acme""#))

            let (one, two, three) = try await (
                Self.client(socket), Self.client(socket), Self.client(socket)
            )
            for worker in [one, two, three] { #expect(try await worker.ask("watch mail") == "WATCHING 2") }
            #expect(try await one.askForChunk("reserve") == ("RESERVED 1", "a1"))
            #expect(try await two.askForChunk("reserve") == ("RESERVED 3", "o1"))
            // One of each group runs, and two more are ready.
            #expect(try await three.ask("reserve-with-timeout 0") == "TIMED_OUT")
            #expect(try await three.ask("reserve-job 2") == "NOT_FOUND")
            try await three.send("reserve\r\n")
            try await eventually("it waits") { try await one.statistics("stats")["current-waiting"] == "1" }
            #expect(try await two.ask("delete 3") == "DELETED")
            #expect(await three.line() == "RESERVED 4 2")
            #expect(await three.body(2) == Array("o2".utf8))
            kill(process, SIGTERM)
            try await Self.waitForEnd(process)
        }
    }

    @Test("a separator of groups that no tube may have is refused, and nothing starts")
    func separator() async throws {
        let folder = try TemporaryFolder()
        let arguments = [
            "serve", "--beanstalk", "unix:\(folder.path)/s", "--db", folder.database, "--group-separator", ":",
        ]
        let end = try await Self.run(folder, arguments, of: Self.stint) { process, _ in
            try await Self.waitForEnd(process)
        }
        #expect(end.status == .exited(64))
        #expect(end.errors.contains("the separator of groups is ':'; expected one of the characters -+/;.$_()"))
        #expect(!FileManager.default.fileExists(atPath: folder.database))
    }

    @Test("stint serve buries a job that has lost its client as often as --max-crashes says", arguments: [1, 0])
    func maxCrashes(limit: Int) async throws {
        let folder = try TemporaryFolder()
        let arguments = [
            "serve", "--no-web", "--beanstalk", "unix:\(folder.path)/s", "--db", folder.database, "--max-crashes",
            "\(limit)",
        ]
        try await Self.run(folder, arguments, of: Self.stint) { process, socket in
            let watcher = try await Self.client(socket)
            #expect(try await watcher.put("poison") == "INSERTED 1")
            for _ in 0..<(limit == 0 ? 12 : limit) {
                let client = try await Self.client(socket)
                #expect(try await client.askForChunk("reserve").head == "RESERVED 1")
                try await client.close()
                try await eventually("the job is given back") {
                    try await watcher.statistics("stats-job 1")["state"] != "reserved"
                }
            }
            #expect(try await watcher.statistics("stats-job 1")["state"] == (limit == 0 ? "ready" : "buried"))
            kill(process, SIGTERM)
            try await Self.waitForEnd(process)
        }
    }

    @Test(
        "what is wrong with its options is said as beanstalkd says it",
        arguments: [
            (["-q"], "unknown flag: -q"), (["x"], "unknown argument: x"), (["-p"], "flag requires an argument: -p"),
            (["-z", "x"], "invalid size: x"), (["-Vq"], "unknown flag: -q"),
        ])
    func usage(arguments: [String], text: String) async throws {
        let folder = try TemporaryFolder()
        let end = try await Self.run(folder, arguments) { process, _ in try await Self.waitForEnd(process) }
        #expect(end.status == .exited(5))
        #expect(end.errors.contains(text) && end.errors.contains("Use: beanstalkd [OPTIONS]"))
    }

    @Test("it says its version and its options", arguments: [("-v", "beanstalkd 1.12"), ("-h", "Use: beanstalkd")])
    func help(option: String, text: String) async throws {
        let folder = try TemporaryFolder()
        let end = try await Self.run(folder, [option]) { process, _ in try await Self.waitForEnd(process) }
        #expect(end.status == .exited(0) && end.output.hasPrefix(text) && end.errors.isEmpty)
    }

    @Test(
        "an address or a folder that cannot be used is refused",
        arguments: [
            (["-l", "0.0.0.0"], "--allow-remote"), (["-b", "/nowhere"], "no folder"), (["-p", "x"], "port"),
            (["-u", "nobody-at-all"], "no user"),
        ])
    func refused(arguments: [String], text: String) async throws {
        let folder = try TemporaryFolder()
        let end = try await Self.run(folder, arguments) { process, _ in try await Self.waitForEnd(process) }
        #expect(end.status != .exited(0) && end.errors.contains(text))
    }
}
