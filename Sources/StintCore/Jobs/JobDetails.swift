/// One job with its payload and its history.
public struct JobDetails: Sendable {
    public let record: JobRecord
    public let payload: [UInt8]
    /// Attempts that did not succeed, oldest first. The store keeps the last 50.
    public let failures: [JobFailure]

    public init(record: JobRecord, payload: [UInt8], failures: [JobFailure]) {
        self.record = record
        self.payload = payload
        self.failures = failures
    }
}
