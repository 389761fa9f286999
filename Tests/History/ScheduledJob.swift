/// Schedules, as far as the checker knows them.
extension Call {
    package struct Schedule: Codable, Sendable, Equatable {
        package var name: String
        package var missed: Missed
        /// In milliseconds; `nil`: it ticks by a cron expression, whose times the checker does not know.
        package var interval: Int64?
        /// A time from which the intervals count.
        package var origin: Int64

        package enum Missed: String, Codable, Sendable {
            case skip, once, all
        }

        package init(name: String, missed: Missed, interval: Int64?, origin: Int64 = 0) {
            self.name = name
            self.missed = missed
            self.interval = interval
            self.origin = origin
        }
    }
}

extension FinalState {
    /// Where the job of a schedule comes from.
    package struct Origin: Sendable, Hashable {
        package var schedule: String
        /// In milliseconds since 1970; `nil`: a person has started it.
        package var tick: Int64?

        package init(schedule: String, tick: Int64?) {
            self.schedule = schedule
            self.tick = tick
        }
    }

    /// The note of a tick that has made a job.
    package struct Tick: Sendable, Hashable {
        package var schedule: String
        package var time: Int64
        package var job: Int64

        package init(schedule: String, time: Int64, job: Int64) {
            self.schedule = schedule
            self.time = time
            self.job = job
        }
    }
}
