import StintCore
import StintPlatform

/// The workers themselves; what happens to their jobs is in JobTransaction+Reclaim.swift.
extension JobTransaction {
    func register(_ worker: WorkerRegistration, as id: WorkerID?) throws -> WorkerID {
        let insert = try statement(
            """
            INSERT INTO stint_workers (id, name, host, boot_id, namespaces, pid, process_start, supervisor_pid,
                                       supervisor_start, queues, concurrency, registered_at, seen, supervisor_file,
                                       writes_through_supervisor)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
            ON CONFLICT (id) DO UPDATE SET seen = excluded.seen
            """)
        insert.bind(1, id?.rawValue)
        insert.bind(2, worker.name.replacing("\0", with: "\u{FFFD}"))
        let (process, supervisor) = (
            ProcessIdentity(columnsOf: worker.process), worker.supervisor.map(ProcessIdentity.init(columnsOf:))
        )
        insert.bind(3, process.host)
        insert.bind(4, process.boot)
        insert.bind(5, process.namespaces)
        insert.bind(6, Int64(process.processID))
        insert.bind(7, process.startTime)
        insert.bind(8, supervisor.map { Int64($0.processID) })
        insert.bind(9, supervisor?.startTime)
        insert.bind(10, worker.queues.map(\.description).joined(separator: " "))
        insert.bind(11, Int64(worker.concurrency))
        insert.bind(12, now.wall)
        insert.bind(13, now.monotonic)
        insert.bind(14, worker.supervisorSign)
        insert.bind(15, Int64(worker.writesThroughSupervisor ? 1 : 0))
        let inserted = try insert.insertedID()
        return id ?? WorkerID(rawValue: inserted)
    }

    func forget(_ worker: WorkerID) throws {
        try statement("DELETE FROM stint_workers WHERE id = ?1").execute(worker.rawValue)
    }

    /// The workers and supervisors to which files beside the database may belong.
    func knownWorkers() throws -> (ids: Set<WorkerID>, supervisors: Set<String>) {
        let rows = try statement("SELECT id, supervisor_file FROM stint_workers").rows {
            (id: WorkerID(rawValue: $0.int(0)), supervisor: $0.optionalText(1))
        }
        return (Set(rows.map(\.id)), Set(rows.compactMap(\.supervisor)))
    }

    /// All workers, with what their scoreboards and locks show.
    func workers(_ scoreboards: Scoreboards) throws -> [WorkerRecord] {
        try registrations().map { $0.read(from: scoreboards) }
    }

    /// Those that are dead. The locks alone tell that; the scoreboards of the living are not read.
    func deadWorkers(_ scoreboards: Scoreboards) throws -> [WorkerRecord] {
        try registrations().filter { scoreboards.liveness($0.id) == .dead }.map { $0.read(from: scoreboards) }
    }

    func hasDeadWorker(_ scoreboards: Scoreboards) throws -> Bool {
        try statement("SELECT id FROM stint_workers").rows { WorkerID(rawValue: $0.int(0)) }
            .contains { scoreboards.liveness($0) == .dead }
    }

    /// All workers, from the table alone.
    func registrations() throws -> [WorkerRecord] {
        try statement(
            """
            SELECT id, name, host, boot_id, namespaces, pid, process_start, supervisor_pid, supervisor_start, queues,
                   concurrency, registered_at, supervisor_file, command, writes_through_supervisor
            FROM stint_workers ORDER BY id
            """
        ).rows { row in
            func process(_ pid: Int64, _ start: Int64) -> WorkerProcess {
                WorkerProcess(
                    row: ProcessIdentity(
                        host: row.text(2), boot: row.text(3), namespaces: row.text(4), processID: Int32(clamping: pid),
                        startTime: start))
            }
            let registration = WorkerRegistration(
                name: row.text(1), process: process(row.int(5), row.int(6)),
                supervisor: row.optionalInt(7).map { process($0, row.int(8)) }, supervisorSign: row.optionalText(12),
                // Splits by code points: a space and an accent that begins the next name are one character.
                queues: row.text(9).unicodeScalars.split(separator: " ").map { QueueName(stored: String($0)) },
                concurrency: Int(clamping: row.int(10)), writesThroughSupervisor: row.int(14) != 0)
            return WorkerRecord(
                id: WorkerID(rawValue: row.int(0)), registration: registration, registeredAt: row.int(11), started: nil,
                order: row.optionalText(13).flatMap(WorkerOrder.init))
        }
    }

    // MARK: - Entries that are not renewed

    /// Entries from this boot, or from an earlier one, whose clock was ahead.
    static let unseen = """
        SELECT id FROM stint_workers WHERE (seen <= ?1 OR seen > ?2)
        AND NOT EXISTS (SELECT 1 FROM stint_leases WHERE worker_id = stint_workers.id)
        """

    /// Workers that hold no lease and are not known to live. A provably dead worker is removed with its jobs; see
    /// JobTransaction+Reclaim.swift.
    func unseenWorkers(_ scoreboards: Scoreboards) throws -> [WorkerID] {
        try statement(Self.unseen)
            .rows(now.monotonic - WorkerRegistration.lifetime.milliseconds, now.monotonic) {
                WorkerID(rawValue: $0.int(0))
            }
            .filter { scoreboards.liveness($0) != .alive }
    }

    // MARK: - Orders

    func order(_ order: WorkerOrder?, to worker: WorkerID) throws {
        let hasSupervisor = try statement("SELECT supervisor_pid IS NOT NULL FROM stint_workers WHERE id = ?1")
            .first(worker.rawValue) { $0.int(0) != 0 }
        guard let hasSupervisor else { throw StintError.noWorker(worker) }
        try order?.check(worker, hasSupervisor: hasSupervisor)
        let update = try statement("UPDATE stint_workers SET command = ?2 WHERE id = ?1")
        update.bind(1, worker.rawValue)
        update.bind(2, order?.rawValue)
        try update.execute()
        // By which the worker is told.
        revokes = true
    }

    func order(of worker: WorkerID) throws -> WorkerOrder? {
        let text =
            try statement("SELECT command FROM stint_workers WHERE id = ?1")
            .first(worker.rawValue) { $0.optionalText(0) } ?? nil
        return text.flatMap(WorkerOrder.init)
    }

    // MARK: - Restarts

    /// The previous request is deleted: a supervisor that has not seen it yet sees this one.
    func requestRestart() throws {
        try statement("DELETE FROM stint_restarts").execute()
        try statement("INSERT INTO stint_restarts (requested_at) VALUES (?1)").execute(now.wall)
    }

    func latestRestartRequest() throws -> Int64 {
        try statement("SELECT max(id) FROM stint_restarts").first { $0.int(0) } ?? 0
    }
}

extension WorkerRecord {
    /// The record with what the files beside the database show.
    func read(from scoreboards: Scoreboards) -> WorkerRecord {
        let process = ProcessIdentity(columnsOf: registration.process)
        let scoreboard = scoreboards.read(id)
        let supervisor: Liveness? =
            registration.supervisorSign.map { scoreboards.liveness(ofSupervisor: $0) }
            ?? registration.supervisor.map { _ in .unknown }
        return WorkerRecord(
            id: id, registration: registration, registeredAt: registeredAtMilliseconds,
            started: scoreboard?.startedJobs(in: process, at: scoreboards.now),
            liveness: scoreboards.liveness(id), hostLiveness: scoreboards.liveness(ofHostOf: process),
            supervisorLiveness: supervisor,
            hasOrderToStop: scoreboard?.hasOrderToStop ?? false, order: order)
    }
}
