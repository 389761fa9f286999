import CFaults
import Foundation
import GRDB
import GRDBSQLite
import Logging
import StintCore
import StintSQLite

/// A disk that fails to sync and then forgets what it should have written: the kernel treats it as written, and the
/// next sync reports success (https://wiki.postgresql.org/wiki/Fsync_Errors). At the end the power is cut, and the log
/// has what was really synced.
struct LostSync {
    enum Ending: CaseIterable {
        /// One more job is enqueued.
        case enqueue
        /// The log is checkpointed into the database.
        case takeOver
        /// Another process, which does not know of the failure, opens the database and enqueues a job.
        case another
    }

    private let path: String

    init(in folder: String) {
        path = folder + "/stint.db"
    }

    /// - Returns: What is wrong.
    func run(_ ending: Ending) async throws -> [String] {
        let promised: [JobID]
        let lost: Range<Int64>
        let copy = path + "-copy"
        do {
            faults_record(true)
            defer { faults_record(false) }
            let store = try SQLiteStore(path: path, options: .init(logger: quiet))
            let early = try await enqueue(20, store)
            // The log starts again, with a part of what the next transaction changes.
            await store.checkpointLog()
            try await store.configure("q", QueueSettings(retention: .seconds(60)))
            let before = faults_event_count()
            faults_fail(
                faults_failure(
                    kinds: FAULTS_SYNC, files: FAULTS_LOG | FAULTS_DATABASE, code: SQLITE_IOERR | 4 << 8, from: 1,
                    count: -1, torn: false))
            do {
                _ = try await enqueue(30, store)
                return ["an enqueue returned whose sync failed"]
            } catch let error as StintError where error.code == .outcomeUnknown {
                lost = before..<faults_event_count()
            }
            faults_lift()
            switch ending {
            case .enqueue: promised = early + (try await enqueue(1, store))
            case .takeOver:
                await store.checkpointLog()
                promised = early
            case .another:
                let other = try SQLiteStore(path: path, options: .init(logger: quiet))
                promised = early + (try await enqueue(1, other))
            }
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            try log(without: lost).write(to: URL(filePath: copy + "-wal"))
        }
        return try whatIsWrong(with: copy, promised).map { "after a lost sync, then \(ending): \($0)" }
    }

    private var quiet: Logger {
        var logger = Logger(label: "disk")
        logger.logLevel = .critical
        return logger
    }

    private func enqueue(_ number: Int, _ store: SQLiteStore) async throws -> [JobID] {
        let jobs = try (0..<number).map { _ in try NewJob([UInt8](repeating: 0x2E, count: 1_000), in: "q") }
        return try await store.enqueue(jobs).map(\.id)
    }

    /// The log as it is on the disk: all writes but these.
    private func log(without lost: Range<Int64>) -> Data {
        var log = Data()
        for index in 0..<faults_event_count() where !lost.contains(index) {
            let event = faults_event_at(index)
            guard let name = event.path, String(cString: name) == path + "-wal" else { continue }
            let offset = Int(event.offset)
            switch event.kind {
            case FAULTS_TRUNCATE: log = log.prefix(offset) + Data(count: max(0, offset - log.count))
            case FAULTS_WRITE:
                let end = offset + Int(event.count)
                if log.count < end { log.append(Data(count: end - log.count)) }
                log.replaceSubrange(offset..<end, with: event.bytes!, count: Int(event.count))
            default: break
            }
        }
        return log
    }

    private func whatIsWrong(with copy: String, _ promised: [JobID]) throws -> [String] {
        do {
            return try DatabaseQueue(path: copy, configuration: .waiting).inDatabase { database in
                let integrity = try String.fetchAll(database, sql: "PRAGMA integrity_check")
                let there = try Set(Int64.fetchAll(database, sql: "SELECT id FROM stint_jobs"))
                let ready = try Set(Int64.fetchAll(database, sql: "SELECT job_id FROM stint_ready"))
                let count = try Int.fetchOne(database, sql: "SELECT ready FROM stint_queues WHERE name = 'q'")
                return integrity.filter { $0 != "ok" }
                    + promised.filter { !there.contains($0.rawValue) }.map { "job \($0) is lost" }
                    + (there == ready && there.count == count
                        ? [] : ["\(there.count) jobs, of them \(ready.count) ready, counted as \(count ?? -1)"])
            }
        } catch let error as DatabaseError {
            return ["the database cannot be read: \(error)"]
        }
    }
}
