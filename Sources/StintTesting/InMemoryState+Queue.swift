import StintCore

extension InMemoryState {
    struct Queue: Sendable {
        /// The order in which the queues were created.
        let number: Int64
        var isPaused = false
        var pauseReason: String?
        var retention: Duration = .zero
        /// It has no index, and only keeps the setting.
        var isSearched = false
        var done = 0
        var limits = QueueLimits()
        /// Whether one of its jobs ever had a group.
        var hasGroups = false
        /// The turn of the group that was served last.
        var turn: Int64 = 0
        var cancelled = 0
        var expired = 0
        var activity = ActivityLog()
    }

    mutating func makeQueue(_ name: QueueName) {
        if queues[name] == nil { queues[name] = Queue(number: Int64(queues.count + 1)) }
    }

    mutating func configure(_ name: QueueName, _ settings: QueueSettings) {
        makeQueue(name)
        if let paused = settings.paused {
            queues[name]!.isPaused = paused
            queues[name]!.pauseReason = settings.pauseReason?.replacing("\0", with: "\u{FFFD}")
            if paused { revokes = true } else { wakes = true }
        }
        if let retention = settings.retention { queues[name]!.retention = retention }
        if let search = settings.search { queues[name]!.isSearched = search }
        guard settings.changesLimits else { return }
        if let limit = settings.concurrency { queues[name]!.limits.concurrency = limit.value }
        if let limit = settings.rate { queues[name]!.limits.rate = limit.value }
        if let limit = settings.groupConcurrency { queues[name]!.limits.groupConcurrency = limit.value }
        if let limit = settings.groupRate { queues[name]!.limits.groupRate = limit.value }
        if let order = settings.groupOrder { queues[name]!.limits.groupOrder = order }
        if let isFair = settings.isFair { queues[name]!.limits.isFair = isFair }
        revokes = true
        wakes = true
    }

    func stats() -> [QueueStats] {
        var counts: [QueueName: [JobState: Int]] = [:]
        for job in jobs.values { counts[job.queue, default: [:]][job.place.state, default: 0] += 1 }
        return queues.map { name, queue in
            func count(_ state: JobState) -> Int { counts[name]?[state] ?? 0 }
            return QueueStats(
                name: name, ready: count(.ready), delayed: count(.delayed), leased: count(.leased),
                buried: count(.buried), done: queue.done, cancelled: queue.cancelled, expired: queue.expired,
                paused: queue.isPaused, pauseReason: queue.pauseReason, limits: queue.limits)
        }.sorted { $0.name.description.utf8.lexicographicallyPrecedes($1.name.description.utf8) }
    }
}
