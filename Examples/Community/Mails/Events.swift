import GRDB
import Stint
import StintNotifications

/// What happens on the site, on the queue in the transaction that made it happen: if the post is on disk its event is too,
/// and if one is rolled back so is the other.
struct Events: Sendable {
    let queue: JobQueue<SQLiteStore>

    /// - Parameter id: With the same one, an event of the last day is not told again.
    func happened(
        _ kind: Kind, by member: Int64, object: Thing, group: Int64?, id: String? = nil, with db: Database
    ) throws {
        let event = try NotificationEvent(
            id: id, kind: kind.rawValue, actor: "\(member)", object: object.text, place: group.map(Preferences.place))
        try queue.enqueue(event, in: kind.queue, options: event.options, with: db)
    }
}

extension Kind {
    /// The newsletter to all has a queue of its own, which is worked on beside the others.
    var queue: QueueName { self == .newsletter ? Mails.newsletters : Mails.events }
}
