/// One job with its payload and its history.
public struct JobDetails: Sendable {
    public let record: JobRecord
    package let body: JobBody
    /// Of a digest: all payloads as ``DigestFormat/lengthPrefixed`` writes them.
    public var payload: [UInt8] { body.payload }
    /// The payloads of a digest, oldest first; `nil` for any other job.
    public var events: [[UInt8]]? { body.events }
    /// Attempts that did not succeed, oldest first. The store keeps the last 50.
    public let failures: [JobFailure]

    public init(record: JobRecord, payload: [UInt8], events: [[UInt8]]? = nil, failures: [JobFailure]) {
        self.record = record
        body = events.map(JobBody.digest) ?? .single(payload)
        self.failures = failures
    }
}
