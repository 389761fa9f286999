import Foundation
import StintPlatform
import Subprocess
import Testing

/// A temporary folder for one test, in which the real `stint` runs: its current folder, so that the database is
/// `stint.db` in it if a test names none. The suites' trait ``OwnFolder`` creates and removes it.
struct Workplace: Sendable {
    /// The folder of the running test, whose suite has the trait `.inOwnFolder`.
    static var ofThisTest: Workplace {
        guard let current else { preconditionFailure("the suite lacks the trait .inOwnFolder") }
        return current
    }

    @TaskLocal static var current: Workplace?

    let folder: String

    static let stint = product("stint")
    /// A program that runs jobs which kill it.
    static let crashingWorker = product("CrashingWorker")

    /// A binary that was built with these tests: it lies beside the test bundle.
    private static func product(_ name: String) -> String {
        #if os(macOS)
            let bundle =
                Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundlePath ?? CommandLine.arguments[0]
        #else
            let bundle = realPath("/proc/self/exe")
        #endif
        return URL(filePath: bundle).deletingLastPathComponent().appending(path: name).path
    }

    init() throws {
        // A stint that refuses its input ends before it has read it all. That must be an error of the write, which is
        // harmless, and not the end of the tests.
        signal(SIGPIPE, SIG_IGN)
        let parent = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        var template = Array("\(parent)/stint-cli-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        folder = realPath(String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    /// A process that is just ending may take its own files away meanwhile; then another try finds them gone.
    func remove() {
        for attempt in 1...10 {
            do {
                // What a test has locked can be removed by no one but root.
                for name in try FileManager.default.contentsOfDirectory(atPath: folder) { chmod(path(name), 0o700) }
                return try FileManager.default.removeItem(atPath: folder)
            } catch {
                if attempt == 10 { Issue.record("the test's folder \(folder) cannot be removed: \(error)") }
            }
        }
    }

    // MARK: - Running stint

    /// The standard output of a `stint` that exits with 0 and writes nothing to standard error.
    @discardableResult
    func stint(
        _ arguments: String..., input: [UInt8] = [], environment: [Environment.Key: String?] = [:]
    ) async throws -> String {
        let outcome = try await run(Self.stint, Arguments(arguments), input: input, environment: environment)
        guard outcome.code == 0, outcome.errors.isEmpty else { throw Unexpected(arguments, outcome) }
        return outcome.output
    }

    /// The error of a `stint` that fails: one line on standard error, and nothing on standard output.
    func refusal(
        _ arguments: String..., input: [UInt8] = [], environment: [Environment.Key: String?] = [:],
        options: PlatformOptions = PlatformOptions()
    ) async throws -> Refusal {
        let outcome = try await run(
            Self.stint, Arguments(arguments), input: input, environment: environment, options: options)
        guard let refusal = Refusal(outcome) else { throw Unexpected(arguments, outcome) }
        return refusal
    }

    /// Runs any `stint`, however it ends.
    func attempt(
        _ arguments: String..., input: [UInt8] = [], environment: [Environment.Key: String?] = [:]
    ) async throws -> Outcome {
        try await run(Self.stint, Arguments(arguments), input: input, environment: environment)
    }

    func attempt(_ arguments: [String]) async throws -> Outcome {
        try await run(Self.stint, Arguments(arguments))
    }

    /// Runs a script for `sh` that finds the binary as `$stint`.
    func shell(_ script: String, environment: [Environment.Key: String?] = [:]) async throws -> Outcome {
        try await run("/bin/sh", ["-c", script], environment: environment.merging(["stint": Self.stint]) { $1 })
    }

    /// Runs a program in the folder to its end.
    ///
    /// - Parameter beforeEndOfInput: Called when all of `input` fits into the pipe or was read, and before the input ends.
    func run(
        _ program: String, _ arguments: Arguments, input: [UInt8] = [], environment: [Environment.Key: String?] = [:],
        options: PlatformOptions = PlatformOptions(), beforeEndOfInput: () async throws -> Void = {}
    ) async throws -> Outcome {
        let longestRun = LongestRun()
        defer { longestRun.end() }
        let result = try await Subprocess.run(
            configuration(program, arguments, environment, options), input: .inputWriter,
            output: .bytes(limit: 1 << 26), error: .string(limit: 1 << 20)
        ) { execution in
            longestRun.begin(RunningProcess(id: execution.processIdentifier.value))
            do {
                _ = try await execution.standardInputWriter.write(input)
            } catch {
                // It ended, or closed its input, before it had read all: only its output counts. (The ready-made input
                // of this library, `.array`, traps then.)
            }
            try await beforeEndOfInput()
        }
        return Outcome(status: result.terminationStatus, bytes: result.standardOutput, errors: result.standardError)
    }

    /// Starts a `stint`, does `body` meanwhile, and waits for its end. When `body` throws, the process is killed.
    func whileRunning(
        _ arguments: [String], of program: String = Self.stint, environment: [Environment.Key: String?] = [:],
        options: PlatformOptions = PlatformOptions(), _ body: (RunningProcess) async throws -> Void
    ) async throws -> Outcome {
        let longestRun = LongestRun()
        defer { longestRun.end() }
        let result = try await Subprocess.run(
            configuration(program, Arguments(arguments), environment, options), input: .none,
            output: .bytes(limit: 1 << 26), error: .string(limit: 1 << 20)
        ) { execution in
            let process = RunningProcess(id: execution.processIdentifier.value)
            longestRun.begin(process)
            try await body(process)
        }
        return Outcome(status: result.terminationStatus, bytes: result.standardOutput, errors: result.standardError)
    }

    func configuration(
        _ program: String, _ arguments: Arguments, _ environment: [Environment.Key: String?], _ options: PlatformOptions
    ) -> Configuration {
        // What the developer has set must not reach the test.
        let clean: [Environment.Key: String?] = ["STINT_DB": nil, "STINT_HEADER_STRAY": nil]
        var options = options
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(2))]
        return Configuration(
            executable: .path(FilePath(program)), arguments: arguments,
            environment: .inherit.updating(clean.merging(environment) { $1 }), workingDirectory: FilePath(folder),
            platformOptions: options)
    }

