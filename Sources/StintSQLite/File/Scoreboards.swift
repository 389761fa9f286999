import StintCore
import StintPlatform
import StintRunFiles
import Synchronization

/// The scoreboards of all workers of a database (`stint.db-worker-17` is that of worker 17), and the signs of
/// supervisors.
final class Scoreboards: Sendable {
    private let database: String
    private let clock: any QueueClock
    /// The scoreboards of this process's own workers.
    private let own = Mutex<[WorkerID: ScoreboardFile]>([:])

    /// - Parameter file: The database without symbolic links, so that all processes find the same scoreboards.
    init(beside file: String, clock: any QueueClock) {
        database = file
        self.clock = clock
    }

    private var prefix: String { database + "-worker-" }
    private func path(_ worker: WorkerID) -> String { prefix + worker.description }

    func open(for worker: WorkerID, capacity: Int) -> ScoreboardFile {
        own.withLock { scoreboards in
            if let scoreboard = scoreboards[worker] { return scoreboard }
            let scoreboard = ScoreboardFile(
                path: path(worker), mark: worker.rawValue, capacity: capacity, like: database, clock: clock)
            scoreboards[worker] = scoreboard
            return scoreboard
        }
    }

    /// What the worker has started; `nil` if that is unknown.
    func read(_ worker: WorkerID) -> ScoreboardFile.Content? {
        ScoreboardFile.read(path(worker), of: worker.rawValue)
    }

    /// The store's time.
    var now: ClockReading { clock.now() }

    /// Whether the machine or the container of a process goes on, as far as this process can know. A process of another
    /// boot id has ended with its boot: all are of this machine.
    func liveness(ofHostOf process: ProcessIdentity) -> Liveness {
        let here = clock.now().boot
        return process.boot == here ? process.hostLiveness(boot: here) : .dead
    }

    func liveness(_ worker: WorkerID) -> Liveness {
        ScoreboardFile.liveness(path(worker), of: worker.rawValue)
    }

    func remove(_ worker: WorkerID) {
        if let scoreboard = own.withLock({ $0.removeValue(forKey: worker) }) { scoreboard.remove() }
        unlink(path(worker))
    }

    /// Acts as if the worker's process had died; for tests.
    func abandon(_ worker: WorkerID) {
        own.withLock { $0.removeValue(forKey: worker) }?.abandon()
    }

    /// Removes the scoreboards of earlier workers that are not known, and signs of supervisors that are dead. A process
    /// that died between two steps has left them.
    func sweep(before newest: WorkerID, keeping known: Set<WorkerID>, supervisors: Set<String>) {
        let (folder, name) = place
        for file in LivenessFile.names(in: folder) where file.hasPrefix(name) {
            let path = folder == "/" ? "/" + file : folder + "/" + file
            if isLeftOver(file.dropFirst(name.count), path, newest, known, supervisors) { unlink(path) }
        }
    }

    private func isLeftOver(
        _ rest: Substring, _ path: String, _ newest: WorkerID, _ known: Set<WorkerID>, _ supervisors: Set<String>
    ) -> Bool {
        if rest.hasPrefix("-supervisor-") {
            return !supervisors.contains(String(rest.dropFirst()))
                && LivenessFile.liveness(of: path) { _, _ in true } == .dead
        }
        guard rest.hasPrefix("-worker-") else { return false }
        let number = rest.dropFirst("-worker-".count)
        let isNew = number.hasSuffix(LivenessFile.suffixOfNew)
        guard let id = Int64(isNew ? number.dropLast(LivenessFile.suffixOfNew.count) : number), id < newest.rawValue
        else { return false }
        let worker = WorkerID(rawValue: id)
        // A known worker may be creating its scoreboard right now.
        return !known.contains(worker) && (isNew || liveness(worker) != .alive)
    }

    /// The folder and the name of the database.
    private var place: (folder: String, name: Substring) {
        guard let slash = database.lastIndex(of: "/") else { return (".", database[...]) }
        let folder = slash == database.startIndex ? "/" : String(database[..<slash])
        return (folder, database[database.index(after: slash)...])
    }

    // MARK: - Supervisors

    /// `nil` if the file cannot be created.
    func signOfSupervisor(process: Int32) -> SupervisorFile? {
        SupervisorFile(prefix: database + "-", like: database, process: process)
    }

    /// A supervisor whose file is missing has ended in an orderly way.
    func liveness(ofSupervisor sign: String) -> Liveness {
        guard !sign.contains("/") else { return .unknown }
        let path = database + "-" + sign
        if access(path, F_OK) != 0 && errno == ENOENT { return .dead }
        return SupervisorFile.liveness(path)
    }
}
