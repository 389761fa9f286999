import Logging
import StintCore
import StintPlatform

/// Runs the handler of a job once on a copy of it: nothing is claimed, no attempt counts, nothing is written to the
/// store.
///
///     let report = try await DryRun(["./send-mail"]).run(42, of: queue)
///
/// The handler gets what a worker would give it: the payload, the headers and the variables, and the same limits apply.
/// What differs: `STINT_DRY_RUN` is `1`; its current folder and `TMPDIR` are a new, empty folder that is removed
/// afterwards; its token is 0, so that systems that compare tokens refuse it; and its output is captured. What a handler
/// does elsewhere (it sends a mail, it writes to another database) is its own affair: one that must not do so in a dry
/// run looks at `STINT_DRY_RUN`.
public struct DryRun: Sendable {
    public enum Kind: Sendable {
        /// As ``CommandHandler``.
        case command
        /// As ``PipeHandler``.
        case pipe
    }

    /// How long a run may take if neither the caller nor the job says so.
    public static let defaultTimeToRun: Duration = .seconds(60)

    /// Instead of the job's own.
    public var timeToRun: Duration?
    /// Also if the job may run for longer.
    public var longestTimeToRun: Duration?
    private let program: @Sendable (_ variables: [String: String]) throws -> HandlerProgram
    private let arguments: [String]
    private let kind: Kind
    private let digestFormat: DigestFormat
    private let retry: RetryPolicy

    /// - Parameters:
    ///   - command: The program, found in `PATH` if it has no slash, and its arguments.
    ///   - variables: Added to this process's environment.
    ///   - memoryLimit, digestFormat: See ``CommandHandler``.
    ///   - retry: What the report takes the delay of the next attempt from.
    /// - Throws: ``StintError`` with the code `invalidInput` if there is no such program.
    public init(
        _ command: [String], kind: Kind = .command, variables: [String: String] = [:], memoryLimit: Int64? = nil,
        digestFormat: DigestFormat = .lines, retry: RetryPolicy = .exponential()
    ) throws {
        arguments = Array(command.dropFirst())
        self.kind = kind
        self.digestFormat = digestFormat
        self.retry = retry
        program = { more in
            let variables = variables.merging(more) { $1 }
            return switch kind {
            case .command: try HandlerProgram(command, variables: variables, memoryLimit: memoryLimit)
            case .pipe: try PipeHandler.program(command, variables: variables, memoryLimit: memoryLimit)
            }
        }
        _ = try program([:])
    }

    /// Runs the handler to its end. If this task is cancelled, the handler is ended as a worker would do it: SIGTERM to
    /// its process group, and SIGKILL 5 s later.
    ///
    /// - Throws: ``StintError``: `notFound`, `invalidInput` for a job that a worker runs now, `storageFailed` if there can
    ///   be no scratch folder.
    public func run(_ id: JobID, of queue: JobQueue<some JobStore>) async throws -> DryRunReport {
        guard let details = try await queue.job(id) else { throw StintError.notFound(id) }
        guard details.record.state != .leased else {
            throw StintError.invalidInput("job \(id) is leased: a worker runs it now; wait for its end")
        }
        let folder = try ScratchFolder(named: "stint-dry-run")
        let capture = OutputCapture()
        let strays = arguments.filter { !$0.hasPrefix("/") && !$0.hasPrefix("-") && access($0, F_OK) == 0 }
        var report: DryRunReport
        do {
            let program = try program(["STINT_DRY_RUN": "1", "TMPDIR": folder.path, "PWD": folder.path])
                .running(in: folder.path, capturedBy: capture)
            report = await run(details, queue.store, program)
        } catch {
            _ = folder.remove()
            throw error
        }
        let (output, errors) = (capture.standardOutput.end, capture.standardError.end)
        report.standardOutput = .init(output.bytes, total: output.total)
        report.standardError = .init(errors.bytes, total: errors.total)
        if report.verdict != .done, let stray = strays.first {
            report.hint =
                "the handler ran in a scratch folder: if \(quoted(stray)) is a file of the current folder, give its whole path"
        }
        if let problem = folder.remove() { report.hint = problem }
        return report
    }

