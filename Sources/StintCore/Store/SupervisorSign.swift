/// A supervisor's proof that it lives. It ends with the process, or with ``end()``.
public protocol SupervisorSign: Sendable {
    /// Names it in the registrations of its workers.
    var name: String { get }

    /// The orderly end: its workers have ended.
    func release()
}
