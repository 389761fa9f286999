import StintCore
import StintPlatform

extension Worker {
    /// Runs every job with a command. It gets the payload on standard input and the facts of the job in `STINT_*`
    /// variables. Its exit code decides: 0 acknowledges; 65 (EX_DATAERR) buries; 75 (EX_TEMPFAIL) and any other code
    /// fail, with a retry after the policy's delay. Death by a signal, or a run past the timeout, is a crash.
    ///
    /// The command's standard output and error are passed on to this process's own, each line prefixed with `job 42: `.
    public mutating func runCommand(_ command: CommandHandler, retry: RetryPolicy = .exponential()) {
        handlers.registerOthers(command.handler(retry: retry))
    }
}

/// A command that is started once for each job.
public struct CommandHandler: Sendable {
    /// How long a command may take to end after SIGTERM; then it gets SIGKILL.
    static let termination: Duration = .seconds(5)

    /// EX_DATAERR and EX_TEMPFAIL of sysexits.h.
    private static let dataError: CInt = 65
    private static let temporaryFailure: CInt = 75

    private let program: HandlerProgram
    let gate: StartGate
    private let digestFormat: DigestFormat

    /// Ignores SIGPIPE from now on, in the whole process, unless it has a handler: a command need not read its input,
    /// and writing to one that has ended would end this process.
    ///
    /// - Parameters:
    ///   - command: The program, found in `PATH` if it has no slash, and its arguments.
    ///   - variables: Added to this process's environment, for every job.
    ///   - memoryLimit: How much data each process of the command may allocate, in bytes; `nil` for no limit. On Linux
    ///     this is private writable memory (RLIMIT_DATA).
    ///   - digestFormat: How the events of a digest are written to standard input. `STINT_CONTENT_TYPE` is then the
    ///     format's content type, `STINT_EVENT_CONTENT_TYPE` that of each event, and `STINT_EVENTS` their number. With
    ///     `lines`, a digest that has an event with a line feed in it is buried.
    /// - Throws: ``StintError`` with the code `invalidInput` if there is no such program.
    public init(
        _ command: [String], variables: [String: String] = [:], memoryLimit: Int64? = nil,
        digestFormat: DigestFormat = .lines
    ) async throws {
        self.init(
            try HandlerProgram(command, variables: variables, memoryLimit: memoryLimit), digestFormat: digestFormat)
    }

    init(_ program: HandlerProgram, digestFormat: DigestFormat) {
        self.program = program
        gate = StartGate(program: program.executable)
        self.digestFormat = digestFormat
        SignalDisposition.ignoreBrokenPipes()
    }

    func handler(retry: RetryPolicy) -> Handler {
        var handler = Handler(retry: retry) { context, _ in try await run(context) }
        handler.cancellationTimeout = .seconds(8)
        handler.timeoutIsCrash = true
        handler.startGate = gate
        handler.needsDescriptors = true
        return handler
    }

    /// Returns if the command has exited with 0.
    ///
    /// Afterwards the command and its process group have ended. If this task is cancelled, the group gets SIGTERM, and
    /// SIGKILL 5 s later. What is left of the group when the command ends gets SIGKILL at once. Processes that have
    /// left the group are killed too, if this task was cancelled or the process adopts orphans (see
    /// ``adoptOrphans()``). If this process dies, the command is killed (Linux).
    ///
    /// - Throws: ``HandlerOutcome``; with `notStarted` if no process could be started, which is no attempt.
    func run(_ context: JobContext) async throws {
        let payload = try standardInput(for: context.job)
        let (child, input, output) = try await start(context)
        gate.started(isCommand: true, context.logger)
        defer { gate.commandEnded() }
        // A command need not read its input: what counts is its exit code.
        input.write({ _ in payload }, done: { _ in })
        input.closeWhenDone()
        let end = await withTaskCancellationHandler {
            await child.waitForExit()
        } onCancel: {
            child.terminateGroup(after: Self.termination)
        }
        await input.close()
        await output.finish()
        try classifyExit(end, output.lastErrors)
    }

