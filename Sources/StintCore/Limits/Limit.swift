/// A change of a limit.
public enum Limit<Value: Sendable & Hashable>: Sendable, Hashable {
    case unlimited
    case to(Value)

    /// `nil`: unlimited.
    public var value: Value? { if case .to(let value) = self { value } else { nil } }
}

/// A limit of a number of jobs is written as that number.
extension Limit: ExpressibleByIntegerLiteral where Value == Int {
    public init(integerLiteral value: Int) { self = .to(value) }
}

extension Limit where Value == Rate {
    /// At most this many starts in any window of this length; see ``Rate/init(_:per:)`` for what is allowed.
    public static func to(_ starts: Int, per window: Duration) -> Self { .to(Rate(starts, per: window)) }
}
