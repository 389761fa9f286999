import Foundation
import StintCore
import StintRunFiles
import Subprocess
import Synchronization
import TestSupport
import Testing

@testable import StintSQLite

@Suite("The write gate", .timeLimit(.minutes(5)))
struct GateTests {
    @Test("of 8 that come again and again, none gets less than half of what another one gets")
    func fairness() async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        _ = try SQLiteStore(path: path)
        // Each opens its own files, like a process. A turn takes so long that all the others are in line.
        let turns = Turns()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    await onThread {
                        guard let gate = try? WriteGate(DatabaseLocks(beside: path)) else {
                            Issue.record("there is no gate")
                            return
                        }
                        var isOver = false
                        while !isOver {
                            gate.enter()
                            usleep(200)
                            isOver = turns.take(number)
                            gate.leave()
                        }
                    }
                }
            }
        }
        #expect(turns.counts.min()! >= 100, "\(turns.counts)")
    }

    private final class Turns: Sendable {
        private let state = Mutex((counts: [Int](repeating: 0, count: 8), came: Set<Int>()))

        var counts: [Int] { state.withLock { $0.counts } }

        /// Counts once all are there.
        ///
        /// - Returns: Whether one of them has had all its turns.
        func take(_ number: Int) -> Bool {
            state.withLock { state in
                state.came.insert(number)
                if state.counts.contains(200) { return true }
                if state.came.count == state.counts.count { state.counts[number] += 1 }
                return state.counts[number] == 200
            }
        }
    }

    @Test("each byte is a lock of its own, excludes others also in one process, and is free when its holder is gone")
    func bytes() throws {
        let folder = try TemporaryFolder()
        _ = try SQLiteStore(path: folder.database)
        let other = try DatabaseLocks(beside: folder.database)
        do {
            let holder = try DatabaseLocks(beside: folder.database)
            holder.lock(.nextAtGate)
            #expect(!other.lockIfFree(.nextAtGate))
            #expect(other.lockIfFree(.gate) && other.lockIfFree(.checkpoint), "another lock is free")
            holder.unlock(.nextAtGate)
            #expect(other.lockIfFree(.nextAtGate), "what was released is free")
            other.unlock(.nextAtGate)
            #expect(!holder.lockIfFree(.gate), "to release one lock releases no other")
            holder.lock(.nextAtGate)
            #expect(!other.lockIfFree(.nextAtGate))
        }
        #expect(other.lockIfFree(.nextAtGate), "the holder is gone")
        #expect(try FileHandle(forReadingFrom: URL(filePath: folder.database + "-lock")).seekToEnd() == 0)
    }

    @Test("a process that is killed inside opens it")
    func killedInside() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await stoppedInside("lock", of: folder.database) { process in
            let entered = Task { try await queue.enqueue(payload: [1], in: "q") }
            try await eventually("the enqueue waits") { try queue.store.transactions.waitingCount == 1 }
            kill(process, SIGKILL)
            _ = try await entered.value
        }
        #expect(try await queue.store.stats().first?.ready == 1)
    }

    @Test("past a process that is stopped inside, and holds no lock of SQLite's, the others go on")
    func stoppedInsideGate() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await stoppedInside("gate", of: folder.database) { process in
            for number in 1...3 { try await queue.enqueue(payload: [UInt8(number)], in: "q") }
            let jobs = try await queue.claim(2)
            try await queue.ack(jobs)
            kill(process, SIGKILL)
        }
        try await queue.enqueue(payload: [4], in: "q")
        #expect(try await queue.claim(9).map(\.payload) == [[3], [4]])
        try await expectSound(queue.store)
    }

    @Test(
        "past a process that is stopped inside the gate, or was elected to checkpoint and is stopped, the log is checkpointed again and again",
        arguments: ["gate", "elected"])
    func stoppedBeforeCheckpoint(_ what: String) async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let payload = [UInt8](repeating: 7, count: 200_000)
        try await stoppedInside(what, of: folder.database) { process in
            let election = open(folder.database + "-lock", O_RDONLY)
            defer { close(election) }
            for _ in 1...3 {
                let last = LockFile.modified(election)
                let deadline = ContinuousClock.now + .seconds(60)
                while LockFile.modified(election) == last {
                    try #require(ContinuousClock.now < deadline, "there was no checkpoint")
                    try await queue.enqueue(payload: payload, in: "q")
                    let job = try await queue.claim()
                    try await queue.ack(job)
                }
            }
            // It returns.
            await queue.store.checkpointLog()
            kill(process, SIGKILL)
        }
        try await expectSound(queue.store)
    }

    @Test("a process that is stopped with SQLite's lock is an error after the timeout, which names it")
    func stoppedInsideTransaction() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, options: .init(busyTimeout: .milliseconds(200))))
        try await queue.enqueue(payload: [1], in: "q")
        try await stoppedInside("lock", of: folder.database) { process in
            let error = await #expect(throws: StintError.self) { try await queue.enqueue(payload: [2], in: "q") }
            #expect(error?.code == .databaseBusy)
            #if os(Linux)
                let text = try #require(error?.description)
                #expect(text.contains("process \(process) (ClaimingWorker, which is stopped)"), "\(text)")
            #endif
            #expect(try await queue.store.stats().first?.ready == 1, "it can be read meanwhile")
            kill(process, SIGKILL)
        }
        try await queue.enqueue(payload: [3], in: "q")
        #expect(try await queue.claim(9).map(\.payload) == [[1], [3]])
    }

    @Test("a program that knows no gate writes beside it, and nobody starves")
    func foreignWriter() async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        let queue = try await JobQueue(.sqlite(path, durability: .normal))
        let script = """
            import sqlite3, sys
            database = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
            database.execute("PRAGMA wal_autocheckpoint = 0")
            database.execute("CREATE TABLE notes (number)")
            for number in range(300): database.execute("INSERT INTO notes VALUES (?)", (number,))
            print(database.execute("SELECT count(*) FROM notes").fetchone()[0])
            """
        async let foreign = Subprocess.run(
            .name("python3"), arguments: ["-c", script, path], output: .string(limit: 100),
            error: .string(limit: 10_000))
        for number in 0..<300 { try await queue.enqueue(payload: [UInt8(number % 256)], in: "q") }
        let result = try await foreign
        #expect(result.standardOutput == "300\n", "\(result.standardError)")
        #expect(try await queue.store.stats().first?.ready == 300)
        try await expectSound(queue.store)
    }

    @Test("if the file of the locks cannot be used, since a symbolic link is in its place, writes go without")
    func noGate() async throws {
        let folder = try TemporaryFolder()
        let precious = folder.path + "/precious"
        try Data("kept".utf8).write(to: URL(filePath: precious))
        for name in ["-lock", "-reserve"] {
            try FileManager.default.createSymbolicLink(
                atPath: folder.database + name, withDestinationPath: precious)
        }
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.enqueue(payload: [1], in: "q")
        #expect(try await queue.claim().count == 1)
        #expect(try String(contentsOfFile: precious, encoding: .utf8) == "kept")
        let mode = try FileManager.default.attributesOfItem(atPath: precious)[.posixPermissions] as? Int
        #expect(mode != 0o600, "it was not touched")
    }

    // MARK: -

    /// Does `body` while a process is stopped inside the gate, and kills that process in the end.
    private func stoppedInside(
        _ what: String, of database: String, _ body: (pid_t) async throws -> Void
    ) async throws {
        let result = try await Subprocess.run(
            .path(.init(claimingWorker)), arguments: ["inside", database, what], input: .none, output: .sequence,
            error: .discarded
        ) { execution in
            let process = execution.processIdentifier.value
            defer { kill(process, SIGKILL) }
            for try await line in execution.standardOutput.strings() where line.hasPrefix("inside") { break }
            var facts = siginfo_t()
            try #require(waitid(P_PID, id_t(process), &facts, WSTOPPED | WNOWAIT) == 0)
            try await body(process)
        }
        #expect(result.terminationStatus == .signaled(SIGKILL))
    }
}

/// Runs `body` on a thread of its own: it blocks.
func onThread(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            body()
            continuation.resume()
        }
    }
}
