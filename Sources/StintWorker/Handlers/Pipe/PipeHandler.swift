import StintCore

extension Worker {
    /// Runs every job with a command that stays alive: it gets a line of JSON for each on its standard input and answers
    /// with a line of JSON on its standard output. See the protocol in docs/pipe-protocol.md.
    public mutating func runPipe(_ command: PipeHandler, retry: RetryPolicy = .exponential()) {
        var handler = Handler(retry: retry) { context, timeout in try await command.run(context, timeout: timeout) }
        handler.cancellationTimeout = .seconds(8)
        handler.timeoutIsCrash = true
        handler.keepsTime = true
        handler.shutDown = { await command.shutDown() }
        handler.memoryInUse = { command.residentMemory }
        handler.startGate = command.manager.gate
        handlers.others = handler
    }
}

/// A command that stays alive and runs one job after the other, or several at once where the worker does.
///
/// The process is started when the first job comes, and again whenever it has ended. One that dies with a job has crashed
/// it; one that dies with several makes all of them suspects; jobs that it has not read yet go to the next process and
/// have lost nothing. A suspect gets a process of its own.
public struct PipeHandler: Sendable {
    let manager: PipeProcessManager

    /// Ignores SIGPIPE from now on, in the whole process, unless it has a handler.
    ///
    /// - Parameters:
    ///   - command: The program, found in `PATH` where it has no slash, and its arguments.
    ///   - variables: Added to this process's environment.
    ///   - memoryLimit: How much data each process of the command may allocate, in bytes; `nil`: no limit. On Linux it
    ///     is private memory that can be written to (RLIMIT_DATA).
    /// - Throws: ``StintError`` with the code `invalidInput` where there is no such program.
    public init(_ command: [String], variables: [String: String] = [:], memoryLimit: Int64? = nil) async throws {
        self.init(PipeProcessManager(try HandlerProgram(command, variables: variables, memoryLimit: memoryLimit)))
    }

    init(_ manager: PipeProcessManager) {
        self.manager = manager
        ignoreBrokenPipes()
    }

    /// Ends the process in an orderly way, and starts none any more: its standard input is closed, 5 s later it gets
    /// SIGTERM, and 5 s later SIGKILL.
    func shutDown() async { await manager.shutDown() }

    /// Memory of the process that is resident now, in bytes; `nil` where none runs.
    var residentMemory: Int64? { manager.residentMemory }

    /// Returns where the handler has answered `done` and wants nothing queued.
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
                verdict: .failed("the handler's answer cannot be used: \(problem)", retryAfter: nil), diagnostics: diagnostics)
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
