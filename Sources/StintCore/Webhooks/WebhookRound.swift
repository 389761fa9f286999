/// What is known of a queue, or of the database, when webhooks are looked after.
public struct WebhookObservation: Sendable, Hashable {
    /// `nil`: the database.
    public let queue: QueueName?
    /// Since the queue is counted.
    public var buried: Int64 = 0
    public var deaths: Int64 = 0
    public var ready: Int64 = 0
    /// How long the job has been ready that has been so for longest.
    public var oldestReady: Duration?
    public var isPaused = false
    public var pauseReason: String?
    /// What is left of the disk; `nil`: not known.
    public var freeBytes: Int64?

    public init(queue: QueueName?) { self.queue = queue }

    /// How many there were of what is counted.
    public func total(of kind: WebhookEvent.Kind) -> Int64 { kind == .buried ? buried : deaths }
}

/// What a webhook was told of one event in one queue.
public struct WebhookState: Sendable, Hashable {
    /// Up to which total it was told of what is counted.
    public var seen: Int64
    /// Whether it was told last that a limit is exceeded.
    public var isRaised: Bool
    /// When the last message was made.
    public var notifiedAt: Timestamp?

    public init(seen: Int64 = 0, isRaised: Bool = false, notifiedAt: Timestamp? = nil) {
        self.seen = seen
        self.isRaised = isRaised
        self.notifiedAt = notifiedAt
    }
}

/// Decides which messages are due. A store calls it in a transaction in which it writes the states and enqueues the
/// messages: so each event is in exactly one message, with any number of reapers and after a crash.
///
/// There is at most one message a minute for a webhook, event and queue. What is counted meanwhile is in the next one;
/// what begins and ends meanwhile is not told at all.
public struct WebhookRound: Sendable {
    /// The time between two messages, in milliseconds.
    public static let pause: Int64 = 60_000
    /// If more queues than this have something to tell at once, one message tells of all of them.
    public static let maximumSeparate = 10

    public struct Change: Sendable {
        public let queue: QueueName?
        public let state: WebhookState
    }

    /// The states that change, also without a message.
    public private(set) var changes: [Change] = []
    /// Without samples.
    public private(set) var messages: [WebhookMessage] = []

    /// - Parameter state: What the webhook was told; `nil`: nothing yet.
    public init(
        _ webhook: String, _ event: WebhookEvent, _ observations: [WebhookObservation], now: Timestamp,
        state: (QueueName?) -> WebhookState?
    ) {
        for observation in observations {
            if let name = observation.queue { guard event.includes(name) else { continue } }
            let before = state(observation.queue) ?? WebhookState()
            var after = before
            if let message = Self.next(webhook, event, observation, &after, now) { messages.append(message) }
            if after != before { changes.append(Change(queue: observation.queue, state: after)) }
        }
        if messages.count > Self.maximumSeparate { messages = Self.joined(messages) }
    }

    private static func next(
        _ webhook: String, _ event: WebhookEvent, _ observation: WebhookObservation, _ state: inout WebhookState,
        _ now: Timestamp
    ) -> WebhookMessage? {
        var message = WebhookMessage(webhook: webhook, event: event.kind, at: now)
        message.queue = observation.queue?.description
        message.limit = event.limit
        // A clock that was set back must not make anybody wait for as long.
        let isDue = state.notifiedAt.map { now < $0 || now - $0 >= pause } ?? true
        if event.kind.isCounted {
            let total = observation.total(of: event.kind)
            // Another program has changed the counts, or an older copy of the database is in its place.
            if total < state.seen { state.seen = total }
            guard total > state.seen, isDue else { return nil }
            message.value = total - state.seen
            message.since = state.notifiedAt
            (state.seen, state.notifiedAt) = (total, now)
            return message
        }
        guard let level = level(event, observation), isDue else { return nil }
        guard state.isRaised ? level.isOver : level.isExceeded else { return nil }
        state.isRaised.toggle()
        state.notifiedAt = now
        message.state = state.isRaised ? .raised : .resolved
        message.value = level.value
        message.reason = state.isRaised ? observation.pauseReason : nil
        return message
    }

    /// - Returns: Whether the limit is exceeded, and whether that is over: a tenth of the limit lies between. `nil` if it
    ///   is not known.
    private static func level(
        _ event: WebhookEvent, _ observation: WebhookObservation
    ) -> (value: Int64?, isExceeded: Bool, isOver: Bool)? {
        let limit = event.limit ?? 0
        switch event.kind {
        case .backlog:
            return (observation.ready, observation.ready > limit, observation.ready <= limit - limit / 10)
        case .age:
            let age = observation.oldestReady?.milliseconds ?? 0
            return (age, age > limit, age <= limit - limit / 10)
        case .paused: return (nil, observation.isPaused, !observation.isPaused)
        case .disk:
            guard let free = observation.freeBytes else { return nil }
            return (free, free < limit, free >= limit + limit / 10)
        case .buried, .death, .test: return nil
        }
    }

    private static func joined(_ messages: [WebhookMessage]) -> [WebhookMessage] {
        Dictionary(grouping: messages, by: \.state).values.map { group in
            var message = WebhookMessage(webhook: group[0].webhook, event: group[0].event, at: group[0].at)
            message.state = group[0].state
            message.limit = group[0].limit
            if message.event.isCounted {
                message.value = group.reduce(0) { sum, one in
                    let (next, overflow) = sum.addingReportingOverflow(one.value ?? 0)
                    return overflow ? .max : next
                }
                message.since = group.compactMap(\.since).min()
            }
            message.queueCount = group.count
            message.queues = group.sorted { ($0.value ?? 0) > ($1.value ?? 0) }.prefix(WebhookMessage.maximumSamples)
                .map {
                    WebhookMessage.QueueValue(queue: $0.queue ?? "", value: $0.value ?? 0)
                }
            return message
        }.sorted { ($0.state?.rawValue ?? "") < ($1.state?.rawValue ?? "") }
    }
}
