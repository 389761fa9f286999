/// The result of a look for an operation to go on with.
public enum OperationStep: Sendable, Hashable {
    /// No operation is running.
    case idle
    /// Another driver has made a step within ``BulkOperation/takeOverTime``, so this one did nothing.
    case elsewhere
    /// A step of this operation was made.
    ///
    /// - Parameter changed: How many jobs it has changed.
    case made(BulkOperation, changed: Int)
}

/// One that goes on with operations, step by step. Of several, in all processes of a store, one at a time makes steps.
public struct OperationDriver: Sendable, Hashable {
    public let token: Int64

    public init() { token = .random(in: 1 ... .max) }

    /// For tests: the same driver in several processes, one after the other.
    package init(token: Int64) { self.token = token }
}
