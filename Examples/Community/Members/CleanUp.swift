import Stint

/// Deletes sessions and links whose time is over. A schedule enqueues it each night.
struct CleanUp: JobParameters {
    static let jobName = "clean-up"
    static let queue: QueueName = "chores"
}
