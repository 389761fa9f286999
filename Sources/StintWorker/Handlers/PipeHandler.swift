import StintCore

extension Worker {
    /// Runs every job with a command that stays alive: it gets a line of JSON for each on its standard input and answers
    /// with a line of JSON on its standard output. See the protocol in docs/pipe-protocol.md.
    public mutating func runPipe(_ command: PipeHandler, retry: RetryPolicy = .exponential()) {
        var handler = Handler(retry: retry) { context, timeout in try await command.run(context, timeout: timeout) }
        handler.windDown = .seconds(8)
        handler.timeoutIsCrash = true
        handler.keepsTime = true
        handler.shutDown = { await command.shutDown() }
        handler.memoryInUse = { command.residentMemory }
        handler.startGate = command.keeper.gate
        handlers.others = handler
    }
}

/// A command that stays alive and runs one job after the other, or several at once where the worker does.
///
/// The process is started when the first job comes, and again whenever it has ended. One that dies with a job has crashed
/// it; one that dies with several makes all of them suspects; jobs that it has not read yet go to the next process and
/// have lost nothing. A suspect gets a process of its own.
public struct PipeHandler: Sendable {
    let keeper: PipeKeeper

    /// Ignores SIGPIPE from now on, in the whole process, unless it has a handler.
    ///
    /// - Parameters:
    ///   - command: The program, found in `PATH` where it has no slash, and its arguments.
    ///   - variables: Added to this process's environment.
    ///   - memoryLimit: How much data each process of the command may allocate, in bytes; `nil`: no limit. On Linux it
    ///     is private memory that can be written to (RLIMIT_DATA).
    /// - Throws: ``StintError`` with the code `invalidInput` where there is no such program.
    public init(_ command: [String], variables: [String: String] = [:], memoryLimit: Int64? = nil) async throws {
        self.init(PipeKeeper(try HandlerProgram(command, variables: variables, memoryLimit: memoryLimit)))
    }

    init(_ keeper: PipeKeeper) {
        self.keeper = keeper
        ignoreBrokenPipes()
    }

    /// Ends the process in an orderly way, and starts none any more: its standard input is closed, 5 s later it gets
    /// SIGTERM, and 5 s later SIGKILL.
    func shutDown() async { await keeper.shutDown() }

    /// Memory of the process that is resident now, in bytes; `nil` where none runs.
    var residentMemory: Int64? { keeper.residentMemory }

    /// Returns where the handler has answered `done` and wants nothing queued.
    ///
    /// - Throws: ``RunEnd``.
    func run(_ context: JobContext, timeout: Duration?) async throws {
        switch try await keeper.run(context, timeout: timeout) {
        case .answered(let answer, let dossier): try conclude(answer, dossier, context)
        case .ended(let verdict, let dossier): throw RunEnd(verdict: verdict, dossier: dossier)
        case .notStarted: throw RunEnd(verdict: .release)
        }
    }

    private func conclude(_ answer: PipeAnswer, _ dossier: Dossier, _ context: JobContext) throws {
        func fail(_ problem: String) -> RunEnd {
            RunEnd(
                verdict: .failed("the handler's answer cannot be used: \(problem)", retryAfter: nil), dossier: dossier)
        }
        switch answer.verdict {
        case .failure(let problem): throw fail("\(problem)")
        case .success(.done(let followUps)):
            guard !followUps.isEmpty else { return }
            let jobs = try followUps.enumerated().map { index, followUp in
                do { return try followUp.job(in: context.queue) } catch { throw fail("enqueue[\(index)]: \(error)") }
            }
            throw RunEnd(verdict: .done, followUps: jobs)
        case .success(.retry(let delay, let error)):
            throw RunEnd(
                verdict: .failed(error ?? "the handler asked for a retry", retryAfter: delay), dossier: dossier)
        case .success(.bury(let error)):
            throw RunEnd(verdict: .bury(error ?? "the handler refused the job"), dossier: dossier)
        }
    }
}
