/// The number of an operation. It grows and is never reused.
public struct OperationID: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue) }

    public static func < (left: OperationID, right: OperationID) -> Bool { left.rawValue < right.rawValue }
}
