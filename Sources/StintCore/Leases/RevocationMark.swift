/// A value that changes whenever jobs are revoked from their holders: by a cancel, a pause, a bury or a delete. All
/// processes that use the store see the same value.
///
/// It guarantees that none of the jobs starts after a cancel, a pause, a bury or a delete has returned. The order of the
/// steps ensures that:
///
/// | process that revokes | worker that starts a claimed job |
/// |---|---|
/// | 1. commits the change | 1. notes the start on its scoreboard |
/// | 2. changes the mark | 2. reads the mark |
/// | 3. returns | 3. starts the job if the mark is the same as when it last read the store |
///
/// A start that reads the old mark has read it before the revocation returned, so the job had started by then and was
/// on the scoreboard. A start that reads the new mark first reads the store, where the change is committed, and gives
/// back the revoked jobs. A start costs one read of 8 bytes; neither side waits for the other.
///
/// An order to a worker (``WorkerOrder``) changes the mark too, and so tells the worker.
///
/// A store on a server is told of the revocations of other processes, which takes some milliseconds and may fail. Its mark
/// therefore also changes by itself every two seconds, so there none of the jobs starts later than two seconds after the
/// cancel, the pause, the bury or the delete has returned; mostly the limit is some milliseconds.
///
/// A value is never reused, so the later of two concurrent revocations is seen too.
///
/// A job that runs already reads no mark. Its worker listens to ``changes()``, reads the store when there is one, and
/// cancels the handlers of jobs that it does not hold any more. If that fails it notices at the next heartbeat, when the
/// leases cannot be extended.
public protocol RevocationMark: Sendable {
    /// The current value. If two readings differ, jobs were revoked between them.
    func read() -> UInt64

    /// Emits soon after each change by any process. May emit spuriously; several changes may be one. Ends when the store
    /// is closed.
    func changes() -> AsyncStream<Void>
}
