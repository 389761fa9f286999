import CFaults
import Foundation
import GRDB
import History
import Logging
import StintCore
import StintPlatform
import StintSQLite
import TestSupport

/// One database on a disk that breaks at one call, and is repaired later. Every call to the store meanwhile works or is
/// refused with a reason, and afterwards all works without opening it again.
struct DiskTrial {
    private static let queue: QueueName = "q"

    private let path: String
    private let fault: DiskFault
    private let clock = TestClock()
    private var chance: SeededGenerator
    /// Whether the worker's calls go through a supervisor.
    private let isSupervised: Bool
    private(set) var problems: [String] = []
    /// How many calls could have failed.
    private(set) var calls = 0
    /// What was refused, by the code of its error.
    private(set) var refusals: [String: Int] = [:]

    /// - Parameter folder: For this trial alone.
    init(in folder: String, _ fault: DiskFault, seed: UInt64) {
        path = folder + "/stint.db"
        self.fault = fault
        chance = SeededGenerator(seed: seed)
        isSupervised = Bool.random(using: &chance)
    }

    private static var quiet: Logger {
        var logger = Logger(label: "disk")
        logger.logLevel = .critical
        return logger
    }

    private static func open(_ path: String, _ clock: any QueueClock = SystemClock()) throws -> SQLiteStore {
        var options = SQLiteStore.Options(busyTimeout: .seconds(5), logger: Self.quiet)
        options.clock = clock
        return try SQLiteStore(path: path, options: options)
    }

    /// The database that all trials begin with.
    static func prepare(_ path: String) async throws {
        do {
            try await open(path).configure(
                queue, QueueSettings(retention: .seconds(86_400 * 365)))
        }
        try await awaitClosing(of: path)
    }

    /// - Returns: Whether the disk broke, which needs that many calls.
    mutating func run(breakingAt call: Int) async throws -> Bool {
        let history = path + ".history"
        var store: SQLiteStore? = try Self.open(path, clock)
        var isBroken = false
        do {
            let supervisor =
                isSupervised ? LocalSupervisor(worker: store!, writingThrough: try Self.open(path, clock)) : nil
            let scene = try await Scene(store!, supervisor, clock, try HistoryLog(history, process: "app"))
            fault.breakDisk(at: call)
            for act in Act.allCases.shuffled(using: &chance) { await perform(act, scene) }
            isBroken = faults_failed() > 0
            calls = Int(faults_matched())
            DiskFault.mendDisk()
            try await recover(scene)
            withExtendedLifetime(supervisor) {}
        }
        store = nil
        try await lookAfterwards(history)
        return isBroken
    }

    // MARK: - While the disk is broken

    private enum Act: CaseIterable {
        case enqueue, enqueueMany, ackOne, ackThree, failAndRelease, extend, claim, exchange, kick, bury, delete, reap,
            configure, register, checkpointLog, read, list, openAgain, backUp, share
    }

    private mutating func perform(_ act: Act, _ scene: Scene) async {
        do {
            try await scene.perform(act)
        } catch let error as StintError {
            refusals[error.code.description, default: 0] += 1
            let names = error.description.contains("disk") || error.description.contains("log of the database")
            let mustWork = fault.allowsReading && (act == .read || act == .list)
            if !names || mustWork { problems.append("\(act) was answered: \(error)") }
        } catch {
            problems.append("\(act) was answered with another error: \(error)")
        }
    }

    /// The parties that use the store.
    private final class Scene {
        let raw: SQLiteStore
        let store: RecordingStore
        let clock: TestClock
        let history: HistoryLog
        /// Jobs that run.
        var running: [LeasedJob]
        private var count = 0
        private let request: ClaimRequest
        /// Only there to be changed.
        let spare: [JobID]

        init(
            _ raw: SQLiteStore, _ supervisor: LocalSupervisor?, _ clock: TestClock, _ history: HistoryLog
        ) async throws {
            self.raw = raw
            self.clock = clock
            self.history = history
            store = RecordingStore(supervisor?.store ?? raw, history, clock: clock)
            request = ClaimRequest(queues: [DiskTrial.queue], limit: 2, lease: .seconds(600), worker: "app:1")
            let jobs = try (0..<24).map { try NewJob(Array("first \($0)".utf8), in: DiskTrial.queue) }
            let ids = try await store.enqueue(jobs).map(\.id)
            running = []
            spare = Array(ids.suffix(4))
            try await store.bury([spare[0]], reason: "to be kicked")
            for _ in 0..<5 { try await claim() }
        }

        func enqueue(_ number: Int, bytes: Int) async throws {
            let jobs = try (0..<number).map { _ in
                count += 1
                return try NewJob(
                    Array("new \(count) ".utf8) + [UInt8](repeating: 0x2E, count: bytes), in: DiskTrial.queue)
            }
            _ = try await store.enqueue(jobs)
        }

