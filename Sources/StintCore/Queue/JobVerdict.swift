/// What a handler can throw instead of an error to say what shall become of the job.
public enum JobVerdict: Error, Sendable, Hashable {
    /// Set the job aside for a person, without more attempts.
    case bury(String)
    /// Try again after this time instead of the policy's; the attempt counts.
    case retry(after: Duration, reason: String = "the handler asked for a retry")
    /// Put the job back as if it had not been started; the attempt does not count.
    case release(after: Duration = .zero)
}
