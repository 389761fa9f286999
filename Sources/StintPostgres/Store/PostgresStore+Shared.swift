import StintCore
import StintPostgresMigrations

/// One process settles, claims and registers workers for others.
extension PostgresStore: SharedStore {
    /// Longer than it takes to connect.
    private static let longestWaitForNotifications: Duration = .seconds(10)
    /// How many connections a supervisor has at most for its workers.
    private static let mostConnections = 16
    /// How long a connection that a supervised worker has needed may be idle.
    private static let supervisedIdleLimit: Duration = .seconds(5)

    /// By the hosts of its address: two servers may have databases of the same name.
    package var identity: String? {
        "\(connections.hosts), \(name), schema \(PostgresMigrations.all.count)"
    }

    /// The file exists before the row that names it does, so a row without its file is of another machine.
    package func preparePlace(for id: WorkerID?, capacity: Int) -> PreparedPlace {
        let known = id.flatMap(scoreboards.own)
        let scoreboard = known ?? scoreboards.create(capacity: capacity)
        return PreparedPlace(scoreboard: scoreboard.name) { [self] id in
            scoreboards.keep(scoreboard, for: id)
            if known == nil, scoreboard.name == nil { warnOfUnknownStarts() }
            return RegisteredWorker(
                id: id, scoreboard: scoreboard.file, runLock: runLock, revocations: announcer.revocations)
        }
    }

    package func enroll(
        _ worker: WorkerRegistration, as id: WorkerID?, scoreboard: String?
    ) async throws -> WorkerID {
        let id = try await change { try await $0.register(worker, as: id, scoreboard: scoreboard) }
        // From now on the worker relies on the mark.
        if await !announcer.hear(within: Self.longestWaitForNotifications) {
            logger.warning(
                """
                the server's notifications do not arrive; revoked jobs are noticed within \(TimedRevocationMark.limit), and \
                new jobs within \(ChangeAnnouncer.lookInterval)
                """)
        }
        return id
    }

    private func warnOfUnknownStarts() {
        logger.warning(
            """
            a worker cannot record which jobs it starts, so a job that kills its process is never buried: make a folder for \
            its files, \(RunFolder.description), that only its user can write to
            """)
    }

    package func listenToRevocations(
        _ notify: @escaping @Sendable (_ origin: String) -> Void
    ) -> (@Sendable () -> Void)? {
        announcer.listenToRevocations(notify)
    }

    package func noteRevocation(by origin: String) { announcer.noteRevocation(by: origin) }

    /// Both use one set of connections.
    package var helpsSingleWorker: Bool { true }

    /// A connection commits one call after the other, so on a slow disk the workers would wait for each other's commits.
    package func becomeSupervisor(of workers: Int) { connections.allow(min(workers, Self.mostConnections)) }

    package func becomeSupervised() { connections.closeIdle(after: Self.supervisedIdleLimit) }
}
