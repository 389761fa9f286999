/// A number that is new at every claim and never reused. Of two holders of a job, the one with the larger token is the
/// current one. A handler can pass it to systems that check it ("fencing").
public struct FencingToken: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue) }

    public static func < (left: FencingToken, right: FencingToken) -> Bool { left.rawValue < right.rawValue }
}
