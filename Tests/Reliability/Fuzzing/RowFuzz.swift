import Foundation
import GRDB
import Logging
import StintCore
import StintPlatform
import StintSQLite
import StintSQLiteMigrations
import TestSupport

/// Stored rows that another program has corrupted, and every verb of the store, a worker and the reaper on them: only a
/// ``StintError`` may be thrown, and the jobs that were not touched are done in the end, with their exact payload.
package struct RowFuzz {
    private static let queues: [QueueName] = ["q", "plain"]
    static let quiet = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }

    private let folder: String
    private let template: String
    /// What must come out, by id.
    private let innocents: [Int64: [UInt8]]

    /// Creates the database that each case begins with.
    ///
    /// - Parameter folder: An empty one.
    package init(in folder: String) async throws {
        self.folder = folder
        template = folder + "/template.db"
        let made = folder + "/made.db"
        try Fixture.make(version: Fixture.contents.count, at: made)
        innocents = try await Self.fill(made, copiedTo: template)
    }

    /// Jobs in every state that may be tried a thousand times.
    private static func fill(_ path: String, copiedTo copy: String) async throws -> [Int64: [UInt8]] {
        let clock = TestClock()
        var options = SQLiteStore.Options(durability: .normal, logger: quiet)
        options.clock = clock
        let queue = try await JobQueue(.sqlite(path, options: options))
        var payloads: [Int64: [UInt8]] = [:]
        func put(_ count: Int, in name: QueueName, delay: Duration = .zero, key: String? = nil) async throws {
            for number in 0..<count {
                let payload = Array("innocent \(payloads.count) ".utf8) + [0, 0xFF, UInt8(number)]
                let options = JobOptions(
                    priority: 20, delay: delay, maxAttempts: 1_000, maxCrashes: 1_000,
                    headers: try Headers(["n": "\(number)"]),
                    uniqueKey: key.map { "\($0)\(number)" })
                payloads[try await queue.enqueue(payload: payload, in: name, options: options).id.rawValue] = payload
            }
        }
        func collect(_ events: [[UInt8]], in name: QueueName) async throws {
            let options = JobOptions(
                priority: 20, maxAttempts: 1_000, maxCrashes: 1_000, uniqueKey: "digest", onConflict: .collect)
            for event in events {
                let id = try await queue.enqueue(
                    payload: event, contentType: ContentType.bytes, in: name, options: options
                ).id.rawValue
                payloads[id] = DigestFormat.lengthPrefixed.joined(events)
            }
        }
        let process = WorkerProcess(
            ProcessIdentity(host: "host", boot: "boot-1", namespaces: "pid:[1]", processID: 77, startTime: 7))
        let worker = try await queue.store.register(
            WorkerRegistration(name: "host:77", process: process, queues: queues, concurrency: 2), as: nil)
        for name in queues {
            try await put(2, in: name)
            let request = ClaimRequest(
                queues: [name], limit: 3, lease: .seconds(10), worker: "host:77", registration: worker.id)
            let claimed = try await queue.store.exchange([], for: request).jobs
            if let job = claimed.last {
                _ = try await queue.store.exchange(
                    [Settlement(job.lease, .fail(error: "failed once", retryAfter: .zero))], for: nil)
            }
            try await collect([[1], [], [0xFF, 0x0A]], in: name)
            try await put(3, in: name, key: "key-\(name)-")
            try await put(2, in: name, delay: .seconds(3_600))
            try await put(2, in: name)
            let aside = payloads.keys.sorted().suffix(2).map { JobID(rawValue: $0) }
            try await queue.store.bury(aside, reason: "by hand")
        }
        // In one file, without a log.
        try await queue.store.backup(to: copy)
        return payloads
    }

    // MARK: - A case

    /// - Returns: What went wrong; nothing if all is well.
    package func run(seed: UInt64) async throws -> [String] {
        var chance = SeededGenerator(seed: seed)
        let (path, corruption) = try corruptedCopy(&chance)
        defer { remove(path) }
        Watchdog.note(corruption.statements)
        let run = CorruptedRun(
            path: path, queues: Self.queues, corruption: corruption,
            innocents: innocents.filter { !corruption.touched.contains($0.key) },
            chance: chance)
        do {
            try await run.all()
        } catch let error as StintError {
            // Nothing can be opened or done: that is acceptable if the schema is destroyed.
            if !corruption.touchesAll { return ["refused: \(error)"] + corruption.statements }
        }
        return run.problems.isEmpty ? [] : run.problems + corruption.statements
    }

    /// A copy with other rows, for a case of the command line; ``remove(_:)`` follows.
    func corruptedCopy(_ chance: inout SeededGenerator) throws -> (path: String, Corruption) {
        // It has a name of its own: the case before may still be closing its files.
        let path = "\(folder)/case-\(chance.next()).db"
        remove(path)
        try FileManager.default.copyItem(atPath: template, toPath: path)
        let database = try DatabaseQueue(path: path, configuration: .waiting)
        try database.inDatabase { try $0.execute(sql: "PRAGMA synchronous = OFF") }
        let corruption = try database.inDatabase { try Corruption(of: $0, &chance) }
        try database.close()
        for worker in [31, 32, 33] {
            try ForgedScoreboard.write("\(path)-worker-\(worker)", of: Int64(worker), &chance)
        }
        return (path, corruption)
    }

    /// The innocent jobs that must still run.
    func survivors(of corruption: Corruption) -> [Int64: [UInt8]] {
        corruption.touchesAll ? [:] : innocents.filter { !corruption.touched.contains($0.key) }
    }

    func remove(_ path: String) {
        let name = URL(filePath: path).lastPathComponent
        do {
            for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasPrefix(name) {
                // SQLite may have removed it meanwhile.
                unlink("\(folder)/\(file)")
            }
        } catch {
            print("a file of \(path) stays behind: \(error)")
        }
    }
}
