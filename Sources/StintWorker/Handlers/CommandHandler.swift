import StintCore
import Subprocess
import Synchronization

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension Worker {
    /// Runs every job with a command: the payload on its standard input, the facts in `STINT_*` variables, the exit
    /// code is the verdict. 0: ack. 75 (EX_TEMPFAIL) and any other code: failed, again after the policy's delay.
    /// 65 (EX_DATAERR): buried. Death by a signal, or a run past the timeout: crashed.
    public mutating func runCommand(_ command: CommandHandler, retry: RetryPolicy = .exponential()) {
        var handler = Handler(retry: retry) { context, _ in try await command.run(context) }
        handler.windDown = .seconds(8)
        handler.timeoutIsCrash = true
        handlers.others = handler
    }
}

/// A command that is started once a job.
public struct CommandHandler: Sendable {
    /// How much of a command's standard error is kept with a failed attempt.
    static let keptErrorBytes = 4_096
    /// How long a command may take to end after SIGTERM, before SIGKILL.
    static let termination: Duration = .seconds(5)

    /// EX_DATAERR and EX_TEMPFAIL of sysexits.h.
    private static let dataError: CInt = 65
    private static let temporaryFailure: CInt = 75

    private let executable: FilePath
    private let arguments: [String]
    private let environment: Environment

    /// Ignores SIGPIPE from now on, in the whole process, unless it has a handler: a command need not read its input, and
    /// writing to one that has ended would be the end of this process.
    ///
    /// - Parameters:
    ///   - command: The program, found in `PATH` where it has no slash, and its arguments.
    ///   - variables: Added to this process's environment, for every job.
    /// - Throws: ``StintError`` with the code `invalidInput` where there is no such program.
    public init(_ command: [String], variables: [String: String] = [:]) async throws {
        guard let program = command.first else {
            throw StintError.invalidInput("no command was given: name a program to run for each job")
        }
        guard let executable = await Self.locate(program) else {
            throw StintError.invalidInput(
                "there is no program \(quoted(program)) that can be run: check the name, PATH and its permissions")
        }
        self.executable = executable
        arguments = Array(command.dropFirst())
        if let handler = signal(SIGPIPE, SIG_IGN) { _ = signal(SIGPIPE, handler) }
        var updates: [Environment.Key: String?] = [:]
        // Headers of a job that started this very worker must not look like those of the jobs it runs.
        for name in ProcessInfo.processInfo.environment.keys where name.hasPrefix("STINT_HEADER_") {
            if let key = Environment.Key(rawValue: name) { updates[key] = .some(nil) }
        }
        for (name, value) in variables {
            if let key = Environment.Key(rawValue: name) { updates[key] = value }
        }
        environment = Environment.inherit.updating(updates)
    }

    /// A name is looked for in `PATH`; what has a slash is a path.
    private static func locate(_ program: String) async -> FilePath? {
        guard program.contains("/") else {
            do { return try await Executable.name(program).resolveExecutablePath(in: .inherit) } catch { return nil }
        }
        var facts = stat()
        let isProgram =
            stat(program, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG && access(program, X_OK) == 0
        return isProgram ? FilePath(program) : nil
    }

    func run(_ context: JobContext) async throws {
        var options = PlatformOptions()
        // A group of its own: Ctrl-C on the terminal is for the worker, which lets the command finish; and a command is
        // ended with all that it started.
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: Self.termination),
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero),
        ]
        let errors = Tail(limit: Self.keptErrorBytes)
        let group = Mutex<pid_t?>(nil)
        defer {
            // The teardown is over when the command has ended; what it started may ignore SIGTERM. Whoever is still in
            // the group keeps its number from being used again.
            if Task.isCancelled, let group = group.withLock({ $0 }) { kill(-group, SIGKILL) }
        }
        let result = try await Subprocess.run(
            .path(executable), arguments: Arguments(arguments), environment: environment.updating(facts(of: context)),
            platformOptions: options, input: .inputWriter, output: .currentStandardOutput, error: .sequence
        ) { execution in
            group.withLock { $0 = execution.processIdentifier.value }
            async let fed: Void = feed(context.job.payload, to: execution.standardInputWriter)
            for try await chunk in execution.standardError {
                chunk.withUnsafeBytes { bytes in
                    errors.append(bytes)
                    _ = FileDescriptor.standardError.passOn(bytes)
                }
            }
            await fed
        }
        try judge(result.terminationStatus, errors.text)
    }

    /// A command need not read its input: what counts is its exit code.
    private func feed(_ payload: [UInt8], to input: StandardInputWriter) async {
        do {
            _ = try await input.write(payload)
            try await input.finish()
        } catch {
            return
        }
    }

    private func judge(_ status: TerminationStatus, _ errors: String) throws {
        let said = errors.isEmpty ? "" : ": \(errors)"
        switch status {
        case .exited(0): return
        case .exited(Self.dataError):
            throw RunEnd(verdict: .bury("the command refused the job (exit 65)\(said)"))
        case .exited(Self.temporaryFailure):
            throw RunEnd(verdict: .failed("the command asked for a retry (exit 75)\(said)", retryAfter: nil))
        case .exited(let code): throw RunEnd(verdict: .failed("exit \(code)\(said)", retryAfter: nil))
        case .signaled(let signal): throw RunEnd(verdict: .crashed("killed by \(signalName(signal))\(said)"))
        }
    }

    private func facts(of context: JobContext) -> [Environment.Key: String?] {
        var facts: [Environment.Key: String?] = [
            "STINT_JOB_ID": context.id.description,
            "STINT_QUEUE": context.queue.description,
            "STINT_ATTEMPT": String(context.attempt),
            "STINT_MAX_ATTEMPTS": String(context.maxAttempts),
            "STINT_TOKEN": context.token.description,
            "STINT_CONTENT_TYPE": context.contentType,
        ]
        for (name, value) in context.headers {
            let variable = "STINT_HEADER_" + name.uppercased().replacing("-", with: "_")
            if let key = Environment.Key(rawValue: variable) { facts[key] = value }
        }
        return facts
    }
}

/// The last bytes of a stream.
private final class Tail: Sendable {
    private let limit: Int
    private let bytes = Mutex<[UInt8]>([])

    init(limit: Int) { self.limit = limit }

    func append(_ more: UnsafeRawBufferPointer) {
        bytes.withLock { bytes in
            bytes.append(contentsOf: more.suffix(limit + 4))
            if bytes.count > 2 * limit { bytes.removeFirst(bytes.count - limit - 4) }
        }
    }

    /// As text: valid UTF-8, without the line break at its end.
    var text: String {
        bytes.withLock { bytes in
            bytes[..<(bytes.lastIndex { $0 != 0x0A && $0 != 0x0D }.map { $0 + 1 } ?? 0)].textTail(limit: limit)
        }
    }
}
