/// The counts of one queue. They are kept and not counted, so reading them costs the same at ten million jobs.
public struct QueueStats: Sendable, Hashable, Codable {
    public let name: QueueName
    public let ready: Int
    public let delayed: Int
    public let leased: Int
    public let buried: Int
    /// Jobs acknowledged since the queue was made, whether or not the queue keeps them for a while.
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

    /// Jobs that will still run, or are running.
    /// Cut to the range of `Int`, whatever another program has written.
    public var unfinished: Int {
        [delayed, leased].reduce(ready) { sum, count in
            let (next, overflow) = sum.addingReportingOverflow(count)
            return overflow ? (count > 0 ? .max : .min) : next
        }
    }
}
