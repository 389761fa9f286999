import Foundation
import GRDB
import History
import StintCore
import StintSQLite
import TestSupport

/// What is checked after a death or a power cut: first without Stint, in a copy, and then with it.
package struct RecoveryCheck {
    let folder: String
    let reference: Reference
    /// The steps after which the files may have their present state.
    let steps: ClosedRange<Int>
    /// All calls and answers until then; `nil` if too much of it is undone.
    let history: [Event]?
    /// Whether the machine has started again.
    let isRebooted: Bool

    package init(
        _ folder: String, _ reference: Reference, steps: ClosedRange<Int>, history: [Event]?, isRebooted: Bool = false
    ) {
        self.folder = folder
        self.reference = reference
        self.steps = steps
        self.history = history
        self.isRebooted = isRebooted
    }

    /// Everything that is wrong, or nothing; and the step after which the file that is furthest behind had its present
    /// state.
    ///
    /// - Parameter worksOff: Whether to check with Stint too, and to finish the jobs that are left.
    package func look(worksOff: Bool = true) async throws -> (problems: [String], step: Int) {
        do {
            let (problems, step) = try lookWithoutStint()
            return (problems + (worksOff ? try await lookWithStint() : []), step)
        } catch {
            return (["the files cannot be used: \(error)"], 0)
        }
    }

    // MARK: - Without Stint

    private func lookWithoutStint() throws -> (problems: [String], step: Int) {
        // SQLite checkpoints the log, and Stint must find it as it was left.
        let copy = folder + "-copy"
        try FileManager.default.copyItem(atPath: folder, toPath: copy)
        defer { remove(copy) }
        var problems = try ScriptedWorkload.files.flatMap { try Self.damage(of: "\(copy)/\($0)") }
        let state = try Fingerprints(in: copy)
        problems += reference.objections(to: state, among: steps)
        problems += try broken(isDrained: false, in: copy, history)
        return (problems, reference.lastStep(of: state))
    }

    private func remove(_ path: String) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("\(path) stays behind: \(error)")
        }
    }

    private static func damage(of path: String) throws -> [String] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        let database = try DatabaseQueue(path: path, configuration: .waiting)
        let answer = try database.inDatabase { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
        try database.close()
        return answer == ["ok"] ? [] : answer.map { "\(path): \($0)" }
    }

    private func broken(isDrained: Bool, in folder: String, _ history: [Event]?) throws -> [String] {
        guard let history, FileManager.default.fileExists(atPath: folder + "/new.db") else { return [] }
        var final = try FinalState(of: folder + "/new.db", isDrained: isDrained)
        final.jobs.removeAll { $0.queue == ScriptedWorkload.fleeting.description }
        return HistoryChecker(history, final).violations().map(\.description)
    }

    // MARK: - With Stint

    private func lookWithStint() async throws -> [String] {
        var problems: [String] = []
        for file in ScriptedWorkload.files where FileManager.default.fileExists(atPath: "\(folder)/\(file)") {
            problems += try await workOff(file).map { "\(file): \($0)" }
            try await awaitClosing(of: "\(folder)/\(file)")
        }
        problems += try ScriptedWorkload.files.flatMap { try Self.damage(of: "\(folder)/\($0)") }
        guard let history else { return problems }
        let workers = try ScriptedWorkload.wholeHistory(in: folder).filter { $0.process == RecoveryWorker.name }
        // The power cut has ended all other processes.
        let time = history.last?.time ?? 0
        let deaths = isRebooted ? Set(history.map(\.process)).sorted() : []
        let ends = deaths.map { Event(time: time, process: $0, kind: .killed) }
        return problems + (try broken(isDrained: true, in: folder, history + ends + workers))
    }

    private func workOff(_ file: String) async throws -> [String] {
        let clock = RecoveryWorker.clock(isRebooted: isRebooted)
        var options = SQLiteStore.Options()
        options.clock = clock
        let store = try SQLiteStore(path: "\(folder)/\(file)", options: options)
        var problems = try await findings(of: store)
        let worker = try RecoveryWorker(
            store, clock, history: file == "new.db" ? ScriptedWorkload.history(in: folder) : nil)
        problems += try await worker.workOff()
        return problems + (try await findings(of: store))
    }

    private func findings(of store: SQLiteStore) async throws -> [String] {
        try await store.examine().filter { !$0.isGood }.map(\.description)
    }
}

/// Comes afterwards and finishes the jobs that are left.
struct RecoveryWorker {
    static let name = "recovery"

    private let store: any JobStore
    private let log: HistoryLog?
    private let clock: TestClock

    /// - Parameters:
    ///   - store: It reads the same clock.
    init(_ store: SQLiteStore, _ clock: TestClock, history: String?) throws {
        log = try history.map { try HistoryLog($0, process: Self.name) }
        self.store = log.map { RecordingStore(store, $0, clock: clock) } ?? store
        self.clock = clock
    }

    /// Later than any time in a workload.
    static func clock(isRebooted: Bool) -> TestClock {
        let clock = TestClock()
        clock.advance(by: .seconds(3_600))
        if isRebooted { clock.reboot() }
        return clock
    }

    /// - Returns: What keeps it from finishing.
    func workOff() async throws -> [String] {
        for _ in 0..<1_000 {
            _ = try await store.reap()
            let stats = try await store.stats()
            if stats.allSatisfy({ $0.unfinished == 0 }) { return [] }
            let request = ClaimRequest(queues: stats.map(\.name), limit: 10, lease: .seconds(60), worker: "recovery:1")
            let jobs = try await store.claim(request)
            for job in jobs {
                log?.started(job)
                log?.finished(job)
            }
            let answers = try await store.settle(jobs.map { Settlement($0.lease, .ack) })
            if answers.contains(.leaseLost) { return ["a lease was lost that was just given"] }
            if jobs.isEmpty { clock.advance(by: .seconds(50_000_000)) }
        }
        return ["the work does not end: \(try await store.stats())"]
    }
}
