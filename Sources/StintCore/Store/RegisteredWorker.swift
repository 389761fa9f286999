/// A registered worker, with what it shares with others. The result of ``WorkerRegistry/register(_:as:)``.
///
/// A class, since its worker uses it at each start of a job: a copy would retain all that it shares.
public final class RegisteredWorker: Sendable {
    public let id: WorkerID
    public let scoreboard: any Scoreboard
    /// The same for all workers that this process has registered with the store.
    public let runLock: ExclusiveRunLock
    /// Shared by all workers of the store in all processes.
    public let revocations: any RevocationMark

    public init(
        id: WorkerID, scoreboard: any Scoreboard, runLock: ExclusiveRunLock, revocations: any RevocationMark
    ) {
        self.id = id
        self.scoreboard = scoreboard
        self.runLock = runLock
        self.revocations = revocations
    }
}
