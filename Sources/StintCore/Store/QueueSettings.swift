/// A change to a queue's settings; `nil` leaves a setting as it is.
public struct QueueSettings: Sendable, Hashable {
    public var paused: Bool?
    /// How long done jobs are kept; zero keeps none.
    public var retention: Duration?

    public init(paused: Bool? = nil, retention: Duration? = nil) {
        self.paused = paused
        self.retention = retention
    }
}
