/// A store in which one process can settle, claim and register workers for others: a supervisor does so for its workers.
package protocol SharedStore: JobStore {
    /// Which database it is, and which version of its schema this program knows: two stores of this machine's processes
    /// with the same identity have the same jobs, and neither refuses the schema that the other one has made. `nil`: unknown.
    var identity: String? { get }

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

    /// For workers of other processes.
    ///
    /// - Parameter notify: Called from now on when jobs were revoked, with the process that has done it, empty if that is not
    ///   known. It must not block.
    /// - Returns: Stops the notifications; `nil` if such workers notice revoked jobs by themselves.
    func listenToRevocations(_ notify: @escaping @Sendable (_ origin: String) -> Void) -> (@Sendable () -> Void)?

    /// Notifies this process's workers that `origin` has revoked jobs; ignored if `origin` is this process.
    func noteRevocation(by origin: String)

    /// Whether a supervisor of a single worker uses the store for it too: there are no others to share commits with.
    var helpsSingleWorker: Bool { get }

    /// Called once by a supervisor of this many workers. The store may need more connections for them.
    func becomeSupervisor(of workers: Int)

    /// From now on this process uses the store rarely, since its supervisor does most for it.
    func becomeSupervised()
}

extension SharedStore {
    package func listenToRevocations(
        _ notify: @escaping @Sendable (_ origin: String) -> Void
    ) -> (@Sendable () -> Void)? { nil }

    package func noteRevocation(by origin: String) {}
    package var helpsSingleWorker: Bool { false }
    package func becomeSupervisor(of workers: Int) {}
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
