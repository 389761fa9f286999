/// What a database holds at the end of a run.
package struct FinalState: Sendable {
    /// Whether the queues were worked off, so that every job must be over or buried.
    package var isDrained: Bool
    package var jobs: [Job]
    /// The notes that the ticks of schedules have left.
    package var ticks: [Tick] = []
    /// What it has counted by time, of all time; a queue each.
    package var activities: [Activity] = []
    /// The largest id that a job was ever given, which is the number of all jobs; `nil`: not known.
    package var lastJob: Int?

    /// The counts of one queue.
    package struct Activity: Sendable {
        package var queue: String
        package var enqueued = 0
        package var started = 0
        package var done = 0
        /// Attempts that ended otherwise: failed, crashed or lost.
        package var otherEnds = 0
        package var cancelled = 0
        package var expired = 0
        package var timesInQueue = 0
        package var runTimes = 0
        /// The counts that the queue keeps beside these.
        package var keptDone = 0
        package var keptCancelled = 0
        package var keptExpired = 0

        package init(queue: String) { self.queue = queue }

        var ends: Int { done + otherEnds }
    }

    package init(isDrained: Bool, jobs: [Job], ticks: [Tick] = []) {
        self.isDrained = isDrained
        self.jobs = jobs
        self.ticks = ticks
    }

    /// Queues keep their jobs that are over (retention), so a job that is not here was deleted.
    package struct Job: Sendable {
        package var id: Int64
        /// Of a digest, that of its first event.
        package var reference: String
        /// The events of a digest in their order; `nil`: it is none.
        package var events: [String]?
        package var queue: String
        /// `ready`, `delayed`, `leased`, `buried`, `done`, `cancelled`, `expired`; a job in no state or in two is an error.
        package var states: [String]
        package var attempts: Int
        package var maxAttempts: Int
        package var crashes: Int
        package var maxCrashes: Int
        package var uniqueKey: String?
        /// The schedule that has enqueued it; `nil`: a call of the history has.
        package var origin: Origin?

        package init(
            id: Int64, reference: String, queue: String, states: [String], attempts: Int = 0, maxAttempts: Int = 10,
            crashes: Int = 0, maxCrashes: Int = 3, uniqueKey: String? = nil, events: [String]? = nil
        ) {
            self.id = id
            self.reference = reference
            self.queue = queue
            self.states = states
            self.attempts = attempts
            self.maxAttempts = maxAttempts
            self.crashes = crashes
            self.maxCrashes = maxCrashes
            self.uniqueKey = uniqueKey
            self.events = events
        }
    }
}

extension FinalState.Job {
    /// The references of all that was enqueued into it.
    var references: [String] { events ?? [reference] }
}
