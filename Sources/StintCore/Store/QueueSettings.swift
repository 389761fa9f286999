/// A change to a queue's settings; `nil` leaves a setting as it is.
public struct QueueSettings: Sendable, Hashable {
    public var paused: Bool?
    /// Why it is paused, for people; it goes with `paused` set to `true`. A pause without a reason, and the end of a
    /// pause, remove the earlier one.
    public var pauseReason: String?
    /// How long jobs are kept when they are over; zero keeps none.
    public var retention: Duration?
    /// For what the limits mean see ``QueueLimits``. A change acts on the next claim; jobs that run go on, and those that
    /// workers have claimed and not started are given back.
    public var concurrency: Limit<Int>?
    public var rate: Limit<Rate>?
    public var groupConcurrency: Limit<Int>?
    public var groupRate: Limit<Rate>?
    public var groupOrder: QueueLimits.GroupOrder?
    public var isFair: Bool?
    /// Whether free text in its jobs is indexed; see ``QueueSearch``.
    public var search: Bool?

    /// The longest ``pauseReason``, in bytes.
    public static let maximumPauseReasonBytes = 1_000

    public init(paused: Bool? = nil, pauseReason: String? = nil, retention: Duration? = nil) {
        self.paused = paused
        self.pauseReason = pauseReason
        self.retention = retention
    }

    /// Limits only.
    public init(
        concurrency: Limit<Int>? = nil, rate: Limit<Rate>? = nil, groupConcurrency: Limit<Int>? = nil,
        groupRate: Limit<Rate>? = nil, groupOrder: QueueLimits.GroupOrder? = nil, isFair: Bool? = nil
    ) {
        self.concurrency = concurrency
        self.rate = rate
        self.groupConcurrency = groupConcurrency
        self.groupRate = groupRate
        self.groupOrder = groupOrder
        self.isFair = isFair
    }

    /// Whether it changes anything of ``QueueLimits``.
    public var changesLimits: Bool {
        concurrency != nil || rate != nil || groupConcurrency != nil || groupRate != nil || groupOrder != nil
            || isFair != nil
    }

    /// Checks the values, for a store.
    ///
    /// - Throws: ``StintError`` with the code `invalidInput` that names the setting.
    public func check() throws {
        if let retention, !(Duration.zero...NewJob.maximumDelay).contains(retention) {
            throw StintError.invalidInput("the retention is \(retention); it must be between 0 and 100 years")
        }
        if let pauseReason {
            guard paused == true else {
                throw StintError.invalidInput("a reason of a pause was given, and the queue is not paused with it")
            }
            guard (1...Self.maximumPauseReasonBytes).contains(pauseReason.utf8.count) else {
                throw StintError.invalidInput(
                    "the reason of the pause has \(pauseReason.utf8.count) bytes; it must have 1 to "
                        + "\(Self.maximumPauseReasonBytes)")
            }
        }
        try check(concurrency, "concurrency")
        try check(groupConcurrency, "group concurrency")
        try check(rate, "rate")
        try check(groupRate, "group rate")
    }

    private func check(_ limit: Limit<Int>?, _ name: String) throws {
        guard let value = limit?.value else { return }
        guard (1...1_000_000).contains(value) else {
            throw StintError.invalidInput("the \(name) is \(value); it must be between 1 and 1000000, or unlimited")
        }
    }

    private func check(_ limit: Limit<Rate>?, _ name: String) throws {
        guard let rate = limit?.value else { return }
        guard (1...1_000_000).contains(rate.starts) else {
            throw StintError.invalidInput(
                "the \(name) allows \(rate.starts) starts; it must allow between 1 and 1000000, or be unlimited")
        }
        guard (Duration.milliseconds(1)...Duration.seconds(31 * 86_400)).contains(rate.window) else {
            throw StintError.invalidInput(
                "the window of the \(name) is \(rate.window); it must be between 1 ms and 31 days")
        }
    }
}
