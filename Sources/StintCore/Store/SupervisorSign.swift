/// A supervisor's proof that it lives. It ends with the process, or with ``release()``.
public protocol SupervisorSign: Sendable {
    /// The name in the registrations of its workers.
    var name: String { get }

    /// Ends the proof. Call it when all workers have ended.
    func release()
}
