import Synchronization

/// Set when the task that sends a message was cancelled.
final class SMTPCancellation: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }
    func set() { flag.store(true, ordering: .releasing) }
}
