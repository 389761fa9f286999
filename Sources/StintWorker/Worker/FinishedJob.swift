import StintCore

/// A job that has ended in this worker, and what is to be settled of it.
struct FinishedJob: Sendable {
    let settlement: Settlement
    let queue: QueueName

    var lease: Lease { settlement.lease }
    /// Of the jobs that it enqueues.
    var bytes: Int { settlement.followUps.reduce(0) { $0 + $1.payload.count } }
}
