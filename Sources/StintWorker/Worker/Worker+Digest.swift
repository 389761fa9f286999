import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Worker {
    /// Runs digests of this kind of event with `handler`, which gets all events of a digest in order. A single job of the
    /// kind comes as an array of one.
    ///
    ///     let options = JobOptions(
    ///         uniqueKey: "member-42", onConflict: .collect, debounce: .seconds(600), atMost: .seconds(7_200))
    ///     try await queue.enqueue(Comment(text: "Nice!"), in: "digests", options: options)
    ///
    ///     worker.registerDigest(Comment.self) { comments, context in
    ///         try await mailer.send(digestOf: comments)
    ///     }
    ///
    /// The digest is one job: it is acknowledged, fails and is retried as a whole. If an event does not decode, it is
    /// buried with the reason. Only one handler can be registered for a name, with this or `registerJob`: a second one is
    /// a programmer's error and ends the program.
    ///
    /// - Parameters:
    ///   - retry: When a failed digest runs again. The smaller of its `maxAttempts` and the job's own counts.
    ///   - timeout: How long one run may take, if the job itself has no limit. Then the handler's task is cancelled,
    ///     and the attempt has failed.
    public mutating func registerDigest<Event: JobParameters>(
        _ type: Event.Type = Event.self, retry: RetryPolicy = .exponential(), timeout: Duration? = nil,
        handler run: @escaping @Sendable ([Event], JobContext) async throws -> Void
    ) {
        let handler = Handler(retry: retry, timeout: timeout) { context, _ in
            let decoder = JSONDecoder()
            let payloads = context.job.events ?? [context.job.payload]
            let events = try payloads.enumerated().map { index, payload in
                do {
                    return try decoder.decode(Event.self, fromBytes: payload)
                } catch {
                    throw JobVerdict.bury(
                        "event \(index + 1) of \(payloads.count) does not decode as '\(Event.jobName)': \(error)")
                }
            }
            try await run(events, context)
        }
        handlers.register(handler, for: Event.jobName)
    }
}
