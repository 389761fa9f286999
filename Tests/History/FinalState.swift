/// What a database holds at the end of a run.
package struct FinalState: Sendable {
    /// Whether the queues were worked off, so that every job must be over or buried.
    package var isDrained: Bool
    package var jobs: [Job]

    package init(isDrained: Bool, jobs: [Job]) {
        self.isDrained = isDrained
        self.jobs = jobs
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
