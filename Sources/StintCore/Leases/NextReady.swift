/// When a claim may find a job: the result of ``JobStore/nextReady(in:)``.
public enum NextReady: Sendable, Hashable {
    case now
    /// When this much time has passed, above zero, measured from the answer. It is a duration, so that callers do not
    /// need the store's clock.
    case after(Duration)
    /// No job is ready, and none is known to become ready by time alone.
    case unknown
}
