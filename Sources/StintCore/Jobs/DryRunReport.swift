/// What a job's handler did with a copy of the job, and what would have become of the job.
public struct DryRunReport: Sendable {
    public enum Verdict: String, Sendable, Hashable, Codable, CaseIterable {
        case done, failed, crashed, buried
        /// The run was ended from outside before the handler had an outcome.
        case stopped
        /// The handler could not be started, so the job would have stayed as it is.
        case notStarted
    }

    /// The end of what the handler wrote.
    public struct Output: Sendable, Hashable {
        /// At most 64 KiB.
        public let bytes: [UInt8]
        /// How many bytes it wrote in all.
        public let total: Int

        public init(_ bytes: [UInt8], total: Int) {
            self.bytes = bytes
            self.total = total
        }

        public var isCut: Bool { bytes.count < total }
        /// Invalid UTF-8 becomes U+FFFD.
        public var text: String { bytes.textTail(limit: bytes.count) }
    }

    public let job: JobID
    public let queue: QueueName
    public let verdict: Verdict
    /// The state that the job would be in now; `nil`: it would be as it is.
    public var state: JobState?
    /// About how long it would wait for its next attempt.
    public var retryAfter: Duration?
    /// Why it would not be done, in the words of an attempt's error.
    public var error: String?
    /// What to do about it, if the dry run itself may be the cause.
    public var hint: String?
    /// The jobs that the handler asked for; they are not enqueued.
    public var followUps: [NewJob] = []
    public var diagnostics: AttemptDiagnostics?
    public var runTime: Duration = .zero
    public var standardOutput = Output([], total: 0)
    public var standardError = Output([], total: 0)

    public init(_ job: JobID, in queue: QueueName, _ verdict: Verdict) {
        self.job = job
        self.queue = queue
        self.verdict = verdict
    }

    /// What would have become of the job, in one sentence.
    public var sentence: String {
        let why = error.map { ": \($0)" } ?? ""
        return switch (verdict, state) {
        case (.done, _): "the job would be done"
        case (.stopped, _): "the run was stopped, and the job would be given back"
        case (.notStarted, _): "the handler cannot be started, and the job would be given back\(why)"
        case (_, .buried?): "the job would be buried\(why)"
        case (_, _):
            "the job would run again\(retryAfter.map { $0 > .zero ? " in about \($0.unitsText)" : " at once" } ?? "")\(why)"
        }
    }
}

extension DryRunReport: Encodable {
    private enum Keys: String, CodingKey {
        case job, queue, verdict, state, retryAfterMilliseconds, error, hint, followUps, exitCode, signal
        case runMilliseconds, peakMemoryBytes, standardOutput, standardOutputBytes, standardError, standardErrorBytes
    }

    private struct FollowUp: Encodable {
        let queue: String
        let contentType: String
        let payload: String
        let payloadBytes: Int
        let priority: UInt32
        let delayMilliseconds: Int64
        let group: String?
        let uniqueKey: String?
        let headers: Headers

        init(_ job: NewJob) {
            queue = job.queue.description
            contentType = job.contentType
            payload = String(decoding: job.payload.prefix(DryRunReport.shownPayloadBytes), as: UTF8.self)
            payloadBytes = job.payload.count
            priority = job.options.priority
            delayMilliseconds = job.options.delay.milliseconds
            group = job.options.group
            uniqueKey = job.options.uniqueKey
            headers = job.options.headers
        }
    }

    /// How much of the payload of a follow-up job is in the document.
    private static let shownPayloadBytes = 4_096

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(job, forKey: .job)
        try container.encode(queue, forKey: .queue)
        try container.encode(verdict, forKey: .verdict)
        try container.encodeIfPresent(state, forKey: .state)
        try container.encodeIfPresent(retryAfter?.milliseconds, forKey: .retryAfterMilliseconds)
        try container.encodeIfPresent(error, forKey: .error)
        try container.encodeIfPresent(hint, forKey: .hint)
        try container.encode(followUps.map(FollowUp.init), forKey: .followUps)
        try container.encodeIfPresent(diagnostics?.exitCode, forKey: .exitCode)
        try container.encodeIfPresent(diagnostics?.signal, forKey: .signal)
        try container.encode(runTime.milliseconds, forKey: .runMilliseconds)
        try container.encodeIfPresent(diagnostics?.peakMemoryBytes, forKey: .peakMemoryBytes)
        try container.encode(standardOutput.text, forKey: .standardOutput)
        try container.encode(standardOutput.total, forKey: .standardOutputBytes)
        try container.encode(standardError.text, forKey: .standardError)
        try container.encode(standardError.total, forKey: .standardErrorBytes)
    }
}
