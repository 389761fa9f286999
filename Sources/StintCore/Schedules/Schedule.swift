/// A job that is enqueued again and again: at each tick of its recurrence one copy of it. A value of this type is
/// valid.
///
/// Two schedules of a store have two names. To set one again with the same contents changes nothing, so a program can
/// declare its schedules whenever it starts.
public struct Schedule: Sendable {
    /// The longest name, in bytes.
    public static let maximumNameBytes = 200
    /// The most schedules of a store.
    public static let maximumCount = 10_000
    /// A tick that comes later than this was missed. `stint reap`, once a minute by cron, is early enough.
    public static let tolerance: Duration = .seconds(120)

    /// 1 to 200 bytes, under the rules of queue names.
    public let name: String
    public let recurrence: Recurrence
    public let missed: MissedTicks
    /// What each tick enqueues.
    public let job: NewJob

    /// - Throws: ``StintError`` with the code `invalidInput`.
    public init(_ name: String, _ recurrence: Recurrence, missed: MissedTicks = .once, job: NewJob) throws {
        try Self.check(name)
        for header in [Headers.schedule, Headers.tick] where job.options.headers[header] != nil {
            throw StintError.invalidInput(
                "the header '\(header)' of a schedule's job is Stint's own: give yours another name")
        }
        guard job.options.idempotencyKey == nil else {
            throw StintError.invalidInput(
                "a schedule's job has no idempotency key: only the first tick of a day would add one; leave it out")
        }
        self.name = name
        self.recurrence = recurrence
        self.missed = missed
        self.job = job
        // Its headers must leave room for those of a tick.
        _ = try self.job(at: 0)
    }

    /// The job of one tick, with the schedule's name and the tick's time in its headers.
    ///
    /// - Parameter tick: `nil`: it was started by hand.
    public func job(at tick: Timestamp?) throws -> NewJob {
        var options = job.options
        try options.headers.set(Headers.schedule, to: name)
        if let tick { try options.headers.set(Headers.tick, to: utcText(tick)) }
        return try NewJob(job.payload, in: job.queue, contentType: job.contentType, options: options)
    }

    private static func check(_ name: String) throws {
        do {
            _ = try QueueName(name)
        } catch let error as StintError {
            throw StintError.invalidInput(error.description.replacing("queue name", with: "schedule name"))
        }
    }
}

extension Headers {
    /// The schedule that has made the job.
    public static let schedule = "schedule"
    /// The tick that the job is for, such as `2027-01-15T08:00:00Z`; none if it was started by hand.
    public static let tick = "schedule-tick"
}
