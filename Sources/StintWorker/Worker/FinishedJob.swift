import StintCore

/// A job whose run has ended, with the settlement that it waits for.
struct FinishedJob: Sendable {
    let settlement: Settlement
    let queue: QueueName

    var lease: Lease { settlement.lease }
    /// Of the jobs that it enqueues.
    var bytes: Int { settlement.followUps.reduce(0) { $0 + $1.payload.count } }
}
