/// Thrown by a handler to decide what happens to its job.
public enum JobVerdict: Error, Sendable, Hashable {
    /// Bury the job, without more attempts.
    case bury(String)
    /// Retry after this delay instead of the retry policy's; the attempt counts.
    case retry(after: Duration, reason: String = "the handler asked for a retry")
    /// Put the job back as if it had not been started; the attempt does not count.
    case release(after: Duration = .zero)
}
