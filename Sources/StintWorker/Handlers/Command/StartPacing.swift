import StintCore

/// When commands may be started, depending on their last starts. Pure policy: the caller passes the time.
///
/// - If a start fails while no other command runs, nothing is started for a while, longer each time (see ``Backoff``),
///   and then one job is tried.
/// - If the machine refuses a start while others run, no more than those run at once from then on, and after a while
///   one more.
struct StartPacing: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How long processes and threads must have run out, with none of this worker's running, until it ends.
    static let exhaustion: Duration = .seconds(60)

    /// What to log.
    enum Notice: Sendable, Hashable {
        /// The number of failures since the last message.
        case cannotStart(times: Int)
        case startsAgain
        case limited(to: Int)
        case limitLifted
    }

    private(set) var isBackingOff = false
    /// Nothing is started before this time, then one at a time.
    private var notBefore: Instant?
    private var isTrying = false
    private var delay = BackoffCounter(.start)
    private var notice = RepeatedNotice()

    /// How many may run at once; `nil` for no limit.
    private(set) var mostAtOnce: Int?
    private var raisedNext: Instant?
    private var raising = BackoffCounter(Backoff(first: .seconds(5), longest: .seconds(60)))
    private var limitNotice = RepeatedNotice()

    private var exhaustedSince: Instant?
    private(set) var isExhausted = false

    /// How many commands may be started now, and when that changes without the end or start of a command.
    func allowance(running: Int, at now: Instant) -> (count: Int, changesIn: Duration?) {
        if isBackingOff {
            if isTrying { return (0, nil) }
            if let notBefore, now < notBefore { return (0, notBefore - now) }
            return (1, nil)
        }
        guard let mostAtOnce else { return (.max, nil) }
        if let raisedNext, now >= raisedNext { return (max(0, mostAtOnce + 1 - running), nil) }
        return (max(0, mostAtOnce - running), raisedNext.map { $0 - now })
    }

    mutating func begin() { isTrying = isBackingOff }

    /// A run has ended, in any way.
    mutating func end() { isTrying = false }

    /// - Parameter running: How many others run.
    mutating func failed(_ fault: StartFailure.Fault, isExhaustion: Bool, running: Int, at now: Instant) -> Notice? {
        isTrying = false
        if fault == .machine && running > 0 {
            // Others that started at the same time and failed too change nothing.
            mostAtOnce = min(mostAtOnce ?? .max, running)
            raisedNext = now + raising.next()
            exhaustedSince = nil
            return limitNotice.happened(at: now).map { _ in .limited(to: running) }
        }
        noteExhaustion(isExhaustion, at: now)
        // It was one of several that were started before the first of them failed.
        if let notBefore, now < notBefore { return notice.happened(at: now).map { .cannotStart(times: $0) } }
        isBackingOff = true
        notBefore = now + delay.next()
        return notice.happened(at: now).map { .cannotStart(times: $0) }
    }

    private mutating func noteExhaustion(_ isExhaustion: Bool, at now: Instant) {
        let since = exhaustedSince ?? now
        exhaustedSince = isExhaustion ? since : nil
        if isExhaustion && now - since >= Self.exhaustion { isExhausted = true }
    }

    /// - Parameters:
    ///   - running: How many run, including this one.
    ///   - concurrency: How many jobs the worker wants to run at once.
    mutating func started(running: Int, concurrency: Int, at now: Instant) -> Notice? {
        exhaustedSince = nil
        let wasBackingOff = isBackingOff
        isBackingOff = false
        isTrying = false
        notBefore = nil
        delay.reset()
        notice.reset()
        if let most = mostAtOnce, running > most {
            mostAtOnce = running
            raisedNext = now + raising.backoff.first
            raising.reset()
        }
        if let most = mostAtOnce, most >= concurrency {
            mostAtOnce = nil
            raisedNext = nil
            limitNotice.reset()
            return .limitLifted
        }
        return wasBackingOff ? .startsAgain : nil
    }
}
