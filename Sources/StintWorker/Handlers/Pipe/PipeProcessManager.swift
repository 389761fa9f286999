import Logging
import StintCore
import StintPlatform
import Synchronization

/// Keeps one process of a pipe handler alive: starts it with the first job and again after it has ended. While starts
/// fail, its jobs are given back, and the worker passes others after growing delays.
actor PipeProcessManager {
    /// How often a process that was started after a failure is checked for progress.
    private static let proofInterval: Duration = .milliseconds(50)

    private let program: HandlerProgram
    private let longestAnswer: Int
    nonisolated let gate: StartGate
    private var current: PipeProcess? {
        didSet { shown.withLock { [current] in $0 = current?.child } }
    }
    /// The current process, for callers outside the actor.
    private let shown = Mutex<ChildProcess?>(nil)
    private var starting: Task<Bool, Never>?
    private var isShutDown = false

    /// - Parameter longestAnswer: In bytes; tests use a smaller one.
    init(_ program: HandlerProgram, longestAnswer: Int = PipeProcess.longestAnswer) {
        self.program = program
        self.longestAnswer = longestAnswer
        gate = StartGate(program: program.executable)
    }

    /// Sends the job to the process, starting one if necessary, and waits for the outcome.
    ///
    /// - Throws: ``HandlerOutcome`` with `release` if the task is cancelled or the handler is shut down before, and
    ///   with `notStarted` if the process cannot be started or ends before it reads anything.
    func run(_ context: JobContext, timeout: Duration?) async throws -> PipeRequest.Outcome {
        var logger = context.logger
        for key in ["job", "queue", "attempt", "token", "job-name"] { logger[metadataKey: key] = nil }
        while true {
            let process = try await process(fresh: context.job.runsAlone, logger)
            if gate.isBackingOff { awaitProof(of: process, logger) }
            let outcome = await process.run(context, timeout: timeout)
            guard case .notStarted = outcome else {
                if case .answered = outcome { gate.started(isCommand: false, logger) }
                return outcome
            }
            // The process may be about to end for another reason; then the job goes to the next one.
            if let end = await process.response.valueUnlessCancelled() { try note(end, of: process, logger) }
        }
    }

    /// Ends the process in an orderly way and starts no other.
    func shutDown() async {
        isShutDown = true
        _ = await starting?.value
        await current?.shutDown()
    }

    /// The resident memory of the process, in bytes; `nil` if there is none.
    nonisolated var residentMemory: Int64? {
        guard let child = shown.withLock({ $0 }), !child.hasEnded else { return nil }
        return ProcessMemory.resident(ofProcess: child.id)
    }

    // MARK: - Starting

    /// A process that accepts a job; with `fresh`, one that has had none.
    private func process(fresh: Bool, _ logger: Logger) async throws -> PipeProcess {
        while true {
            guard !isShutDown, !Task.isCancelled else { throw HandlerOutcome(verdict: .release) }
            if let process = current {
                if process.accepts(fresh: fresh) { return process }
                if process.accepts(fresh: false) { Task { await process.shutDown() } }
                if let end = await process.response.valueUnlessCancelled() { try note(end, of: process, logger) }
            } else {
                let task = starting ?? Task { await start(logger) }
                starting = task
                guard await task.value else { throw HandlerOutcome(verdict: .notStarted) }
            }
        }
    }

    /// - Returns: Whether there is a process now.
    private func start(_ logger: Logger) async -> Bool {
        defer { starting = nil }
        do {
            let process = try await PipeProcess.start(program, longestAnswer: longestAnswer, logger: logger)
            current = process
            Task { forget(await process.response.value(), of: process, logger) }
            return true
        } catch let failure as StartFailure {
            gate.failed(failure, StartFailure.fault(of: failure.number, at: failure.step), logger)
        } catch {
            gate.failed("\(error)", "", .configuration, logger)
        }
        return false
    }

    /// - Throws: ``HandlerOutcome`` with `notStarted` if it ended before it had read anything.
    private func note(_ end: PipeProcess.End, of process: PipeProcess, _ logger: Logger) throws {
        forget(end, of: process, logger)
        if end.failedAtStart { throw HandlerOutcome(verdict: .notStarted) }
    }

    /// Called by everything that notices its end; the first call counts.
    private func forget(_ end: PipeProcess.End, of process: PipeProcess, _ logger: Logger) {
        guard current === process else { return }
        current = nil
        guard end.failedAtStart else { return }
        let how = AttemptDiagnostics(end.end, standardError: nil).howItEnded ?? "it is not known how"
        gate.failed(
            "it ended before it read a job: " + (end.excerpt.isEmpty ? how : "\(how): \(end.excerpt)"),
            "see what it writes to its standard error", .configuration, logger)
    }

    /// Waits until the process has read its first bytes, which proves that it works.
    private func awaitProof(of process: PipeProcess, _ logger: Logger) {
        Task {
            while !process.response.isSet {
                if await process.input.taken() > 0 { return gate.started(isCommand: false, logger) }
                do { try await Task.sleep(for: Self.proofInterval) } catch { return }
            }
        }
    }
}
