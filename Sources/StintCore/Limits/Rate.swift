/// At most a number of starts in any window of a length.
public struct Rate: Sendable, Hashable, Codable {
    public let starts: Int
    public var window: Duration { .milliseconds(windowMilliseconds) }
    private let windowMilliseconds: Int64

    /// - Parameters:
    ///   - starts: From 1 to 1,000,000. A queue refuses other values.
    ///   - window: From 1 millisecond to 31 days. A queue refuses other values.
    public init(_ starts: Int, per window: Duration) {
        self.starts = starts
        windowMilliseconds = window.milliseconds
    }
}

/// As on the command line: `50/1s`, `1000/1h30m`.
extension Rate: CustomStringConvertible {
    public var description: String { "\(starts)/\(window.unitsText)" }
}
