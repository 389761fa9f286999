/// The counts of one queue. The store maintains them, so reading them costs the same at ten million jobs.
public struct QueueStats: Sendable, Hashable, Codable {
    public let name: QueueName
    public let ready: Int
    public let delayed: Int
    public let leased: Int
    public let buried: Int
    /// Jobs acknowledged since the queue was created, whether or not they are retained.
    public let done: Int
    public let paused: Bool

    public init(name: QueueName, ready: Int, delayed: Int, leased: Int, buried: Int, done: Int, paused: Bool) {
        self.name = name
        self.ready = ready
        self.delayed = delayed
        self.leased = leased
        self.buried = buried
        self.done = done
        self.paused = paused
    }

    /// Jobs that wait or run. Clamped to the range of `Int`, since another program may have written any count.
    public var unfinished: Int {
        [delayed, leased].reduce(ready) { sum, count in
            let (next, overflow) = sum.addingReportingOverflow(count)
            return overflow ? (count > 0 ? .max : .min) : next
        }
    }
}
