import StintCore

/// Taking jobs back from workers that ended or went silent, and whom to blame. Every way leads through ``blame(for:of:)``.
extension JobTransaction {
    /// What is known of the jobs of workers that ended together.
    struct Evidence {
        /// The processes of these workers, each with the jobs that it had started; `nil` where it cannot be told.
        var processes: [ProcessIdentity: [StartedJob]?] = [:]
        /// Where it cannot be told: whether the process held one job only.
        var heldOne = false
        /// Nobody is to blame: another boot, or an order.
        var isBlameless = false
        /// It need not have been a job's doing: the supervisor has died too, or the worker still lives.
        var isDoubtful = false

        /// How many had been started in all of them; `nil` where it is not known of each.
        var started: Int? {
            processes.values.reduce(0 as Int?) { total, started in
                guard let total, let started else { return nil }
                return total + started.count
            }
        }
    }

    enum Blame: Equatable {
        /// It loses nothing.
        case none
        /// It may have been the cause, as others may; it runs alone next.
        case suspect
        /// It was the cause; how long it had run, in milliseconds, where that is known.
        case culprit(ranFor: Int64?)
    }

    /// Whether a job of the process is to blame for what happened.
    func blame(for lease: Lease, isSuspect: Bool, of process: ProcessIdentity, _ evidence: Evidence) -> Blame {
        if evidence.isBlameless { return .none }
        guard let started = evidence.processes[process] ?? nil else {
            return isSuspect || evidence.heldOne && !evidence.isDoubtful ? .culprit(ranFor: nil) : .suspect
        }
        guard let mine = started.first(where: { $0.lease == lease }) else { return .none }
        // A suspect ran with nothing beside it in its process.
        let isKnown = evidence.started == 1 && !evidence.isDoubtful || isSuspect && started.count == 1
        // Of a board that another hand has written, the difference may be out of range.
        let (ranFor, overflow) = now.monotonic.subtractingReportingOverflow(mine.startedAt)
        return isKnown ? .culprit(ranFor: overflow ? nil : max(0, ranFor)) : .suspect
    }

    static let jobsOfLease = """
        SELECT l.attempts, l.crashes, l.suspect, j.priority, j.max_attempts, j.max_crashes, l.job_id
        FROM stint_leased l JOIN stint_jobs j ON j.id = l.job_id WHERE l.token = ?1
        """

    /// Moves the jobs of a lease to where they belong and ends the lease.
    ///
    /// - Parameter story: What is kept with the attempt of a culprit.
    func end(
        _ lease: EndedLease, _ process: ProcessIdentity, _ evidence: Evidence,
        _ story: (kind: JobFailure.Kind, error: String, dossier: Dossier?), _ report: inout ReapReport
    ) throws {
        let jobs = try statement(Self.jobsOfLease)
            .rows(lease.token) { (job: LeasedRow($0), id: JobID(rawValue: $0.int(6))) }
        for (job, id) in jobs {
            try statement(HotSQL.deleteLeased).execute(id.rawValue, lease.token)
            count(lease.queue, leased: -1)
            let mine = Lease(job: id, token: FencingToken(rawValue: lease.token))
            let state: JobState
            switch blame(for: mine, isSuspect: job.suspect, of: process, evidence) {
            case .none:
                state = try makeWaiting(
                    id, lease.queue, priority: job.priority, after: .zero, attempts: max(0, job.attempts - 1),
                    crashes: job.crashes, suspect: job.suspect)
            case .suspect:
                state = try makeSuspect(id, lease.queue, job)
            case .culprit(let ranFor):
                var dossier = story.dossier
                if let ranFor {
                    dossier = dossier ?? Dossier()
                    dossier?.runTimeMilliseconds = ranFor
                }
                try record(story.kind, story.error, job, id.rawValue, worker: lease.worker, dossier)
                state = try retry(id, lease.queue, job, crashes: job.crashes + 1, story.error, after: .zero)
            }
            if state == .buried { report.buried += 1 } else { report.requeued += 1 }
        }
        // Rows of jobs that another program has taken away.
        let rest = try statement("DELETE FROM stint_leased WHERE token = ?1").changes(lease.token)
        count(lease.queue, leased: -rest)
        try statement(HotSQL.deleteLease).execute(lease.token)
    }

    // MARK: - Workers that have ended

    static let leasesOfWorker = "SELECT \(EndedLease.columns) FROM stint_leases WHERE worker_id = ?1"

