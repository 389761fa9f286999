/// The parameters of a kind of job: what travels in the payload, as JSON.
public protocol JobParameters: Codable, Sendable {
    /// Names the kind in the job's `job-name` header. It outlives deploys, so it is written out and not derived from
    /// the type's name.
    static var jobName: String { get }
}

/// What a handler can throw instead of an error to say what shall become of the job.
public enum JobVerdict: Error, Sendable, Hashable {
    /// Set the job aside for a person, without more attempts.
    case bury(String)
    /// Try again after this time instead of the policy's; the attempt counts.
    case retry(after: Duration, reason: String = "the handler asked for a retry")
    /// Put the job back as if it had not been started; the attempt does not count.
    case release(after: Duration = .zero)
}
