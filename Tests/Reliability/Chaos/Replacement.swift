import Foundation
import History
import Synchronization
import TestSupport

/// Replaces the database by a copy of itself, with the real `stint backup` and `stint restore`, while all have it open.
///
/// Every other time all are at work meanwhile: what was done between the copy and its arrival is undone then. The other times all
/// are stopped between two transactions, so that nothing is undone, and some are caught after their commit and before its answer.
/// Now and then the restore is killed in the middle, and done again.
///
/// Judged is: what had returned before the copy was begun is there and stays done; what is begun after its arrival counts, or is
/// refused; ids and tokens are not used twice; nobody pays; and all notice in time, and end with 69. Not judged is what
/// was under way in between: it may have happened, been undone, or both. SQL clients notice nothing, so they are not there meanwhile.
final class Replacement: Sendable {
    private let run: ChaosRun
    private let processes: ProcessGroup
    private let log: HistoryLog
    private let state = Mutex((isUnderWay: false, count: 0))
    private var copy: String { run.folder + "/copy.db" }

    init(_ run: ChaosRun, _ processes: ProcessGroup, _ log: HistoryLog) {
        self.run = run
        self.processes = processes
        self.log = log
    }

    /// One after the other.
    func happen(_ seed: UInt64) async throws {
        while !beginTurn() { try await Task.sleep(for: .milliseconds(20)) }
        defer { state.withLock { $0.isUnderWay = false } }
        var chance = SeededGenerator(seed: seed)
        let patience: Duration? =
            Int.random(in: 0..<3, using: &chance) == 0 ? .milliseconds(.random(in: 10...200, using: &chance)) : nil
        try await processes.hold([.rawSQL])
        await processes.beginReplacement()
        let stopped = state.withLock(\.count) % 2 == 0 ? try await stopBetweenTransactions() : []
        let isDone = try await replace(patience)
        await processes.thaw(stopped)
        await processes.release()
        await processes.endReplacement()
        guard isDone else { return await processes.note("the database could not be replaced; see \(run.errorFile)") }
        try await waitForNotice()
        try removeOldOnes()
    }

    private func beginTurn() -> Bool {
        state.withLock { state in
            guard !state.isUnderWay else { return false }
            state.isUnderWay = true
            state.count += 1
            return true
        }
    }

    private func stopBetweenTransactions() async throws -> [ProcessGroup.Member] {
        let lock = try await WriteLock(of: run.database)
        let stopped = try await processes.freeze()
        try await lock.release()
        return stopped
    }

    private func replace(_ patience: Duration?) async throws -> Bool {
        for _ in 1...5 {
            unlink(copy)
            log.append(.copying)
            let backup = await Tool.run(
                run.stint, ["backup", "--db", run.database, copy], errors: run.errorFile)
            guard backup == .exited(0) else { continue }
            // Where it was killed, nobody can open the database until it is done again.
            if let patience { _ = await restore(patience) }
            for _ in 1...5 where await restore() {
                log.append(.replaced)
                return true
            }
        }
        return false
    }

    private func restore(_ patience: Duration? = nil) async -> Bool {
        await Tool.run(
            run.stint, ["restore", copy, "--to", run.database], errors: run.errorFile, patience: patience)
            == .exited(0)
    }

    /// Nobody keeps the old files open for long: idle ones look every five seconds, and handlers that run may end.
    private func waitForNotice() async throws {
        let names = Set(["", "-wal", "-shm"].map { "\(run.database)\($0) (deleted)" })
        let deadline = ContinuousClock.now + .seconds(30) + run.lease * 4
        while await processes.someoneHasOpen(names) {
            guard ContinuousClock.now < deadline else {
                return await processes.note("the database was replaced, and somebody has the old one open")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func removeOldOnes() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: run.folder)
        where name.contains("-before-restore-") {
            try FileManager.default.removeItem(atPath: "\(run.folder)/\(name)")
        }
    }
}
