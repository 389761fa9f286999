import GRDB
import Logging
import StintCore
import StintSQLite

/// The database of a simulated world as one of its processes has it open: with connections of its own. Opening them
/// takes much longer than most worlds, so the next process in its place uses them again, and so does the next world.
final class StoresOfProcess: Sendable {
    let store: SQLiteStore
    /// The clock of the process that has the store open now.
    let clock = BorrowedClock()
    let executors: [SimulatedExecutor]

    init(path: String, logger: Logger) throws {
        // In the order in which they were created: the store is created on this thread.
        nonisolated(unsafe) var executors: [SimulatedExecutor] = []
        var options = SQLiteStore.Options(durability: .normal, logger: logger)
        options.marksFile = false
        options.clock = clock
        options.executors = { _, _ in
            let executor = SimulatedExecutor()
            executors.append(executor)
            return .simulated { executor.submit($0) }
        }
        store = try SQLiteStore(path: path, options: options)
        try store.openReaders()
        self.executors = executors
    }

    /// Finishes what the process has begun when it ends.
    func finish(_ process: LogicalProcess) {
        for executor in executors { executor.finish(process) }
    }
}

/// Reads the database from outside the world.
struct DatabaseOfWorld {
    private let database: DatabaseQueue

    init(path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { try SQLiteStore.prepareConnection($0, durability: .normal) }
        database = try DatabaseQueue(path: path, configuration: configuration)
    }

    var unfinished: Int {
        get throws {
            try database.inDatabase {
                try Int.fetchOne($0, sql: "SELECT coalesce(sum(ready + delayed + leased), 0) FROM stint_queues") ?? 0
            }
        }
    }

    /// Changes after each commit of any other connection.
    var version: Int64 {
        get throws {
            try database.inDatabase { try Int64.fetchOne($0.cachedStatement(sql: "PRAGMA data_version")) ?? 0 }
        }
    }

    var lastWorker: Int64 {
        get throws {
            try database.inDatabase {
                try Int64.fetchOne($0, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'stint_workers'") ?? 0
            }
        }
    }

    /// How many schedules have ticks before a time that nobody has made yet.
    func lateSchedules(at wall: Int64) throws -> Int {
        try database.inDatabase {
            try Int.fetchOne(
                $0, sql: "SELECT count(*) FROM stint_schedules WHERE next_tick < ?", arguments: [wall]) ?? 0
        }
    }

    /// How many schedules are not paused.
    var tickingSchedules: Int {
        get throws {
            try database.inDatabase {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM stint_schedules WHERE paused = 0") ?? 0
            }
        }
    }

    func emptyLog() throws {
        try database.inDatabase { _ = try $0.checkpoint(.truncate) }
    }

    /// Empties it as when it was created: the numbers start at 1 again.
    func empty() throws {
        try database.inTransaction { database in
            for table in [
                "queues", "jobs", "ready", "delayed", "leases", "leased", "buried", "done", "cancelled", "expired",
                "unique_keys", "failures", "workers", "groups", "starts", "digests", "events", "schedules",
                "schedule_ticks", "buckets", "idempotency_keys",
            ] {
                try database.execute(sql: "DELETE FROM stint_\(table)")
            }
            try database.execute(sql: "DELETE FROM sqlite_sequence")
            return .commit
        }
    }
}
