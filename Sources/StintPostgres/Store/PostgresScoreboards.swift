import StintCore
import StintPlatform
import StintRunFiles
import Synchronization

/// The scoreboards of workers and the signs of supervisors: files in a folder of this machine.
///
/// The files are named in the database. Of a worker whose file is not here nothing is known: it may be on another machine,
/// in a container with a folder of its own, or its file was removed. So a missing file proves nothing, and no file counts
/// that belongs to a process of another boot: the folder may be shared over a network.
final class PostgresScoreboards: Sendable {
    /// A scoreboard of this process.
    struct Own: Sendable {
        /// Its name in the database; `nil` if it could not be created.
        let name: String?
        let file: ScoreboardFile
    }

    /// How long files of dead processes are kept: as long as somebody may still ask for them.
    private static let keptSeconds = 24 * 3_600

    private let folder: String?
    private let clock: any QueueClock
    private let own = Mutex<[WorkerID: Own]>([:])

    /// - Parameter folder: `nil`: there is none, and nothing is recorded.
    init(in folder: String?, clock: any QueueClock) {
        self.folder = folder
        self.clock = clock
    }

    // MARK: - This process's

    /// A new scoreboard, for a worker that is about to be registered. It is removed with the last reference to it.
    func create(capacity: Int) -> Own {
        sweep()
        let mark = Int64.random(in: .min ... .max)
        let name = "worker-\(getpid())-" + String(UInt64(bitPattern: mark), radix: 16)
        let file = ScoreboardFile(
            path: path(name), mark: mark, capacity: capacity, like: folder ?? "", clock: clock)
        return Own(name: file.isSound ? name : nil, file: file)
    }

    func keep(_ scoreboard: Own, for worker: WorkerID) { own.withLock { $0[worker] = scoreboard } }

    func own(of worker: WorkerID) -> Own? { own.withLock { $0[worker] } }

    /// `nil` if the file cannot be created.
    func signOfSupervisor() -> SupervisorFile? {
        guard let folder else { return nil }
        return SupervisorFile(prefix: folder + "/", like: folder)
    }

    /// - Parameter names: Those of workers that have ended, in whatever processes they were.
    func remove(_ workers: [WorkerID], names: [String] = []) {
        for worker in workers { own.withLock { $0.removeValue(forKey: worker) }?.file.remove() }
        for name in names where Self.mark(of: name) != nil { path(name).map { _ = unlink($0) } }
    }

    /// Acts as if the worker's process had died; for tests.
    func abandon(_ worker: WorkerID) { own.withLock { $0.removeValue(forKey: worker) }?.file.abandon() }

    // MARK: - Anybody's

    /// A worker, with what the files of this machine prove of it.
    ///
    /// - Parameter name: Of its scoreboard.
    func record(
        _ id: WorkerID, _ registration: WorkerRegistration, registeredAt: Timestamp, scoreboard name: String?,
        order: WorkerOrder?
    ) -> WorkerRecord {
        let now = clock.now()
        var (content, liveness, host): (ScoreboardFile.Content?, Liveness, Liveness) = (nil, .unknown, .unknown)
        var supervisor: Liveness? = registration.supervisor.map { _ in .unknown }
        let process = ProcessIdentity(registration.process)
        if let process, process.boot == now.boot {
            host = process.hostLiveness(boot: now.boot)
            if let name, let path = path(name), let mark = Self.mark(of: name) {
                liveness = ScoreboardFile.liveness(path, of: mark)
                content = ScoreboardFile.read(path, of: mark)
            }
            if let sign = registration.supervisorSign, !sign.contains("/"), let path = path(sign) {
                supervisor = SupervisorFile.liveness(path)
            }
        }
        return WorkerRecord(
            id: id, registration: registration, registeredAt: registeredAt,
            started: process.flatMap { content?.startedJobs(in: $0, at: now) }, liveness: liveness, hostLiveness: host,
            supervisorLiveness: supervisor, hasOrderToStop: content?.hasOrderToStop ?? false, order: order)
    }

    private func path(_ name: String) -> String? { folder.map { "\($0)/\(name)" } }

    /// The number in the name of a scoreboard; `nil` if it is the name of something else.
    private static func mark(of name: String) -> Int64? {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "worker", Int32(parts[1]) != nil else { return nil }
        return UInt64(parts[2], radix: 16).map(Int64.init(bitPattern:))
    }

    // MARK: - What dead processes have left

    /// Removes what processes have left that died long ago, of whatever database their workers were.
    private func sweep() {
        guard let folder else { return }
        for name in LivenessFile.names(in: folder) {
            guard name.hasPrefix("worker-") || name.hasPrefix("supervisor-") else { continue }
            let path = "\(folder)/\(name)"
            if isOld(path), LivenessFile.liveness(of: path, isSound: { _, _ in true }) == .dead { unlink(path) }
        }
    }

    private func isOld(_ path: String) -> Bool {
        var (facts, now) = (stat(), timespec())
        guard lstat(path, &facts) == 0, clock_gettime(CLOCK_REALTIME, &now) == 0 else { return false }
        return facts.modified.nanoseconds / 1_000_000_000 < Int64(now.tv_sec) - Int64(Self.keptSeconds)
    }
}
