/// When to look for a commit after the log was written to. SQLite writes to the log before the commit can be seen: mostly
/// by microseconds, else by a sync of the disk, which may take seconds.
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

    /// How long after the last write to the log looks go on. Later commits are found when a worker looks by itself.
    static let visibility: Duration = .seconds(60)
    /// After a commit that was found, in microseconds: where many follow each other, they are found together.
    static let rest: UInt32 = 5_000
    private static let yields = 16
    private static let naps = 24
    /// A look is at most this much later than it could have been, as a part of the time since the write.
    private static let lateness = 8
    private static let longestWait: Duration = .seconds(1)

    private var tries = 0
    private var lastWrite: ContinuousClock.Instant

    init(writtenAt now: ContinuousClock.Instant) {
        lastWrite = now
    }

    mutating func written(at now: ContinuousClock.Instant) {
        lastWrite = now
        tries = 0
    }

    /// What comes now was written earlier and waits for a disk, or is written later, and the kernel tells.
    mutating func found() {
        tries = Self.yields + Self.naps
    }

    /// Before the next look; `nil` when it is over.
    mutating func next(at now: ContinuousClock.Instant) -> Pause? {
        let elapsed = now - lastWrite
        guard elapsed < Self.visibility else { return nil }
        tries += 1
        if tries <= Self.yields { return .yield }
        if tries <= Self.yields + Self.naps { return .microseconds(30) }
        let wait = min(elapsed / Self.lateness, Self.longestWait)
        return .milliseconds(Int32(max(1, wait / .milliseconds(1))))
    }
}
