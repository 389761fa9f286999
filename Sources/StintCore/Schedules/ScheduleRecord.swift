#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Everything about one schedule except its payload, for people and tools.
public struct ScheduleRecord: Sendable, Hashable {
    public let name: String
    /// `nil` if it cannot tick; see ``problem``.
    public let recurrence: Schedule.Recurrence?
    /// Why it cannot tick, for example because the system does not know its time zone any more; `nil` if it can.
    public let problem: String?
    public let missed: MissedTicks
    public let isPaused: Bool
    /// The queue of its jobs, and how they are enqueued.
    public let queue: QueueName
    public let options: JobOptions
    public let contentType: String
    public let payloadBytes: Int
    /// The latest ticks that have made a job, newest first.
    public let lastTicks: [ScheduleTick]
    /// When it ticks next: `nil` if it is paused, or if there will be no tick.
    public var nextTick: Date? { nextTickMilliseconds.map { Date($0) } }
    package let nextTickMilliseconds: Timestamp?

    /// How many of ``lastTicks`` a store returns.
    public static let shownTicks = 5

    public init(
        name: String, recurrence: Schedule.Recurrence?, problem: String?, missed: MissedTicks, isPaused: Bool,
        queue: QueueName, options: JobOptions, contentType: String, payloadBytes: Int, lastTicks: [ScheduleTick],
        nextTick: Timestamp?
    ) {
        self.name = name
        self.recurrence = recurrence
        self.problem = problem
        self.missed = missed
        self.isPaused = isPaused
        self.queue = queue
        self.options = options
        self.contentType = contentType
        self.payloadBytes = payloadBytes
        self.lastTicks = lastTicks
        nextTickMilliseconds = nextTick
    }

    /// The next ticks, if nothing changes; none if it is paused.
    public func nextTicks(_ count: Int) -> [Date] {
        guard let recurrence, var tick = nextTickMilliseconds else { return [] }
        var ticks: [Timestamp] = []
        while ticks.count < count {
            ticks.append(tick)
            guard let next = recurrence.next(after: tick) else { break }
            tick = next
        }
        return ticks.map { Date($0) }
    }
}
