import Foundation
import Stint
import StintCore
import StintPlatform
import Subprocess
import TestSupport

/// Wakes the worker in each of the ways, and notes when: one value for one kind.
actor WakeUpTriggers {
    private let queue: BenchQueue
    private let database: String
    private var random: SeededGenerator
    /// By the number in the payload: the instant from which the time of its job counts.
    private(set) var rung: [Int64] = []
    /// Why it could not be done; `nil` if it could.
    private(set) var skipped: String?

    init(_ queue: BenchQueue, _ database: String, seed: UInt64) {
        self.queue = queue
        self.database = database
        random = SeededGenerator(seed: seed)
    }

    func ring(_ kind: WakeKind, times: Int) async throws {
        switch kind {
        case .enqueue:
            try await again(times) { number in
                let job = try Self.job(number)
                note()
                _ = try await queue.enqueue(jobs: [job])
            }
        case .delayed: try await again(times) { try await self.enqueueDelayed($0) }
        case .kick:
            try await again(times) { number in
                let id = try await queue.enqueue(jobs: [Self.job(number, delay: .seconds(3_600))])[0].id
                try await queue.store.bury([id], reason: "to be kicked")
                try await pause()
                note()
                try await queue.store.kick([id])
            }
        case .resume:
            try await again(times) { number in
                try await queue.pause(StintWorkload.queue)
                _ = try await queue.enqueue(jobs: [Self.job(number)])
                try await pause()
                note()
                try await queue.resume(StintWorkload.queue)
            }
        case .insert: try await insert(times)
        case .shell: try await insertThroughShell(times)
        }
    }

    // MARK: - The kinds

    /// The job's time is by the wall clock, in whole milliseconds; the worker notes the other clock.
    private func enqueueDelayed(_ number: Int) async throws {
        let delay = Duration.milliseconds(Int.random(in: 20...60, using: &random))
        let now = SystemClock().now()
        let wall = MonotonicClock.wallNanoseconds()
        let due = MonotonicClock.nanoseconds() + (now.wall + Int64(delay / .milliseconds(1))) * 1_000_000 - wall
        rung.append(due)
        _ = try await queue.store.enqueue([try Self.job(number, delay: delay)])
        try await Task.sleep(for: delay)
    }

    private func insert(_ times: Int) async throws {
        guard try hasView() else {
            skipped = "this schema has no view stint_enqueue"
            return
        }
        let connection = try SQLiteConnection(database, durability: .full, busyTimeout: 30_000)
        try connection.execute("PRAGMA wal_autocheckpoint = 0")
        for _ in 0..<times {
            try await pause()
            let sql = Self.insertion(rung.count)
            note()
            try connection.execute(sql)
        }
    }

    private func insertThroughShell(_ times: Int) async throws {
        guard try hasView() else {
            skipped = "this schema has no view stint_enqueue"
            return
        }
        guard let shell = Self.shell else {
            skipped = "there is no sqlite3"
            return
        }
        let result = try await Subprocess.run(
            .path(.init(shell)), arguments: [database], input: .inputWriter, output: .discarded,
            error: .currentStandardError
        ) { execution in
            // This opens and warms its connection before the first one counts.
            let writer = execution.standardInputWriter
            _ = try await writer.write(
                ".timeout 30000\nPRAGMA wal_autocheckpoint = 0;\nSELECT count(*) FROM stint_queues;\n")
            for _ in 0..<times {
                try await pause()
                let sql = Self.insertion(rung.count)
                note()
                _ = try await writer.write(sql + ";\n")
            }
            try await writer.finish()
        }
        guard result.terminationStatus.isSuccess else {
            throw BenchError("sqlite3 ended with \(result.terminationStatus); its standard error says why")
        }
    }

    private static let shell = ["/usr/bin/sqlite3", "/usr/local/bin/sqlite3"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    private func hasView() throws -> Bool {
        try SQLiteConnection(database, durability: .full, busyTimeout: 30_000)
            .integer("SELECT count(*) FROM sqlite_master WHERE type = 'view' AND name = 'stint_enqueue'") == 1
    }

    private static func insertion(_ number: Int) -> String {
        let digits = String(number).utf8.map { String($0, radix: 16) }.joined()
        return "INSERT INTO stint_enqueue (queue, payload) VALUES ('\(StintWorkload.queue)', X'\(digits)')"
    }

    private static func job(_ number: Int, delay: Duration = .zero) throws -> NewJob {
        try NewJob(Array(String(number).utf8), in: StintWorkload.queue, options: JobOptions(delay: delay))
    }

    // MARK: - Time

    private func again(_ times: Int, _ body: (Int) async throws -> Void) async throws {
        for _ in 0..<times {
            try await pause()
            try await body(rung.count)
        }
    }

    private func note() {
        rung.append(MonotonicClock.nanoseconds())
    }

    /// When this returns, the worker is idle again.
    private func pause() async throws {
        try await Task.sleep(for: .milliseconds(Int.random(in: 20...60, using: &random)))
    }
}
