import GRDB
import GRDBSQLite
import StintCore

/// One thing that was looked at, and what was found.
public struct Finding: Sendable, CustomStringConvertible {
    public let subject: String
    public let isGood: Bool
    public let description: String
}

extension SQLiteStore {
    /// Looks at SQLite, the file and the kept counts. It reads the whole database once.
    public func examine() async throws -> [Finding] {
        try await connection(for: "doctor").run { database in
            var findings: [Finding] = []
            try database.inTransaction(.deferred) {
                let transaction = JobTransaction(database, now: SystemClock().now())
                findings = [self.version(), try self.soundness(database), try self.size(database)]
                findings += try self.counts(transaction)
                return .commit
            }
            return findings
        }
    }

    private func version() -> Finding {
        let text =
            Checkpoint.libraryHasResetBug
            ? "has the WAL-reset bug (sqlite.org/wal.html, section 11); Stint avoids it by taking the write lock for its "
                + "checkpoints, and other programs that write this file must set wal_autocheckpoint = 0"
            : "without the WAL-reset bug"
        return Finding(subject: "SQLite \(String(cString: sqlite3_libversion()))", isGood: true, description: text)
    }

    private func soundness(_ database: Database) throws -> Finding {
        let answer = try String.fetchAll(database, sql: "PRAGMA quick_check(5)")
        let isGood = answer == ["ok"]
        return Finding(
            subject: "file", isGood: isGood,
            description: isGood
                ? "sound, \(path)"
                : "corrupt: \(answer.joined(separator: "; ")); restore a backup, or rescue it with `sqlite3 FILE .recover`"
        )
    }

    private func size(_ database: Database) throws -> Finding {
        let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
        return Finding(
            subject: "size", isGood: true,
            description: "\(pages) pages, \(free) of them free and used again by coming jobs")
    }

    /// The kept counts against the tables.
    private func counts(_ transaction: JobTransaction) throws -> [Finding] {
        let counted = try transaction.statement(
            """
            SELECT q.name,
                   (SELECT count(*) FROM stint_ready WHERE queue_id = q.id),
                   (SELECT count(*) FROM stint_delayed WHERE queue_id = q.id),
                   (SELECT coalesce(sum(jobs), 0) FROM stint_leases WHERE queue_id = q.id),
                   (SELECT count(*) FROM stint_buried WHERE queue_id = q.id),
                   q.ready, q.delayed, q.leased, q.buried
            FROM stint_queues q ORDER BY q.name
            """
        ).rows { row in (row.text(0), (1...4).map { row.int($0) }, (5...8).map { row.int($0) }) }
        let wrong = counted.filter { $0.1 != $0.2 }
        guard !wrong.isEmpty else {
            return [
                Finding(
                    subject: "counts", isGood: true, description: "of \(counted.count) queues agree with the tables")
            ]
        }
        return wrong.map { name, found, kept in
            Finding(
                subject: "counts", isGood: false,
                description: "of '\(name)' (ready, delayed, leased, buried) are kept as \(kept) and found as \(found): "
                    + "another program changed the tables; no job is lost, the figures are wrong")
        }
    }
}
