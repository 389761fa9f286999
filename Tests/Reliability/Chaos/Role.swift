import Foundation
import History
import Logging
import ServiceLifecycle
import Stint
import StintCore
import StintPostgres
import StintSQLite
import TestSupport

/// A role of a process in a run.
package enum Role: String, CaseIterable, Sendable {
    /// Creates the database, with queues that keep their done jobs and are not paused; and ends schedules.
    case founder
    /// Enqueues through Stint.
    case producer
    /// Enqueues with SQL of its own, and does not know the gate.
    case rawSQL
    /// A worker without a supervisor.
    case worker
    /// A supervisor with workers of its own.
    case supervisor
    case reaper
    /// Reads everything, pauses, resumes, kicks, buries and deletes.
    case `operator`
    /// Works until nothing is left.
    case drain
    /// `stint work` with a command, and `stint reap` again and again. What these do with the store is in no history.
    case command, cron
}

/// One process that plays a role.
package struct Player: Sendable {
    package static let queues: [QueueName] = ["a", "b", limited]
    /// The queue with groups and limits; in a calm run it has neither.
    static let limited: QueueName = "c"
    static let groups = (0..<8).map { "group-\($0)" }
    /// The busy timeout of all the stores of a run.
    package static let busyTimeout: Duration = .seconds(30)

    private let role: Role
    /// A path, or the URL of a database of a PostgreSQL server.
    let database: String
    private let listenURL: String?
    let lease: Duration
    let log: HistoryLog
    let seed: UInt64
    /// Whether no job may kill its process.
    let isCalm: Bool
    private let hoards: Bool
    let history: String

    /// - Parameters:
    ///   - listenURL: Where the server's notifications are, if they are not at `database`.
    ///   - hoards: Whether it has no file left to open now and then.
    package init(
        _ role: Role, database: String, listenURL: String? = nil, history: String, lease: Duration, seed: UInt64,
        isCalm: Bool, hoards: Bool
    ) throws {
        self.role = role
        self.database = database
        self.listenURL = listenURL
        self.lease = lease
        self.seed = seed
        self.isCalm = isCalm
        self.hoards = hoards
        self.history = history
        log = try HistoryLog(history, process: ProcessName.own)
        let isSupervised = Worker.isSupervised
        log.append(
            .began(
                supervisor: isSupervised ? ProcessName.of(getppid()) : nil,
                role: isSupervised ? Role.worker.rawValue : role.rawValue))
    }

    package func play() async throws {
        // A harness that was killed leaves nobody behind.
        if !Worker.isSupervised { try HarnessSign.endWithHarness(beside: history) }
        let store = try await open()
        let queue = JobQueue(store: RecordingStore(store, log))
        if hoards { Hoarder.start(seed: seed) }
        switch role {
        case .founder:
            for name in Self.queues {
                try await queue.retain(.seconds(86_400), in: name)
                try await queue.resume(name)
            }
            // At the drain, which must come to its end.
            for schedule in try await queue.schedules() { try await queue.pauseSchedule(schedule.name) }
            if !isCalm { try await queue.store.configure(Self.limited, Self.limits) }
        case .producer: try await Producer(self, queue).run()
        case .rawSQL: try await RawSQLProducer(self).run()
        case .worker: try await serve([worker(queue)])
        case .drain: try await serve([worker(queue, drains: true)])
        case .supervisor: try await serve([supervisor(queue), Reaper(queue, every: .milliseconds(100))])
        case .reaper: try await serve([Reaper(queue, every: .milliseconds(50))])
        case .command, .cron: throw HistoryError("\(role) is not played by this program")
        case .operator: try await OperatorClient(self, queue, store as? SQLiteStore).run()
        }
        log.append(.ended)
    }

    private func open() async throws -> any JobStore {
        if ChaosRun.isOnServer(database) {
            var options = PostgresStore.Options()
            options.logger = Self.quiet
            options.listenURL = listenURL
            while true {
                do {
                    return try await PostgresStore.open(database, options: options)
                } catch let error as StintError where error.code == .databaseBusy {
                    // A service manager would start it again.
                    continue
                }
            }
        }
        var options = SQLiteStore.Options()
        options.busyTimeout = Self.busyTimeout
        return try await JobQueue(.sqlite(database, options: options)).store
    }

    static let limits = QueueSettings(
        concurrency: .to(6), rate: .to(Rate(30, per: .seconds(1))), groupConcurrency: .to(1),
        groupRate: .to(Rate(8, per: .seconds(1))), groupOrder: .strict, isFair: true)

    private func serve(_ services: [any Service]) async throws {
        var configurations = services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
        configurations[0].successTerminationBehavior = .gracefullyShutdownGroup
        try await ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: configurations, gracefulShutdownSignals: [.sigterm], logger: Self.quiet)
        ).run()
    }

    private func supervisor(_ queue: JobQueue<RecordingStore>) -> Supervisor {
        var options = SupervisorOptions()
        options.workers = 2
        options.gracePeriod = .seconds(5)
        // Some lives of it in the other way, so that both are beside each other.
        options.sharesWriter = seed % 4 != 0
        return Supervisor(queue, options: options) { worker($0) }
    }

    private func worker(_ queue: JobQueue<RecordingStore>, drains: Bool = false) -> Worker {
        var chance = SeededGenerator(seed: seed)
        var options = Worker.Options()
        let slots = [1, 1, 4].randomElement(using: &chance)!
        // Where shares are compared, all must be able to do as much: one with a single slot gets a quarter.
        options.concurrency = isCalm ? 4 : slots
        options.batch = [nil, 1, 8].randomElement(using: &chance)!
        options.lease = lease
        options.gracePeriod = .seconds(2)
        options.pollInterval = .milliseconds(500)
        options.drains = drains
        var worker = Worker(queue, queues: Self.queues, options: options, logger: Self.quiet)
        worker.registerOthers(retry: .constant(.milliseconds(20))) { [log, database] context in
            let kind = JobKind(payload: context.job.reference)
            try await context.recorded(in: log) {
                try await kind.perform(attempt: context.attempt, token: context.token.rawValue, database: database)
            }
        }
        return worker
    }

    /// Logs only what must not happen.
    static let quiet: Logger = {
        var logger = Logger(label: "torture")
        logger.logLevel = .critical
        return logger
    }()
}
