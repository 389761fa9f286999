/// Changes whenever somebody has taken jobs from those that hold them: a pause, a bury, a delete. All processes that use
/// the store see the same.
///
/// It is what makes this true: after a pause, a bury or a delete has returned, nothing of it starts. The order makes it so:
///
/// | who revokes | who starts a job that it has claimed |
/// |---|---|
/// | 1. commits the change | 1. notes the start on its scoreboard |
/// | 2. changes the mark | 2. reads the mark |
/// | 3. returns | 3. starts, if the mark is as it was when it last looked into the store |
///
/// A start that reads the old mark has read it before the revocation returned, so the job had been started by then, and
/// its scoreboard said so. A start that reads the new mark looks into the store first, where the change is committed, and gives
/// back what was revoked. One read of 8 bytes is what a start costs; nobody waits for anybody.
///
/// A value is not used again: of two revocations at a time the later one is seen too.
public protocol RevocationMark: Sendable {
    /// What it is now. Two readings that differ say that something was revoked between them.
    func read() -> UInt64
}
