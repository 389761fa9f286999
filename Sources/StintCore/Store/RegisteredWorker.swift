/// A registered worker, with what it shares with others.
public struct RegisteredWorker: Sendable {
    public let id: WorkerID
    public let scoreboard: any Scoreboard
    /// Shared by all workers of the store in this process.
    package let runLock: ExclusiveRunLock
    /// Shared by all workers of the store in all processes.
    package let revocations: any RevocationMark

    package init(
        id: WorkerID, scoreboard: any Scoreboard, runLock: ExclusiveRunLock,
        revocations: any RevocationMark = NoRevocationMark()
    ) {
        self.id = id
        self.scoreboard = scoreboard
        self.runLock = runLock
        self.revocations = revocations
    }
}
