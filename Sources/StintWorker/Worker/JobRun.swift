import Logging
import StintCore
import Tracing

/// One run of one job's handler, to the outcome that is to be settled.
struct JobRun: Sendable {
    /// How long a handler may go on after its task was cancelled; then its job is settled without it. Longer than a
    /// command gets between SIGTERM and SIGKILL.
    static let windDown: Duration = .seconds(8)
    /// The longest error text that is kept of an attempt, in bytes.
    static let maximumErrorBytes = 4_096

    let handler: Handler
    let context: JobContext
    let timeout: Duration?
    /// Whether anybody looks at spans: where not, making one costs a good part of a short job's time.
    let isTraced: Bool

    /// Runs the handler and maps how it ended. `nil`: the handler has settled the job itself.
    func outcome() async -> Settlement.Outcome? {
        do {
            if isTraced { try await runInSpan() } else { try await handler.run(context) }
            return context.settlement.isSet ? nil : .ack
        } catch {
            guard !context.settlement.isSet else {
                context.logger.warning(
                    "the handler threw after it had acknowledged its job", metadata: ["error": "\(error)"])
                return nil
            }
            return outcome(of: error)
        }
    }

    private func runInSpan() async throws {
        let name = context.headers[Headers.jobName] ?? "stint.job"
        try await withSpan(name, context: TraceContext.extract(from: context.headers), ofKind: .consumer) { span in
            span.attributes["messaging.system"] = "stint"
            span.attributes["messaging.destination.name"] = context.queue.description
            span.attributes["messaging.message.id"] = context.id.description
            try await handler.run(context)
        }
    }

    private func outcome(of error: any Error) -> Settlement.Outcome {
        switch error {
        case JobVerdict.bury(let reason): return .bury(reason: Self.cut(reason))
        case JobVerdict.release(let delay): return .release(after: delay)
        case JobVerdict.retry(let delay, let reason): return failure(reason, retryAfter: delay)
        case let crash as Crash: return .crash(error: Self.cut(crash.description), retryAfter: retryDelay)
        default: return failure("\(error)", retryAfter: retryDelay)
        }
    }

    private var retryDelay: Duration { handler.retry.delay(afterAttempt: context.attempt) }

    private func failure(_ text: String, retryAfter delay: Duration) -> Settlement.Outcome {
        let text = Self.cut(text)
        if let limit = handler.retry.maxAttempts, context.attempt >= limit, context.attempt < context.maxAttempts {
            return .bury(reason: "no attempts left (\(context.attempt) of the worker's \(limit)), last: \(text)")
        }
        return .fail(error: text, retryAfter: delay)
    }

    private static func cut(_ text: String) -> String {
        let bytes = text.utf8.count
        return bytes <= maximumErrorBytes ? text : "…" + Array(text.utf8).textTail(limit: maximumErrorBytes)
    }

    /// Waits for the handler's task, but not for ever: past the timeout the task is cancelled, and a handler that does
    /// not end then is left behind and its attempt has failed.
    func outcome(of task: Task<Settlement.Outcome?, Never>, within timeout: Duration) async -> Settlement.Outcome? {
        enum Event {
            case finished(Settlement.Outcome?)
            case timedOut, abandoned
        }
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        Task { continuation.yield(.finished(await task.value)) }
        let timer = Task {
            try await Task.sleep(for: timeout)
            continuation.yield(.timedOut)
            try await Task.sleep(for: Self.windDown)
            continuation.yield(.abandoned)
        }
        defer { timer.cancel() }
        var timedOut = false
        for await event in events {
            switch event {
            case .finished(let outcome) where !timedOut: return outcome
            // It may have finished in the same moment; what it says of itself counts.
            case .finished(.ack): return .ack
            case .finished(nil): return nil
            case .finished: return tookTooLong(timeout, "")
            case .timedOut:
                timedOut = true
                task.cancel()
            case .abandoned where context.settlement.isSet: return nil
            case .abandoned: return tookTooLong(timeout, " and did not stop when its task was cancelled")
            }
        }
        return tookTooLong(timeout, "")
    }

    private func tookTooLong(_ timeout: Duration, _ more: String) -> Settlement.Outcome {
        let text = "timed out after \(timeout)\(more)"
        return handler.timeoutIsCrash
            ? .crash(error: text, retryAfter: retryDelay) : failure(text, retryAfter: retryDelay)
    }
}

/// Thrown by handlers that run a process of their own, when that process dies of a signal.
struct Crash: Error, CustomStringConvertible {
    let description: String
}
