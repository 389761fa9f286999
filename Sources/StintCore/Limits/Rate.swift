/// At most a number of starts in any window of a length.
public struct Rate: Sendable, Hashable, Codable {
    public let starts: Int
    public var window: Duration { .milliseconds(windowMilliseconds) }
    private let windowMilliseconds: Int64

    /// - Parameters:
    ///   - starts: From 1 to 1,000,000.
    ///   - window: From 1 millisecond to 31 days. ``JobStore/configure(_:_:)`` refuses other values.
    public init(_ starts: Int, per window: Duration) {
        self.starts = starts
        windowMilliseconds = window.milliseconds
    }

    private enum CodingKeys: String, CodingKey {
        case starts
        case windowMilliseconds = "windowMs"
    }
}