    /// - Returns: Also the workers: a process that has ended took all of its own along, named or not.
    func takeBack(
        from ids: [WorkerID], _ end: WorkerEnd, _ boards: StartBoards
    ) throws -> (report: ReapReport, workers: [WorkerID]) {
        let all = try self.workers(boards)
        let processes = Set(all.filter { ids.contains($0.id) }.map(\.registration.process))
        let workers = all.filter { processes.contains($0.registration.process) }
        var evidence = Evidence(processes: Self.started(workers))
        evidence.isBlameless = end == .stopped
        evidence.isDoubtful = end == .diedWithSupervisor
        let leases = try workers.map { worker in
            try statement(Self.leasesOfWorker).rows(worker.id.rawValue, read: EndedLease.init)
        }
        evidence.heldOne =
            leases.joined().reduce(0) { $0 + $1.jobs } == 1 && !leases.joined().contains(where: \.isShared)
        var report = ReapReport()
        for (worker, leases) in zip(workers, leases) {
            var evidence = evidence
            if worker.registration.process.boot != now.boot { evidence.isBlameless = true }
            for lease in leases {
                try self.end(lease, worker.registration.process, evidence, Self.story(of: end, worker), &report)
            }
            try forget(worker.id)
        }
        return (report, workers.map(\.id))
    }

    private static func story(
        of end: WorkerEnd, _ worker: WorkerRecord
    ) -> (kind: JobFailure.Kind, error: String, dossier: Dossier?) {
        switch end {
        case .died(let how, let dossier): (.crashed, "worker \(worker.registration.name) \(how)", dossier)
        case .diedWithSupervisor: (.crashed, "worker \(worker.registration.name) died, and so did its supervisor", nil)
        case .stopped: (.crashed, "worker \(worker.registration.name) was stopped", nil)
        }
    }

    private static func started(_ workers: [WorkerRecord]) -> [ProcessIdentity: [StartedJob]?] {
        var result: [ProcessIdentity: [StartedJob]?] = [:]
        for worker in workers {
            let process = worker.registration.process
            switch (result[process] ?? .some([]), worker.started) {
            case (let known?, let more?): result[process] = .some(known + more)
            case (nil, _), (_, nil): result.updateValue(nil, forKey: process)
            }
        }
        return result
    }

    // MARK: - Leases that ran out

    func endExpired(_ lease: EndedLease, _ boards: StartBoards, _ report: inout ReapReport) throws {
        var evidence = Evidence()
        var process = ProcessIdentity(host: "", boot: lease.boot, namespaces: "", processID: 0, startTime: 0)
        let worker = try lease.workerID.flatMap { try workers(boards, only: WorkerID(rawValue: $0)).first }
        if let worker {
            process = worker.registration.process
            evidence.processes = Self.started(
                try workers(boards).filter { $0.registration.process == process })
        }
        evidence.isBlameless = lease.boot != now.boot
        // It lives: it may hang, or the store could not be written for so long that no lease could be extended.
        evidence.isDoubtful = worker?.registration.process.existence() == .exists
        evidence.heldOne = try !isShared(lease)
        let error = "the lease of worker \(lease.worker) ran out: the worker died, hung or was stopped"
        try end(lease, process, evidence, (.expired, error, nil), &report)
    }

    /// Of a worker by its name, and of all registered workers of its process.
    static let sameHolder = """
        boot_id = ?1 AND (worker = ?2 OR worker_id IN (
            SELECT w.id FROM stint_workers w JOIN stint_workers mine ON mine.id = ?3
            WHERE (w.host, w.boot_id, w.namespaces, w.pid, w.process_start)
                = (mine.host, mine.boot_id, mine.namespaces, mine.pid, mine.process_start)))
        """

    /// Whether the worker held more than one job, in this lease or others: then nobody knows which was the end of it. Its
    /// other leases are marked, since the last of them must not look like its only one.
    private func isShared(_ lease: EndedLease) throws -> Bool {
        func bound(_ sql: String) throws -> Statement {
            let statement = try statement(sql)
            statement.bind(1, lease.boot)
            statement.bind(2, lease.worker)
            statement.bind(3, lease.workerID)
            return statement
        }
        // The mark is read again: the same transaction may have set it after it found this lease.
        let select = try bound(
            """
            SELECT max(CASE token WHEN ?4 THEN shared END), sum(jobs > 0) + sum(jobs > 1) FROM stint_leases
            WHERE \(Self.sameHolder)
            """)
        select.bind(4, lease.token)
        guard let (shared, jobs) = try select.first(read: { ($0.int(0), $0.int(1)) }) else { return false }
        if shared != 0 { return true }
        guard jobs > 1 else { return false }
        try bound("UPDATE stint_leases SET shared = 1 WHERE \(Self.sameHolder)").execute()
        return true
    }
}

/// A lease whose jobs are taken back.
struct EndedLease {
    static let columns = "token, queue_id, worker, boot_id, worker_id, jobs, shared"

    let token: Int64
    let queue: Int64
    let worker: String
    let boot: String
    let workerID: Int64?
    let jobs: Int64
    /// Its worker held other jobs too when the first of its leases ran out.
    let isShared: Bool

    init(_ row: Statement.Row) {
        token = row.int(0)
        queue = row.int(1)
        worker = row.text(2)
        boot = row.text(3)
        workerID = row.optionalInt(4)
        jobs = row.tally(5)
        isShared = row.int(6) != 0
    }
}
