/// The answer to ``JobStore/nextReady(in:now:)``.
public enum NextReady: Sendable, Hashable {
    case now
    case at(Timestamp)
    case unknown
}