        func claim() async throws {
            running += try await store.claim(request)
        }

        /// Lets this many jobs end.
        func settle(_ number: Int, claiming: Bool = false, _ outcome: Settlement.Outcome...) async throws {
            let jobs = Array(running.prefix(number))
            for job in jobs where !started.contains(job.lease) {
                started.insert(job.lease)
                history.started(job)
                history.finished(job)
            }
            let settlements = zip(jobs, outcome).map { Settlement($0.lease, $1) }
            do {
                let exchange = try await store.exchange(settlements, for: claiming ? request : nil)
                running.removeFirst(jobs.count)
                guard exchange.answers.allSatisfy({ $0 != .leaseLost }) else { throw TortureError("a lease was lost") }
                running += exchange.jobs
            } catch let error as StintError where error.code == .outcomeUnknown {
                // They have ended; a power cut could undo that, but there is none here.
                running.removeFirst(jobs.count)
                throw error
            }
        }

        private var started: Set<Lease> = []

        func perform(_ act: Act) async throws {
            let now = clock.now()
            switch act {
            case .enqueue: try await enqueue(1, bytes: 10)
            case .enqueueMany: try await enqueue(20, bytes: 3_000)
            case .ackOne: try await settle(1, .ack)
            case .ackThree: try await settle(3, .ack, .ack, .ack)
            case .failAndRelease: try await settle(2, .fail(error: "no", retryAfter: .zero), .release(after: .zero))
            case .extend: _ = try await store.extend(running.map(\.lease), by: .seconds(700))
            case .claim: try await claim()
            case .exchange: try await settle(1, claiming: true, .ack)
            case .kick: _ = try await store.kick(DiskTrial.queue, limit: 9)
            case .bury: try await store.bury([spare[1]], reason: "by hand")
            case .delete: try await store.delete([spare[2]])
            case .reap: _ = try await store.reap()
            case .configure: try await store.configure("other", QueueSettings(paused: true))
            case .register:
                let process = WorkerProcess(
                    ProcessIdentity(host: "h", boot: now.boot, namespaces: "", processID: 7, startTime: 1))
                let registration = WorkerRegistration(
                    name: "w", process: process, queues: [DiskTrial.queue], concurrency: 1)
                _ = try await store.register(registration, as: nil)
            case .checkpointLog: await raw.checkpointLog()
            case .read: _ = try await store.stats()
            case .list:
                _ = try await store.list(JobFilter(queue: DiskTrial.queue))
                _ = try await store.job(spare[3])
            case .openAgain: _ = try await DiskTrial.open(raw.path, clock).stats()
            case .backUp:
                let copy = raw.path + ".copy"
                do {
                    try await raw.backup(to: copy)
                } catch {
                    if FileManager.default.fileExists(atPath: copy) { throw TortureError("half a backup: \(error)") }
                    throw error
                }
            case .share:
                // Several callers share a transaction.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<4 {
                        count += 1
                        let job = try NewJob(Array("shared \(count) \(number)".utf8), in: DiskTrial.queue)
                        group.addTask { [store] in _ = try await store.enqueue([job]) }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    // MARK: - Afterwards

    /// All works again without opening anything again, and what was refused can be repeated.
    private mutating func recover(_ scene: Scene) async throws {
        do {
            try await scene.enqueue(3, bytes: 5_000)
            try await scene.claim()
            while !scene.running.isEmpty { try await scene.settle(1, .ack) }
            await scene.raw.checkpointLog()
            // The clock is the trial's own.
            for finding in try await scene.raw.examine() + scene.raw.examineSurroundings()
            where !finding.isGood && finding.subject != "clock" {
                problems.append("after the repair: \(finding)")
            }
        } catch {
            problems.append("after the repair: \(error)")
        }
    }

    private mutating func lookAfterwards(_ history: String) async throws {
        do {
            let clock = RecoveryWorker.clock(isRebooted: false)
            let store = try Self.open(path, clock)
            problems += try await RecoveryWorker(store, clock, history: history).workOff()
            for finding in try await store.examine() where !finding.isGood { problems.append("at the end: \(finding)") }
        }
        try await Self.awaitClosing(of: path)
        var configuration = Configuration()
        // The log goes before the lock does.
        configuration.busyMode = .timeout(20)
        let database = try DatabaseQueue(path: path, configuration: configuration)
        let integrity = try await database.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
        if integrity != ["ok"] { problems += integrity }
        try database.close()
        let final = try FinalState(of: path, isDrained: true)
        problems += HistoryChecker(try HistoryLog.read(history), final).violations().map(\.description)
    }

    /// A thread that has just worked for a store may be the one that closes it.
    static func awaitClosing(of path: String) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while access(path + "-wal", F_OK) == 0 {
            guard ContinuousClock.now < deadline else { throw TortureError("the store does not close") }
            await Task.yield()
        }
    }
}
