import Logging
import StintCore
import Synchronization

/// Keeps one process of a pipe handler alive: starts it when the first job comes and again when it has ended, more slowly
/// while it fails at start.
actor PipeKeeper {
    private static let firstDelay: Duration = .milliseconds(100)
    private static let longestDelay: Duration = .seconds(30)

    private let program: HandlerProgram
    private var current: PipeProcess? {
        didSet { shown.withLock { [current] in $0 = current?.child } }
    }
    /// The current process for those that cannot wait.
    private let shown = Mutex<ChildProcess?>(nil)
    private var starting: Task<Void, Never>?
    private var failedStarts = 0
    private var notBefore = ContinuousClock.now
    /// Its user was told that it fails at start.
    private var isInTrouble = false
    private var isShutDown = false

    init(_ program: HandlerProgram) {
        self.program = program
    }

    /// Sends the job to the process, as soon as there is one that reads it, and waits for what becomes of it.
    ///
    /// - Throws: ``RunEnd`` with `release` where the task is cancelled or the handler shut down before.
    func run(_ context: JobContext, timeout: Duration?) async throws -> PipeFlight.Outcome {
        var logger = context.logger
        for key in ["job", "queue", "attempt", "token", "job-name"] { logger[metadataKey: key] = nil }
        while true {
            let process = try await process(fresh: context.job.runsAlone, logger)
            let outcome = await process.run(context, timeout: timeout)
            if case .notStarted = outcome { continue }
            if case .answered = outcome { noteItWorks(logger) }
            return outcome
        }
    }

    /// Ends the process in an orderly way, and starts none any more.
    func shutDown() async {
        isShutDown = true
        await starting?.value
        await current?.end()
    }

    /// Of the process, in bytes; `nil` where there is none.
    nonisolated var residentMemory: Int64? {
        guard let child = shown.withLock({ $0 }), !child.hasEnded else { return nil }
        return ProcessIdentity.residentMemory(ofProcess: child.id)
    }

    // MARK: - Starting

    /// A process that takes a job; where it must be fresh, one that has had none.
    private func process(fresh: Bool, _ logger: Logger) async throws -> PipeProcess {
        while true {
            guard !isShutDown, !Task.isCancelled else { throw RunEnd(verdict: .release) }
            if let process = current {
                if process.accepts(fresh: fresh) { return process }
                if process.accepts(fresh: false) { Task { await process.end() } }
                if let end = await process.whenOver.valueUnlessCancelled() { note(end, of: process, logger) }
            } else if let starting {
                await starting.value
            } else if notBefore > .now {
                do { try await Task.sleep(until: notBefore) } catch { continue }
            } else {
                let task = Task { await start(logger) }
                starting = task
                await task.value
            }
        }
    }

    private func start(_ logger: Logger) async {
        defer { starting = nil }
        do {
            let process = try await PipeProcess.start(program, logger: logger)
            current = process
            Task { note(await process.whenOver.value(), of: process, logger) }
        } catch {
            noteFailedStart("\(error)", logger)
        }
    }

    /// Called by each that learns of it; the first counts.
    private func note(_ end: PipeProcess.End, of process: PipeProcess, _ logger: Logger) {
        guard current === process else { return }
        current = nil
        guard end.failedAtStart else {
            failedStarts = 0
            return
        }
        let how = Dossier(end.end, standardError: nil).howItEnded ?? "unseen"
        noteFailedStart(end.excerpt.isEmpty ? how : "\(how): \(end.excerpt)", logger)
    }

    private func noteFailedStart(_ why: String, _ logger: Logger) {
        let delay = min(Self.longestDelay, Self.firstDelay * (1 << min(failedStarts, 10)))
        failedStarts += 1
        notBefore = .now + delay
        guard !isInTrouble else { return }
        isInTrouble = true
        logger.error(
            "the handler ends before it reads a job; it is started again, more and more slowly, and its jobs wait",
            metadata: ["handler": "\(program.executable)", "reason": "\(why)"])
    }

    private func noteItWorks(_ logger: Logger) {
        guard isInTrouble else { return }
        isInTrouble = false
        failedStarts = 0
        logger.notice("the handler works again", metadata: ["handler": "\(program.executable)"])
    }
}
