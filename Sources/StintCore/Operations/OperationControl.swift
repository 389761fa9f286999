/// What a person does with an operation.
public enum OperationControl: String, Sendable, Hashable, CaseIterable {
    /// No step follows until it is resumed.
    case pause
    case resume
    /// Ends it. What it has changed stays changed.
    case cancel

    /// - Returns: The state that follows.
    /// - Throws: ``StintError`` with the code `invalidInput` if the operation has ended.
    public func next(of operation: BulkOperation) throws -> BulkOperation.State {
        guard !operation.state.isEnded else {
            throw StintError.invalidInput(
                "operation \(operation.id) is \(operation.state.rawValue): it has ended already")
        }
        return switch self {
        case .pause: .paused
        case .resume: .running
        case .cancel: .cancelled
        }
    }
}