    private func run(_ details: JobDetails, _ store: any JobStore, _ program: HandlerProgram) async -> DryRunReport {
        let record = details.record
        let handler =
            switch kind {
            case .command: CommandHandler(program, digestFormat: digestFormat).handler(retry: retry)
            case .pipe: PipeHandler(PipeProcessManager(program)).handler(retry: retry)
            }
        let context = JobContext(
            job: LeasedJob(copyOf: details), store: store, worker: "dry-run",
            logger: Logger(label: "stint.dry-run") { _ in SwiftLogNoOpLogHandler() })
        var limit = timeToRun ?? record.timeToRun ?? Self.defaultTimeToRun
        if let longestTimeToRun { limit = min(limit, longestTimeToRun) }
        let run = JobRun(handler: handler, context: context, timeout: limit, isTraced: false, endsWithHang: false)
        let start = ContinuousClock.now
        let result = await Self.result(of: run)
        let runTime = ContinuousClock.now - start
        await handler.shutDown?()
        var report = Self.report(result, on: record, attempt: context.attempt, handler)
        report.runTime = runTime
        return report
    }

    private static func result(of run: JobRun) async -> RunResult? {
        let handler = Task { await run.result() }
        // Cancelling the handler's task ends it; to stop waiting for it would leave it behind.
        let whole = Task {
            if let timeout = run.timeoutToKeep { return await run.result(of: handler, within: timeout) }
            return await handler.value
        }
        return await withTaskCancellationHandler {
            await whole.value
        } onCancel: {
            handler.cancel()
        }
    }

    private static func report(
        _ result: RunResult?, on record: JobRecord, attempt: Int, _ handler: Handler
    ) -> DryRunReport {
        let outcome = result?.outcome ?? .ack
        let held = HeldAttempt(
            attempts: Int64(attempt), crashes: record.state == .buried ? 0 : Int64(record.crashes),
            maxAttempts: Int64(record.maxAttempts), maxCrashes: Int64(record.maxCrashes), isSuspect: record.suspect)
        let next = Transition.after(outcome, held, maxAttempts: result?.maxAttempts)
        var report = DryRunReport(record.id, in: record.queue, verdict(result, outcome))
        report.diagnostics = result?.diagnostics
        report.followUps = result?.followUps ?? []
        report.error = next.failure?.error
        if result?.isNotStarted == true { report.error = handler.startGate?.lastFailure }
        guard report.verdict != .stopped, report.verdict != .notStarted else { return report }
        switch next.destination {
        case .done: report.state = .done
        case .waiting(let delay, _, _, _):
            report.state = delay > .zero ? .delayed : .ready
            report.retryAfter = delay
        case .buried(let reason, _, _):
            report.state = .buried
            report.error = reason
        case .expired: report.state = .expired
        }
        return report
    }

    private static func verdict(_ result: RunResult?, _ outcome: Settlement.Outcome) -> DryRunReport.Verdict {
        if result?.isNotStarted == true { return .notStarted }
        if Task.isCancelled { return .stopped }
        return switch outcome {
        case .ack: .done
        case .fail: .failed
        case .crash, .suspect: .crashed
        case .bury: .buried
        case .release, .expire, .refuse: .stopped
        }
    }
}

extension LeasedJob {
    /// A copy for a handler, without a lease. A buried job has all its attempts again, as after a kick.
    fileprivate convenience init(copyOf details: JobDetails) {
        let record = details.record
        self.init(
            lease: Lease(job: record.id, token: FencingToken(rawValue: 0)), queue: record.queue,
            payload: details.payload, contentType: record.contentType, headers: record.headers,
            priority: record.priority, attempt: record.state == .buried ? 1 : record.attempts + 1,
            maxAttempts: record.maxAttempts, timeToRun: record.timeToRun, enqueuedAt: record.enqueuedAtMilliseconds,
            runsAlone: true, events: details.events)
    }
}
