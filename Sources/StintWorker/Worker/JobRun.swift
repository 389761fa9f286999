import Logging
import StintCore
import StintPlatform
import Tracing

/// One run of one job's handler, up to the outcome to settle.
struct JobRun: Sendable {
    /// The longest error text that is kept of an attempt, in bytes.
    static let maximumErrorBytes = 4_096

    let handler: Handler
    let context: JobContext
    let timeout: Duration?
    /// Whether there is a tracer. Without one, creating a span would cost a good part of a short job's time.
    let isTraced: Bool
    /// Whether this process ends and is replaced if the handler hangs; then the hang counts as a crash.
    let endsWithHang: Bool

    /// The time limit that this run enforces, because the handler does not.
    var timeoutToKeep: Duration? { handler.keepsTime ? nil : timeout }

    /// Runs the handler and maps how it ended; `nil` if the handler has settled the job itself.
    func result() async -> RunResult? {
        do {
            if isTraced { try await runInSpan() } else { try await handler.run(context, timeout) }
            return done
        } catch {
            if context.settlement.isDone {
                context.logger.warning("the handler threw after its job was done", metadata: ["error": "\(error)"])
                return done
            }
            var result = result(of: error)
            result.maxAttempts = handler.retry.maxAttempts
            return result
        }
    }

    /// `nil` if the handler has settled the job itself.
    private var done: RunResult? {
        context.settlement.isSet ? nil : RunResult(outcome: .ack, followUps: context.settlement.followUps ?? [])
    }

    private func runInSpan() async throws {
        let name = context.headers[Headers.jobName] ?? "stint.job"
        try await withSpan(name, context: TraceContext.extract(from: context.headers), ofKind: .consumer) { span in
            span.attributes["messaging.system"] = "stint"
            span.attributes["messaging.destination.name"] = context.queue.description
            span.attributes["messaging.message.id"] = context.id.description
            try await handler.run(context, timeout)
        }
    }

    private func result(of error: any Error) -> RunResult {
        switch error {
        case JobVerdict.bury(let reason): RunResult(outcome: .bury(reason: Self.cut(reason)))
        case JobVerdict.release(let delay): RunResult(outcome: .release(after: delay))
        case JobVerdict.retry(let delay, let reason): RunResult(outcome: failure(reason, retryAfter: delay))
        case let end as HandlerOutcome:
            RunResult(
                outcome: outcome(of: end.verdict), followUps: end.followUps, diagnostics: end.diagnostics,
                endedAsOrdered: Self.endedAsOrdered(end), isNotStarted: end.verdict == .notStarted)
        default: RunResult(outcome: failure("\(error)", retryAfter: retryDelay))
        }
    }

    private func outcome(of verdict: HandlerOutcome.Verdict) -> Settlement.Outcome {
        switch verdict {
        case .done: .ack
        case .failed(let error, let delay): failure(error, retryAfter: delay ?? retryDelay)
        case .crashed(let error, endedByUs: _): .crash(error: Self.cut(error), retryAfter: retryDelay)
        case .bury(let reason): .bury(reason: Self.cut(reason))
        case .suspect: .suspect
        case .release, .notStarted: .release(after: .zero)
        }
    }

    private static func endedAsOrdered(_ end: HandlerOutcome) -> Bool {
        if case .crashed(_, endedByUs: true) = end.verdict { return false }
        return end.diagnostics?.endedAsOrdered == true
    }

    private var retryDelay: Duration { handler.retry.delay(afterAttempt: context.attempt) }

    private func failure(_ text: String, retryAfter delay: Duration) -> Settlement.Outcome {
        .fail(error: Self.cut(text), retryAfter: delay)
    }

    private static func cut(_ text: String) -> String {
        let bytes = text.utf8.count
        return bytes <= maximumErrorBytes ? text : "…" + Array(text.utf8).textTail(limit: maximumErrorBytes)
    }

    /// Waits for the handler's task. Past the timeout the task is cancelled; a handler that does not end then is
    /// abandoned, and its attempt has failed.
    func result(of task: Task<RunResult?, Never>, within timeout: Duration) async -> RunResult? {
        enum Event {
            case finished(RunResult?)
            case timedOut, abandoned
        }
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        Task { continuation.yield(.finished(await task.value)) }
        let timer = Task {
            try await Task.sleepAwake(for: timeout)
            continuation.yield(.timedOut)
            try await Task.sleep(for: handler.cancellationTimeout)
            continuation.yield(.abandoned)
        }
        defer { timer.cancel() }
        var timedOut = false
        for await event in events {
            switch event {
            case .finished(let result) where !timedOut: return result
            case .finished(nil): return nil
            // It may have finished in the same moment; then its own result counts.
            case .finished(let result?) where result.outcome == .ack || result.isNotStarted:
                return result
            case .finished(let result?): return tookTooLong(timeout, diagnostics: result.diagnostics)
            case .timedOut:
                timedOut = true
                task.cancel()
            case .abandoned where context.settlement.isSet: return nil
            case .abandoned: return tookTooLong(timeout, " and did not stop when its task was cancelled", isHung: true)
            }
        }
        return tookTooLong(timeout)
    }

    private func tookTooLong(
        _ timeout: Duration, _ more: String = "", diagnostics: AttemptDiagnostics? = nil, isHung: Bool = false
    ) -> RunResult {
        let text = "timed out after \(timeout)\(more)"
        var diagnostics = diagnostics
        if isHung {
            diagnostics = AttemptDiagnostics(
                peakMemoryBytes: ProcessMemory.peakOfThisProcess, runTimeMilliseconds: timeout.milliseconds)
        }
        let outcome: Settlement.Outcome =
            handler.timeoutIsCrash || isHung && endsWithHang
            ? .crash(error: text, retryAfter: retryDelay) : failure(text, retryAfter: retryDelay)
        return RunResult(
            outcome: outcome, diagnostics: diagnostics, maxAttempts: handler.retry.maxAttempts, isHung: isHung)
    }
}
