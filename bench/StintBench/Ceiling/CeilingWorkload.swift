import CCeiling
import Foundation
import Stint
import StintCore
import StintPlatform
import StintSQLite

/// Stint's statements in plain C, with what Stint's worker writes into them.
struct CeilingWorkload: Workload {
    let assignment: Assignment
    let enqueues: Bool

    init(_ assignment: Assignment, enqueues: Bool) {
        self.assignment = assignment
        self.enqueues = enqueues
    }

    /// In the order of `enum ceiling_statement`.
    private static let statements = [
        HotSQL.queueID, HotSQL.insertJob, HotSQL.insertReady, HotSQL.claimableQueue, HotSQL.dueDelayed,
        HotSQL.readyJobs, HotSQL.insertLease, HotSQL.deleteReadyUpTo, HotSQL.insertLeased, HotSQL.job, HotSQL.lease,
        HotSQL.anyBelongings, HotSQL.deleteLeased, HotSQL.deleteJob, HotSQL.deleteLease,
        HotSQL.addCountsAlone,
    ]

    func work(start: () throws -> StartBarrier) async throws -> WorkerReport {
        guard Self.statements.count == Int(CEILING_STATEMENTS.rawValue) else {
            throw BenchError("the ceiling knows \(CEILING_STATEMENTS.rawValue) statements, and was given others")
        }
        let texts = CTexts()
        let ceiling = try open(texts)
        defer { ceiling_close(ceiling) }
        let barrier = try start()
        var result = ceiling_result()
        var message = [CChar](repeating: 0, count: 512)
        let code = ceiling_run(
            ceiling, assignment.deadline(barrier), enqueues ? 1 : 0, &result, &message, message.count)
        guard code == 0 else { throw BenchError(text(message)) }
        guard result.payload_bytes_read >= result.done * Int64(assignment.payloadBytes) else {
            throw BenchError("the ceiling read fewer payload bytes than its jobs have")
        }
        var report = WorkerReport()
        report.done = Int(result.done)
        report.enqueued = Int(result.enqueued)
        report.finished = barrier.elapsed
        report.cpuMicroseconds = barrier.cpuMicroseconds
        return report
    }

    private func open(_ texts: CTexts) throws -> OpaquePointer {
        let settings = ceiling_settings(
            path: texts.keep(assignment.database), sql: texts.keep(Self.statements),
            pragmas: texts.keep(SQLiteConnection.pragmas(assignment.durability) + ["PRAGMA wal_autocheckpoint = 0"]),
            queue: texts.keep(StintWorkload.queue.description), batch: Int32(assignment.batch),
            checkpoint_pages: 1_000, worker: texts.keep(ProcessIdentity.current.name),
            boot: texts.keep(SystemClock().now().boot), content_type: texts.keep(ContentType.text),
            payload_bytes: Int32(assignment.payloadBytes))
        var message = [CChar](repeating: 0, count: 512)
        guard let ceiling = withUnsafePointer(to: settings, { ceiling_open($0, &message, message.count) }) else {
            throw BenchError(text(message))
        }
        return ceiling
    }

    private func text(_ message: [CChar]) -> String {
        String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// C strings that stay for the rest of the process: the worker ends with its one run.
private struct CTexts {
    func keep(_ text: String) -> UnsafePointer<CChar>? { UnsafePointer(strdup(text)) }

    func keep(_ texts: [String]) -> UnsafePointer<UnsafePointer<CChar>?> {
        let list = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { (list + index).initialize(to: keep(text)) }
        (list + texts.count).initialize(to: nil)
        return UnsafePointer(list)
    }
}