    private func standardInput(for job: LeasedJob) throws -> [UInt8] {
        guard let events = job.events else { return job.payload }
        if let number = digestFormat.firstUnfit(events) {
            throw HandlerOutcome(
                verdict: .bury(
                    "event \(number) of \(events.count) has a line feed in it, and the events are written as lines: use "
                        + "the digest format length-prefixed, then kick it"))
        }
        return digestFormat.joined(events)
    }

    /// - Throws: ``HandlerOutcome`` if the command cannot be started.
    private func start(_ context: JobContext) async throws -> (ChildProcess, PipeWriter, HandlerOutput) {
        var input: Pipe?
        var output: HandlerOutput?
        do {
            let pipe = try Pipe()
            input = pipe
            let lines = try HandlerOutput(prefix: "job \(context.id): ", capture: program.capture)
            output = lines
            let child = try await ProcessLauncher.shared.start(
                program.launch(
                    environment(for: context), input: pipe, output: lines.standardOutput, errors: lines.standardError))
            // The command alone reads its input, so writing fails as soon as it has closed it.
            closeAll([pipe.readEnd])
            lines.started()
            return (child, PipeWriter(pipe.writeEnd, name: "job \(context.id)"), lines)
        } catch {
            input?.close()
            await output?.cancel()
            throw notStarted(error, context)
        }
    }

    /// The outcome for a command that could not be started: no cost to the job, unless its own headers are the cause.
    private func notStarted(_ error: any Error, _ context: JobContext) -> HandlerOutcome {
        guard let failure = error as? StartFailure else {
            gate.failed("\(error)", "start it with other arguments", .configuration, context.logger)
            return HandlerOutcome(verdict: .notStarted)
        }
        let fault = StartFailure.fault(
            of: failure.number, at: failure.step,
            fitsWithoutJob: !context.headers.isEmpty && program.fits(program.environment))
        guard fault != .job else {
            return HandlerOutcome(
                verdict: .bury(
                    "its headers make the environment too large to start a program with: put large data into the "
                        + "payload, or raise the worker's stack limit (ulimit -s), of which they may have a quarter"))
        }
        gate.failed(failure, fault, context.logger)
        return HandlerOutcome(verdict: .notStarted)
    }

    private func classifyExit(_ end: ProcessEnd, _ standardError: String?) throws {
        let excerpt = standardError?.excerpt ?? ""
        let said = excerpt.isEmpty ? "" : ": \(excerpt)"
        let verdict: HandlerOutcome.Verdict
        switch end.status {
        case .exited(0): return
        case .exited(Self.dataError): verdict = .bury("the command refused the job (exit 65)\(said)")
        case .exited(Self.temporaryFailure):
            verdict = .failed("the command asked for a retry (exit 75)\(said)", retryAfter: nil)
        case .exited(let code): verdict = .failed("\(exitText(code))\(said)", retryAfter: nil)
        case .signaled(let signal): verdict = .crashed("killed by \(signalName(signal))\(said)")
        }
        throw HandlerOutcome(verdict: verdict, diagnostics: AttemptDiagnostics(end, standardError: standardError))
    }

    private func environment(for context: JobContext) -> ProcessEnvironment {
        var environment = program.environment
        environment.set("STINT_JOB_ID", to: context.id.description)
        environment.set("STINT_QUEUE", to: context.queue.description)
        environment.set("STINT_ATTEMPT", to: String(context.attempt))
        environment.set("STINT_MAX_ATTEMPTS", to: String(context.maxAttempts))
        environment.set("STINT_TOKEN", to: context.token.description)
        if let events = context.job.events {
            environment.set("STINT_CONTENT_TYPE", to: digestFormat.contentType)
            environment.set("STINT_EVENT_CONTENT_TYPE", to: context.contentType)
            environment.set("STINT_EVENTS", to: String(events.count))
        } else {
            environment.set("STINT_CONTENT_TYPE", to: context.contentType)
        }
        for (name, value) in context.headers {
            environment.set("STINT_HEADER_" + name.uppercased().replacing("-", with: "_"), to: value)
        }
        return environment
    }
}
