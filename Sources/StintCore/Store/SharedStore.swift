/// A store in which one process can settle, claim and register workers for others: a supervisor does so for its workers.
package protocol SharedStore: JobStore {
    /// Makes what a worker of this process needs, before it is registered.
    ///
    /// - Parameters:
    ///   - id: The worker's, if it renews its registration.
    ///   - capacity: How many jobs it runs at once.
    func preparePlace(for id: WorkerID?, capacity: Int) throws -> PreparedPlace

    /// Registers a worker of another process, or renews its registration.
    ///
    /// - Parameter scoreboard: The name that its ``PreparedPlace`` has.
    func enroll(_ worker: WorkerRegistration, as id: WorkerID?, scoreboard: String?) async throws -> WorkerID

    /// Emits when jobs were revoked by any process, for workers of other processes; `nil` if these notice it by
    /// themselves. Ends when the store is closed.
    func revocationSignals() -> AsyncStream<Void>?

    /// Changes the mark of revocations of this process, as the supervisor has heard of one.
    func noteRevocation()

    /// From now on this process uses the store rarely, since its supervisor does most for it.
    func becomeSupervised()
}

extension SharedStore {
    package func revocationSignals() -> AsyncStream<Void>? { nil }
    package func noteRevocation() {}
    package func becomeSupervised() {}
}

/// What a worker that is about to be registered has in its own process. It is gone with the last reference to it.
package struct PreparedPlace: Sendable {
    /// The name by which other processes find the worker's scoreboard, if it is kept with the registration.
    package let scoreboard: String?
    /// Called once the worker is registered.
    package let take: @Sendable (WorkerID) async throws -> RegisteredWorker

    package init(scoreboard: String?, take: @escaping @Sendable (WorkerID) async throws -> RegisteredWorker) {
        self.scoreboard = scoreboard
        self.take = take
    }
}
