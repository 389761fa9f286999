import Logging
import StintCore
import Synchronization

/// One process of a pipe handler, from its start to its end, with the jobs that it has.
final class PipeProcess: Sendable {
    /// The longest answer, in bytes: any one valid follow-up job fits, however it is written. A byte in a JSON string
    /// can take six (`\u0041`), Base64 takes four for three, and the rest is small.
    static let longestAnswer = 129 * 1_024 * 1_024
    /// An answer that is too long is skipped, so that only its own job fails, up to this multiple of the longest
    /// answer.
    static let longestSkip = 4
    /// How long the process may take to end after its standard input was closed, and after SIGTERM.
    static let termination: Duration = .seconds(5)
    /// How long it may take to read its first job.
    static let longestStart: Duration = .seconds(60)
    /// How long it may take to answer for a cancelled job.
    static let cancellation: Duration = .seconds(2)
    /// How long a process that has broken a rule may take to end after SIGTERM.
    static let shortTermination: Duration = .seconds(2)

    /// How the process ended.
    struct End: Sendable {
        let end: ProcessEnd
        /// The most telling line at the end of its standard error.
        let excerpt: String
        /// Whether it has read nothing and this side did not ask it to end.
        let failedAtStart: Bool
    }

    struct State {
        /// In the order of sending.
        var requests: [PipeRequest] = []
        var lastNumber = 0
        var hasServed = false
        var cause: TerminationReason?
        var isOver = false
        var warnings: Set<String> = []
        /// Whether it understands lines that cancel a job.
        var acceptsCancel = false
    }

    let child: ChildProcess
    let input: PipeWriter
    let tail = OutputTail()
    let logger: Logger
    let state = Mutex(State())
    /// Set before the outcomes of the jobs that were in it.
    let response = Promise<End>()

    private init(child: ChildProcess, input: PipeWriter, logger: Logger) {
        self.child = child
        self.input = input
        self.logger = logger
    }

    /// - Throws: ``StartFailure`` if it cannot be started; then no descriptor is left open.
    static func start(
        _ program: HandlerProgram, longestAnswer: Int = PipeProcess.longestAnswer, logger: Logger
    ) async throws -> PipeProcess {
        var pipes: [Pipe] = []
        do {
            for _ in 1...3 { pipes.append(try Pipe()) }
            let (input, output, errors) = (pipes[0], pipes[1], pipes[2])
            let child = try await ProcessLauncher.shared.start(
                program.launch(
                    program.environment, input: input, output: .descriptor(output.writeEnd),
                    errors: .descriptor(errors.writeEnd)))
            closeAll([output.writeEnd, errors.writeEnd])
            let process = PipeProcess(
                child: child, input: PipeWriter(input.writeEnd, readEnd: input.readEnd, name: "handler"),
                logger: logger)
            process.listen(
                output: output.readEnd, errors: errors.readEnd, longestAnswer, capturedBy: program.capture)
            return process
        } catch {
            for pipe in pipes { pipe.close() }
            throw error
        }
    }

    private func listen(output: Int32, errors: Int32, _ longestAnswer: Int, capturedBy capture: OutputCapture?) {
        let lines = OutputLines(to: .standardError) { self.prefix }
        let errorReader = PipeReader(
            errors, name: "errors", lines: lines, tail: tail, capture: capture?.standardError)
        let answers = PipeResponseReader(self, errors: errorReader, lines, longestAnswer: longestAnswer)
        let outputReader = PipeReader(
            output, name: "answers",
            onBytes: { bytes in
                capture?.standardOutput.append(bytes)
                answers.append(bytes)
            }, onEnd: { self.outputHasEnded() })
        Task {
            let end = await child.waitForExit()
            // An answer from its last moment counts.
            await outputReader.finish()
            await lines.hurrying { await errorReader.finish() }
            classifyExit(end, consumed: await input.close())
        }
    }

    /// The prefix of its standard error: the job, if there is only one.
    private var prefix: String {
        let sent = state.withLock { $0.requests.filter(\.isSent) }
        return sent.count == 1 ? "job \(sent[0].context.id): " : "handler: "
    }

    // MARK: - Jobs

    /// Whether a job may be sent to it. With `fresh`, only if it has had no other job.
    func accepts(fresh: Bool) -> Bool {
        state.withLock { state in
            state.cause == nil && !state.isOver && !(fresh && (state.hasServed || !state.requests.isEmpty))
        }
    }

    /// Sends a job and waits for its outcome. If the task is cancelled, a process that understands it is told so, and has a
    /// while to answer. If it does not answer, or does not understand it, and the job is the only one in it, the process is
    /// ended. Otherwise the job is released, and a later answer is ignored.
    func run(_ context: JobContext, timeout: Duration?) async -> PipeRequest.Outcome {
        let request = state.withLock { state -> PipeRequest? in
            guard state.cause == nil, !state.isOver else { return nil }
            state.lastNumber += 1
            let request = PipeRequest(number: state.lastNumber, context: context, timeout: timeout)
            state.requests.append(request)
            return request
        }
        guard let request else { return .notStarted }
        // The line is created when its turn has come, because it can be large.
        input.write({ offset in self.begin(request, at: offset) }, done: { _ in })
        return await withTaskCancellationHandler {
            await request.response.value()
        } onCancel: {
            forget(request)
        }
    }

    /// The line to send; `nil` if the job was cancelled meanwhile or the process is about to end.
    private func begin(_ request: PipeRequest, at offset: Int) -> [UInt8]? {
        let isWanted = { (state: State) in
            state.cause == nil && state.requests.contains { $0.number == request.number }
        }
        guard state.withLock({ isWanted($0) }) else { return nil }
        let line: [UInt8]
        do {
            line = try PipeJob(request.context).line()
        } catch {
            state.withLock { $0.requests.removeAll { $0.number == request.number } }
            request.response.set(.ended(.bury("the job cannot be written as JSON: \(error)"), nil))
            return nil
        }
        let isSent = state.withLock { state in
            guard isWanted(state), let index = state.index(of: request) else { return false }
            state.hasServed = true
            state.requests[index].offset = offset
            state.requests[index].sentAt = .now
            state.requests[index].errorsBefore = tail.position
            state.requests[index].timer = timer(request)
            return true
        }
        return isSent ? line : nil
    }

    // MARK: - Ending

    /// Ends it in an orderly way and waits for that: its standard input is closed, 5 s later it gets SIGTERM, and 5 s
    /// after that SIGKILL.
    func shutDown() async {
        state.withLock { $0.cause = $0.cause ?? .ordered }
        input.closeWhenDone()
        let timer = Task {
            do { try await Task.sleep(for: Self.termination) } catch { return }
            child.terminateGroup(after: Self.termination)
        }
        _ = await response.value()
        timer.cancel()
    }

    /// Ends it with SIGTERM, and SIGKILL after `patience`. The first cause counts.
    func terminate(_ cause: TerminationReason, after patience: Duration) {
        state.withLock { $0.cause = $0.cause ?? cause }
        child.terminateGroup(after: patience)
    }

    /// It has closed its standard output, usually because it has ended.
    private func outputHasEnded() {
        guard !child.hasEnded else { return }
        Task {
            input.closeWhenDone()
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            if !child.hasEnded { terminate(.closedOutput, after: Self.termination) }
        }
    }
}

extension PipeProcess.State {
    func index(of request: PipeRequest) -> Int? { requests.firstIndex { $0.number == request.number } }
}
