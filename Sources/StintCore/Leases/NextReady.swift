/// The result of ``JobStore/nextReady(in:)``.
public enum NextReady: Sendable, Hashable {
    case now
    case at(Timestamp)
    case unknown
}
