import StintCore

/// A job and what its handler does.
struct JobPlan: Sendable {
    var reference: String
    var queue: QueueName
    var options: JobOptions
    /// When it is enqueued.
    var time: Duration
    var runTime: Duration
    var behaviour: Behaviour

    enum Behaviour: Sendable {
        case returns
        /// Throws in its first runs.
        case fails(times: Int)
        /// Throws always, with few attempts.
        case hopeless
        case buries
        case releases(times: Int)
        case retries(times: Int)
        /// Ignores its cancellation.
        case hangs(for: Duration, times: Int)
        /// Kills its process always.
        case kills
        /// Kills it in its first runs, and fewer times than would bury it.
        case killsAtFirst(times: Int)
        /// Settles its job itself and then throws.
        case acknowledgesAndThrows
        /// Asks for more time.
        case extends
    }

    var hangs: Bool { if case .hangs = behaviour { true } else { false } }
    var acknowledgesItself: Bool { if case .acknowledgesAndThrows = behaviour { true } else { false } }

    /// How often it kills its process at most.
    var killings: Int {
        switch behaviour {
        case .kills: options.maxCrashes
        case .killsAtFirst(let times): times
        case .returns, .fails, .hopeless, .buries, .releases, .retries, .hangs, .acknowledgesAndThrows, .extends: 0
        }
    }

    /// Whether it may only be done, or buried for faults of others that look like its own.
    var isInnocent: Bool {
        switch behaviour {
        case .returns, .fails, .releases, .retries, .hangs, .acknowledgesAndThrows, .extends: true
        case .hopeless, .buries, .kills, .killsAtFirst: false
        }
    }

    /// Whether it must never be done.
    var isDoomed: Bool {
        switch behaviour {
        case .hopeless, .buries, .kills: true
        case .returns, .fails, .releases, .retries, .hangs, .killsAtFirst, .acknowledgesAndThrows, .extends: false
        }
    }

    /// A job of a schedule, which returns at once.
    init(scheduledBy name: String, in queue: QueueName) {
        (reference, self.queue, options) = (name, queue, JobOptions(maxAttempts: 1_000))
        (time, runTime, behaviour) = (.zero, .zero, .returns)
    }

    /// One that is ready at once, and soon done, perhaps at its second run.
    init(quick reference: String, _ queue: QueueName, _ unrest: Duration, _ dice: Dice) {
        self.reference = reference
        self.queue = queue
        behaviour = dice.one(of: [.returns, .returns, .returns, .fails(times: 1), .retries(times: 1)])
        options = JobOptions(maxAttempts: 1_000)
        if dice.happens(10) { options.priority = 1 }
        time = dice.one(of: [.zero, .microseconds(dice.int(0...Int(unrest.nanoseconds / 1_000)))])
        runTime = dice.one(of: [.zero, dice.milliseconds(1...300)])
    }

    /// The jobs of one key are all of one group.
    mutating func join(_ group: String) {
        options.group = options.uniqueKey == nil ? group : WorldPlan.groups[0]
    }

    init(_ reference: String, _ queues: [QueueName], _ unrest: Duration, _ dice: Dice) {
        self.reference = reference
        queue = dice.one(of: queues)
        behaviour =
            switch dice.int(1...100) {
            case ...45: .returns
            case ...55: .fails(times: dice.int(1...3))
            case ...60: .hopeless
            case ...64: .buries
            case ...68: .releases(times: dice.int(1...2))
            case ...72: .retries(times: dice.int(1...2))
            case ...77: .hangs(for: dice.milliseconds(1_000...40_000), times: dice.int(1...2))
            case ...87: .kills
            case ...91: .killsAtFirst(times: dice.int(1...2))
            case ...96: .acknowledgesAndThrows
            default: .extends
            }
        options = JobOptions(maxAttempts: 1_000)
        if case .hopeless = behaviour { options.maxAttempts = dice.int(1...3) }
        if case .kills = behaviour { options.maxCrashes = dice.int(1...3) }
        options.priority = dice.one(of: [1_024, 1_024, 1, 2_000])
        if dice.happens(20) { options.delay = dice.milliseconds(1...8_000) }
        if dice.happens(15) { options.uniqueKey = dice.one(of: ["one", "two"]) }
        if options.uniqueKey == nil, dice.happens(25) {
            options.uniqueKey = dice.one(of: ["digest", "digest", "news"])
            options.onConflict = options.uniqueKey == "news" ? .replace : .collect
            if options.onConflict == .collect, options.delay == .zero, dice.happens(60) {
                options.debounce = dice.milliseconds(1...4_000)
                options.atMost = dice.milliseconds(4_000...8_000)
            }
        }
        if dice.happens(15) { options.expires = dice.milliseconds(100...10_000) }
        if dice.happens(15) { options.timeToRun = dice.milliseconds(300...5_000) }
        time = .microseconds(dice.int(0...Int(unrest.nanoseconds / 1_000)))
        if dice.happens(50) { time = .zero }
        runTime =
            switch dice.int(1...100) {
            case ...40: .zero
            case ...80: dice.milliseconds(1...200)
            case ...97: dice.milliseconds(200...4_000)
            default: dice.milliseconds(4_000...20_000)
            }
    }
}
