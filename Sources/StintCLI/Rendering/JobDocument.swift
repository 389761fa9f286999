import StintCore

/// A job's record with its failures and payload, and why it waits.
struct JobDocument: Encodable {
    private let job: JobDetails
    private let waitReason: WaitReason?

    init(_ job: JobDetails, waitReason: WaitReason?) {
        self.job = job
        self.waitReason = waitReason
    }

    private enum Keys: String, CodingKey {
        case failures, waitReason
    }

    func encode(to encoder: any Encoder) throws {
        try job.record.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(job.failures, forKey: .failures)
        try container.encodeIfPresent(waitReason.map(WaitReasonDocument.init), forKey: .waitReason)
        try job.body.encode(to: encoder)
    }
}