    // MARK: - Files in the folder

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    func write(_ name: String, _ bytes: [UInt8] = []) throws {
        try Data(bytes).write(to: URL(filePath: path(name)))
    }

    func read(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: path(name))))
    }

    /// The whole lines that a file has so far; none if there is no file yet.
    func lines(_ name: String) throws -> [String] {
        guard exists(name) else { return [] }
        return String(decoding: try read(name), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The permissions, as `stat -c %a` prints them.
    func mode(_ name: String) throws -> String {
        let mode = try FileManager.default.attributesOfItem(atPath: path(name))[.posixPermissions] as? Int ?? 0
        return String(mode, radix: 8)
    }

    /// Every file with its mode and a hash of its bytes: equal when nothing was written meanwhile.
    func snapshot() throws -> [String: String] {
        var result: [String: String] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            let type = try FileManager.default.attributesOfItem(atPath: path(name))[.type] as? FileAttributeType
            let bytes = type == .typeRegular && access(path(name), R_OK) == 0 ? try read(name) : []
            result[name] = "\(try mode(name)), \(bytes.count) bytes, hash \(bytes.hashValue)"
        }
        return result
    }
}

/// How a process ended and what it wrote.
struct Outcome {
    let status: TerminationStatus
    let bytes: [UInt8]
    /// Standard error, without the lines that report progress every five seconds: a busy machine has more of them.
    let errors: String

    init(status: TerminationStatus, bytes: [UInt8], errors: String) {
        self.status = status
        self.bytes = bytes
        self.errors = errors.replacing(#/(?m)^stint: \d+ (jobs|done, \d+ buried, \d+ left)\n/#, with: "")
    }

    var output: String { String(decoding: bytes, as: UTF8.self) }

    /// `nil` if a signal ended it.
    var code: CInt? { if case .exited(let code) = status { code } else { nil } }
}

/// `stint: …` and the exit code.
struct Refusal {
    let code: CInt
    let sentence: String

    /// `nil` unless all there is is one such line.
    init?(_ outcome: Outcome) {
        guard let code = outcome.code, code != 0, outcome.bytes.isEmpty, outcome.errors.hasPrefix("stint: "),
            outcome.errors.hasSuffix("\n"), outcome.errors.count(where: \.isNewline) == 1
        else { return nil }
        self.code = code
        sentence = String(outcome.errors.dropFirst("stint: ".count).dropLast())
    }
}

/// A process that did not end as the test needs it.
struct Unexpected: Error, CustomStringConvertible {
    let description: String

    init(_ arguments: [String], _ outcome: Outcome) {
        description = """
            stint \(arguments.joined(separator: " ").prefix(200))
            ended with \(outcome.status)
            standard output: \(outcome.output.prefix(1_000))
            standard error: \(outcome.errors.prefix(1_000))
            """
    }
}

/// Without symbolic links.
func realPath(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
}
