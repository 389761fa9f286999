import StintCore

/// What a transaction changes of the counts of queues. All callers that share a transaction share one of these: it is
/// written once for each queue, at the end. It also has what is read once for all of them.
final class QueueCounts {
    /// There are few queues, or one after the other: searching from the end costs less than a dictionary.
    private(set) var queues: [(queue: Int64, change: Change, activity: ActivityCounts)] = []
    /// The moves of the database, read once for all callers; `nil`: not read, or changed since.
    var moves: [JobTransaction.MoveRow]?

    struct Change: Equatable {
        var ready: Int64 = 0
        var delayed: Int64 = 0
        var leased: Int64 = 0
        var buried: Int64 = 0
        var done: Int64 = 0
        var cancelled: Int64 = 0
        var expired: Int64 = 0

        static func += (change: inout Change, other: Change) {
            change.ready += other.ready
            change.delayed += other.delayed
            change.leased += other.leased
            change.buried += other.buried
            change.done += other.done
            change.cancelled += other.cancelled
            change.expired += other.expired
        }

        func bind(to update: Statement, _ queue: Int64) {
            update.bind(1, queue)
            update.bind(2, ready)
            update.bind(3, delayed)
            update.bind(4, leased)
            update.bind(5, buried)
            update.bind(6, done)
            update.bind(7, cancelled)
            update.bind(8, expired)
        }
    }

    /// Adds to the counts of a queue, and to what happened in it.
    func add(_ change: Change, to queue: Int64) {
        let index = index(of: queue)
        queues[index].change += change
        // Jobs leave these states without anything that is counted by time.
        guard change.buried > 0 || change.done > 0 || change.cancelled > 0 || change.expired > 0 else { return }
        queues[index].activity.buried += Int(max(0, change.buried))
        queues[index].activity.done += Int(change.done)
        queues[index].activity.cancelled += Int(change.cancelled)
        queues[index].activity.expired += Int(change.expired)
    }

    /// Adds to what happened in a queue.
    func note(_ queue: Int64, _ add: (inout ActivityCounts) -> Void) {
        add(&queues[index(of: queue)].activity)
    }

    func change(of queue: Int64) -> Change? { queues.last { $0.queue == queue }?.change }

    /// Takes over what another one has.
    func take(_ other: QueueCounts) {
        for (queue, change, activity) in other.queues {
            let index = index(of: queue)
            queues[index].change += change
            queues[index].activity += activity
        }
        other.removeAll()
    }

    func removeAll() { queues = [] }

    private func index(of queue: Int64) -> Int {
        if let known = queues.lastIndex(where: { $0.queue == queue }) { return known }
        queues.append((queue, Change(), ActivityCounts()))
        return queues.count - 1
    }
}
