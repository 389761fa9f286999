/// A change of a limit.
public enum Limit<Value: Sendable & Hashable>: Sendable, Hashable {
    case unlimited
    case to(Value)

    /// `nil`: unlimited.
    public var value: Value? { if case .to(let value) = self { value } else { nil } }
}
