/// A queue's settings in an export, with the names of `stint queue show --json`.
package struct ExportedQueue: Sendable, Hashable, Codable {
    package let name: QueueName
    private var paused: Bool
    private var pauseReason: String?
    private let retentionMilliseconds: Int64
    private let limits: QueueLimits
    private let search: Bool

    package init(_ queue: QueueDetails) {
        name = queue.stats.name
        paused = queue.stats.paused
        pauseReason = queue.stats.pauseReason
        retentionMilliseconds = queue.retention.milliseconds
        limits = queue.limits
        search = queue.search != nil
    }

    /// Without the pause that a move has made.
    package func resumed(ifPausedFor reason: String) -> ExportedQueue {
        guard pauseReason == reason else { return self }
        var queue = self
        (queue.paused, queue.pauseReason) = (false, nil)
        return queue
    }

    /// A queue that is paused in the target stays so: it may have been paused until the import has ended.
    package var settings: QueueSettings {
        func limit<Value>(_ value: Value?) -> Limit<Value> { value.map(Limit.to) ?? .unlimited }
        var settings = QueueSettings(
            concurrency: limit(limits.concurrency), rate: limit(limits.rate),
            groupConcurrency: limit(limits.groupConcurrency), groupRate: limit(limits.groupRate),
            groupOrder: limits.groupOrder, isFair: limits.isFair)
        settings.retention = .milliseconds(retentionMilliseconds)
        if paused { (settings.paused, settings.pauseReason) = (true, pauseReason) }
        if search { settings.search = true }
        return settings
    }
}

/// A group whose weight is not 1.
package struct ExportedGroup: Sendable, Hashable, Codable {
    package let queue: QueueName
    package let name: String
    package let weight: Int

    package init(queue: QueueName, name: String, weight: Int) {
        self.queue = queue
        self.name = name
        self.weight = weight
    }
}
