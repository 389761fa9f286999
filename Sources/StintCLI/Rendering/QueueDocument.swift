import StintCore

/// A queue in `queue show --json`: as in `stats --json`, and its settings.
struct QueueDocument: Encodable {
    private let queue: QueueDetails
    private let activity: QueueActivity?

    init(_ queue: QueueDetails, _ activity: QueueActivity?) {
        self.queue = queue
        self.activity = activity
    }

    private enum Keys: String, CodingKey {
        case limits, retentionMilliseconds, startsInWindow, nextStartMilliseconds, groups, search, activity
    }

    func encode(to encoder: any Encoder) throws {
        try queue.stats.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(queue.limits, forKey: .limits)
        try container.encode(queue.retention.milliseconds, forKey: .retentionMilliseconds)
        if queue.limits.rate != nil { try container.encode(queue.startsInWindow, forKey: .startsInWindow) }
        try container.encodeIfPresent(queue.nextStart?.milliseconds, forKey: .nextStartMilliseconds)
        try container.encode(queue.groups, forKey: .groups)
        try container.encodeIfPresent(queue.search, forKey: .search)
        try container.encodeIfPresent(activity.map(ActivityDocument.init), forKey: .activity)
    }
}
