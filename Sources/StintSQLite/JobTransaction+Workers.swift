import StintCore

/// The workers themselves; what becomes of their jobs is in JobTransaction+TakeBack.swift.
extension JobTransaction {
    func register(_ worker: WorkerRegistration, as id: WorkerID?) throws -> WorkerID {
        let insert = try statement(
            """
            INSERT INTO stint_workers (id, name, host, boot_id, namespaces, pid, process_start, supervisor_pid,
                                       supervisor_start, queues, concurrency, registered_at, seen)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            ON CONFLICT (id) DO UPDATE SET seen = excluded.seen
            """)
        insert.bind(1, id?.rawValue)
        insert.bind(2, worker.name.replacing("\0", with: "\u{FFFD}"))
        insert.bind(3, worker.process.host)
        insert.bind(4, worker.process.boot)
        insert.bind(5, worker.process.namespaces)
        insert.bind(6, Int64(worker.process.processID))
        insert.bind(7, worker.process.startTime)
        insert.bind(8, worker.supervisor.map { Int64($0.processID) })
        insert.bind(9, worker.supervisor?.startTime)
        insert.bind(10, worker.queues.map(\.description).joined(separator: " "))
        insert.bind(11, Int64(worker.concurrency))
        insert.bind(12, now.wall)
        insert.bind(13, now.monotonic)
        let inserted = try insert.insertedID()
        return id ?? WorkerID(rawValue: inserted)
    }

    func forget(_ worker: WorkerID) throws {
        try statement("DELETE FROM stint_workers WHERE id = ?1").execute(worker.rawValue)
    }

    func workerIDs() throws -> Set<WorkerID> {
        Set(try statement("SELECT id FROM stint_workers").rows { WorkerID(rawValue: $0.int(0)) })
    }

    /// All workers, or one.
    func workers(_ boards: StartBoards, only id: WorkerID? = nil) throws -> [WorkerRecord] {
        let select = try statement(
            """
            SELECT id, name, host, boot_id, namespaces, pid, process_start, supervisor_pid, supervisor_start, queues,
                   concurrency, registered_at
            FROM stint_workers WHERE ?1 IS NULL OR id = ?1 ORDER BY id
            """)
        select.bind(1, id?.rawValue)
        return try select.rows { row in
            func process(_ pid: Int64, _ start: Int64) -> ProcessIdentity {
                ProcessIdentity(
                    host: row.text(2), boot: row.text(3), namespaces: row.text(4), processID: Int32(clamping: pid),
                    startTime: start)
            }
            let id = WorkerID(rawValue: row.int(0))
            let registration = WorkerRegistration(
                name: row.text(1), process: process(row.int(5), row.int(6)),
                supervisor: row.optionalInt(7).map { process($0, row.int(8)) },
                // By code points: a blank and an accent that begins the next name are one character.
                queues: row.text(9).unicodeScalars.split(separator: " ").map { QueueName(stored: String($0)) },
                concurrency: Int(row.int(10)))
            return WorkerRecord(
                id: id, registration: registration, registeredAt: row.int(11), started: boards.read(id))
        }
    }

    // MARK: - Entries that nobody renews

    /// Of this boot: workers of another are taken back from like the dead.
    static let unseen = """
        boot_id = ?1 AND seen <= ?2 AND NOT EXISTS (SELECT 1 FROM stint_leases WHERE worker_id = stint_workers.id)
        """

    func hasUnseenWorkers() throws -> Bool {
        try unseen("SELECT EXISTS (SELECT 1 FROM stint_workers WHERE \(Self.unseen))").first { $0.int(0) != 0 } == true
    }

    func forgetUnseenWorkers() throws {
        try unseen("DELETE FROM stint_workers WHERE \(Self.unseen)").execute()
    }

    private func unseen(_ sql: String) throws -> Statement {
        let statement = try statement(sql)
        statement.bind(1, now.boot)
        statement.bind(2, now.monotonic - WorkerRegistration.lifetime.milliseconds)
        return statement
    }
}
