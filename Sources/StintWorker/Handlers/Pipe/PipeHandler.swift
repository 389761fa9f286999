import StintCore
import StintPlatform

extension Worker {
    /// Runs every job with a command that stays alive. It reads a line of JSON for each job on standard input and
    /// answers with a line of JSON on standard output. The protocol is in docs/pipe-protocol.md.
    public mutating func runPipe(_ command: PipeHandler, retry: RetryPolicy = .exponential()) {
        handlers.registerOthers(command.handler(retry: retry))
    }
}

/// A command that stays alive and runs one job after the other, or several at once if the worker does.
///
/// The process is started with the first job, and again after it has ended. If it dies with one job, that job has
/// crashed. If it dies with several, all of them are suspects. Jobs that it has not read go to the next process at no
/// cost. A suspect gets a process of its own.
public struct PipeHandler: Sendable {
    let manager: PipeProcessManager

    /// Ignores SIGPIPE from now on, in the whole process, unless it has a handler.
    ///
    /// - Parameters:
    ///   - command: The program, found in `PATH` if it has no slash, and its arguments.
    ///   - variables: Added to this process's environment.
    ///   - memoryLimit: How much data each process of the command may allocate, in bytes; `nil` for no limit. On Linux
    ///     this is private writable memory (RLIMIT_DATA).
    /// - Throws: ``StintError`` with the code `invalidInput` if there is no such program.
    public init(_ command: [String], variables: [String: String] = [:], memoryLimit: Int64? = nil) async throws {
        self.init(PipeProcessManager(try Self.program(command, variables: variables, memoryLimit: memoryLimit)))
    }

    static func program(
        _ command: [String], variables: [String: String], memoryLimit: Int64?
    ) throws -> HandlerProgram {
        var variables = variables
        variables[PipeGreeting.variable] = PipeGreeting.cancel
        return try HandlerProgram(command, variables: variables, memoryLimit: memoryLimit)
    }

    init(_ manager: PipeProcessManager) {
        self.manager = manager
        SignalDisposition.ignoreBrokenPipes()
    }

    func handler(retry: RetryPolicy) -> Handler {
        var handler = Handler(retry: retry) { context, timeout in try await run(context, timeout: timeout) }
        handler.cancellationTimeout = .seconds(8)
        handler.timeoutIsCrash = true
        handler.keepsTime = true
        handler.shutDown = { await shutDown() }
        handler.memoryInUse = { residentMemory }
        handler.startGate = manager.gate
        return handler
    }

    /// Ends the process in an orderly way and starts no other: its standard input is closed, 5 s later it gets SIGTERM,
    /// and 5 s after that SIGKILL.
    func shutDown() async { await manager.shutDown() }

    /// The resident memory of the process, in bytes; `nil` if none runs.
    var residentMemory: Int64? { manager.residentMemory }

    /// Returns if the handler has answered `done` without follow-up jobs.
    ///
    /// - Throws: ``HandlerOutcome``.
    func run(_ context: JobContext, timeout: Duration?) async throws {
        switch try await manager.run(context, timeout: timeout) {
        case .answered(let answer, let diagnostics): try classify(answer, diagnostics, context)
        case .ended(let verdict, let diagnostics): throw HandlerOutcome(verdict: verdict, diagnostics: diagnostics)
        case .notStarted: throw HandlerOutcome(verdict: .release)
        }
    }

    private func classify(_ answer: PipeResponse, _ diagnostics: AttemptDiagnostics, _ context: JobContext) throws {
        func fail(_ problem: String) -> HandlerOutcome {
            HandlerOutcome(
                verdict: .failed("the handler's answer cannot be used: \(problem)", retryAfter: nil),
                diagnostics: diagnostics)
        }
        switch answer.verdict {
        case .failure(let problem): throw fail("\(problem)")
        case .success(.done(let followUps)):
            guard !followUps.isEmpty else { return }
            let jobs = try followUps.enumerated().map { index, followUp in
                do { return try followUp.job(in: context.queue) } catch { throw fail("enqueue[\(index)]: \(error)") }
            }
            throw HandlerOutcome(verdict: .done, followUps: jobs)
        case .success(.retry(let delay, let error)):
            throw HandlerOutcome(
                verdict: .failed(error ?? "the handler asked for a retry", retryAfter: delay), diagnostics: diagnostics)
        case .success(.bury(let error)):
            throw HandlerOutcome(verdict: .bury(error ?? "the handler refused the job"), diagnostics: diagnostics)
        }
    }
}
