/// When to look for a commit after the log was written to. SQLite writes to the log before the commit can be seen:
/// mostly by microseconds, else by a sync of the disk, which may take seconds.
///
/// A commit that can be seen is not the end: what another process has written to the log just before may still wait for
/// the disk. So the looks go on, less and less often.
struct LookPace {
    enum Pause: Equatable {
        /// Let others run, and look.
        case yield
        case microseconds(UInt32)
        /// Long enough to wait for another write too.
        case milliseconds(Int32)
    }

    /// How long after the last write to the log looks go on. Later commits are found when a worker looks by itself. An
    /// idle one does so every five seconds, so looking for longer would hardly find them sooner.
    static let visibility: Duration = .seconds(20)
    /// The rest after a commit that was found: if many follow each other, they are found together.
    static let rest: Duration = .milliseconds(5)
    /// The same while commits follow each other and bring nothing for any listener.
    static let longRest: Duration = .milliseconds(25)
    /// This many in a row must have brought nothing, with no more than `pauseBetweenFinds` between them.
    private static let fruitlessFinds = 8
    private static let pauseBetweenFinds: Duration = .milliseconds(100)
    /// After a commit that was found, an earlier write is hardly ever still on its way.
    private static let waitAfterFind: Duration = .milliseconds(10)
    private static let yields = 16
    private static let naps = 24
    /// A look is late by at most this part of the time since the write.
    private static let lateness = 8
    private static let longestWait: Duration = .milliseconds(2_500)

    private var tries = 0
    private var lastWrite: ContinuousClock.Instant
    private var lastFind: ContinuousClock.Instant
    private var hasFound = false
    private var fruitless = 0

    init(writtenAt now: ContinuousClock.Instant) {
        lastWrite = now
        lastFind = now
    }

    mutating func written(at now: ContinuousClock.Instant) {
        lastWrite = now
        tries = 0
        hasFound = false
    }

    /// A commit that comes now was either written earlier and waits for a disk, or is written later, and then the
    /// kernel reports it.
    ///
    /// - Parameter isNews: Whether it brought something for any listener.
    /// - Returns: How long to rest before the next look.
    mutating func found(isNews: Bool, at now: ContinuousClock.Instant) -> Duration {
        tries = Self.yields + Self.naps
        hasFound = true
        fruitless = isNews || now - lastFind > Self.pauseBetweenFinds ? 0 : fruitless + 1
        lastFind = now
        return fruitless >= Self.fruitlessFinds ? Self.longRest : Self.rest
    }

    /// The pause before the next look; `nil` when looks are over.
    mutating func next(at now: ContinuousClock.Instant) -> Pause? {
        let elapsed = now - lastWrite
        guard elapsed < Self.visibility else { return nil }
        tries += 1
        if tries <= Self.yields { return .yield }
        if tries <= Self.yields + Self.naps { return .microseconds(30) }
        let shortest: Duration = hasFound ? Self.waitAfterFind : .milliseconds(1)
        let wait = min(max(elapsed / Self.lateness, shortest), Self.longestWait)
        return .milliseconds(Int32(wait / .milliseconds(1)))
    }
}
