import StintCore

/// Taking jobs back from workers that ended or went silent. Whom that costs what is decided by ``CrashAttribution``.
extension JobTransaction {
    /// What is known of the jobs of workers whose leases end together.
    struct Evidence {
        var ending: CrashAttribution.Ending
        /// The processes of these workers, each with the jobs that it had started; `nil` where it cannot be told.
        var processes: [ProcessIdentity: [StartedJob]?] = [:]
        /// Where it cannot be told: whether the workers held one job only.
        var heldOne = false

        /// How many had been started in all of them; `nil` where it is not known of each.
        private var startedCount: Int? {
            processes.values.reduce(0 as Int?) { total, started in
                guard let total, let started else { return nil }
                return total + started.count
            }
        }

        func start(
            of lease: Lease, isSuspect: Bool, in process: ProcessIdentity
        ) -> (start: CrashAttribution.Start, job: StartedJob?) {
            // Where it is not known what had started, a suspect had: it was claimed alone, and given back beside others.
            guard let started = processes[process] ?? nil else {
                return (isSuspect || heldOne ? .alone : .notKnown, nil)
            }
            guard let mine = started.first(where: { $0.lease == lease }) else { return (.notStarted, nil) }
            // A suspect ran with nothing beside it in its process.
            let isAlone = startedCount == 1 || isSuspect && started.count == 1
            return (isAlone ? .alone : .besideOthers, mine)
        }
    }

    /// What is kept of an attempt that costs its job something, or was lost.
    struct AttemptDetails {
        var kind: JobFailure.Kind
        var error: String
        var diagnostics: AttemptDiagnostics?
    }

    static let jobsOfLease = """
        SELECT l.attempts, l.crashes, l.suspect, j.priority, j.max_attempts, j.max_crashes, l.job_id
        FROM stint_leased l JOIN stint_jobs j ON j.id = l.job_id WHERE l.token = ?1
        """

    /// Moves the jobs of a lease to where they belong and ends the lease.
    func end(
        _ lease: EndedLease, _ process: ProcessIdentity, _ evidence: Evidence, _ details: AttemptDetails,
        _ report: inout ReapReport
    ) throws {
        let jobs = try statement(Self.jobsOfLease)
            .rows(lease.token) { (job: LeasedRow($0), id: JobID(rawValue: $0.int(6))) }
        for (job, id) in jobs {
            try statement(HotSQL.deleteLeased).execute(id.rawValue, lease.token)
            count(lease.queue, leased: -1)
            let mine = Lease(job: id, token: FencingToken(rawValue: lease.token))
            let (start, started) = evidence.start(of: mine, isSuspect: job.suspect, in: process)
            let blame = CrashAttribution.blame(evidence.ending, start)
            let state = try move(
                id, job, of: lease, blame, evidence.ending, details.ranFor(started, now),
                maxAttempts: started?.maxAttempts)
            if state == .buried { report.buried += 1 } else { report.requeued += 1 }
        }
        // Rows of jobs that another program has taken away.
        let rest = try statement("DELETE FROM stint_leased WHERE token = ?1").changes(lease.token)
        count(lease.queue, leased: -rest)
        try statement(HotSQL.deleteLease).execute(lease.token)
    }

    private func move(
        _ id: JobID, _ job: LeasedRow, of lease: EndedLease, _ blame: CrashAttribution.Blame,
        _ ending: CrashAttribution.Ending, _ details: AttemptDetails, maxAttempts: Int?
    ) throws -> JobState {
        func keep() throws {
            try record(details.kind, details.error, job, id.rawValue, worker: lease.worker, details.diagnostics)
        }
        switch blame {
        case .free:
            return try giveBack(id, lease.queue, job, suspect: job.suspect)
        case .suspect:
            return try giveBack(id, lease.queue, job, suspect: true)
        case .lost:
            let next = CrashAttribution.afterLoss(ending, earlierLosses: try losses(of: id))
            try keep()
            return try giveBack(id, lease.queue, job, suspect: job.suspect || next.isSuspect, after: next.delay)
        case .culprit:
            try keep()
            return try retry(
                id, lease.queue, job, crashes: job.crashes + 1, details.error, after: .zero, maxAttempts: maxAttempts)
        }
    }

    /// How often the job was lost lately, without another outcome between.
    private func losses(of id: JobID) throws -> Int {
        let kinds = try statement("SELECT kind FROM stint_failures WHERE job_id = ?1 ORDER BY id DESC LIMIT 50")
            .rows(id.rawValue) { $0.text(0) }
        let lost: Set<String> = [JobFailure.Kind.expired.rawValue, JobFailure.Kind.lost.rawValue]
        return kinds.prefix { lost.contains($0) }.count
    }

    // MARK: - Workers that have ended

    static let leasesOfWorker = "SELECT \(EndedLease.columns) FROM stint_leases WHERE worker_id = ?1"

    /// - Returns: Also the workers: a process that has ended took all of its own along, named or not.
    func reclaim(
        from ids: [WorkerID], _ end: WorkerEnd, _ scoreboards: Scoreboards
    ) throws -> (report: ReapReport, workers: [WorkerID]) {
        let all = try registrations()
        let processes = Set(all.filter { ids.contains($0.id) }.map(\.registration.process))
        // Containers can have the same process ids: who is provably alive has not ended with them.
        let workers = all.filter {
            ids.contains($0.id) || processes.contains($0.registration.process) && scoreboards.liveness($0.id) != .alive
        }.map { $0.read(from: scoreboards) }
        var evidence = Evidence(ending: Self.ending(end, workers, now))
        evidence.processes = Self.started(workers)
        let leases = try workers.map { worker in
            try statement(Self.leasesOfWorker).rows(worker.id.rawValue, read: EndedLease.init)
        }
        evidence.heldOne =
            leases.joined().reduce(0) { $0 + $1.jobs } == 1 && !leases.joined().contains(where: \.isShared)
        var report = ReapReport()
        for (worker, leases) in zip(workers, leases) {
            for lease in leases {
                let details = AttemptDetails(of: end, worker, isBlamed: evidence.ending == .diedByItself)
                try self.end(lease, worker.registration.process, evidence, details, &report)
            }
            try forget(worker.id)
        }
        return (report, workers.map(\.id))
    }

    private static func ending(
        _ end: WorkerEnd, _ workers: [WorkerRecord], _ now: ClockReading
    ) -> CrashAttribution.Ending {
        switch end {
        case .stopped: .stoppedByOrder
        case .diedWithSupervisor, .diedWithMachine: .diedWithOthers
        // The order came from somebody else than whoever saw its end.
        case .died where workers.contains(where: \.isToldToStop): .stoppedByOrder
        // Nobody outlives a machine and saw how a process of its ended.
        case .died:
            workers.contains { $0.registration.process.boot != now.boot } ? .diedWithOthers : .diedByItself
        }
    }

    static func started(_ workers: [WorkerRecord]) -> [ProcessIdentity: [StartedJob]?] {
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
}

extension JobTransaction.AttemptDetails {
    init(of end: WorkerEnd, _ worker: WorkerRecord, isBlamed: Bool) {
        let name = "worker \(worker.registration.name)"
        switch end {
        case .died(let how, let diagnostics):
            self.init(kind: isBlamed ? .crashed : .lost, error: "\(name) \(how)", diagnostics: diagnostics)
        case .diedWithSupervisor: self.init(kind: .lost, error: "\(name) died, and so did its supervisor")
        case .diedWithMachine:
            self.init(kind: .lost, error: "\(name) died, and perhaps its machine or its container with it")
        case .stopped: self.init(kind: .lost, error: "\(name) was stopped")
        }
    }

    func ranFor(_ job: StartedJob?, _ now: ClockReading) -> Self {
        guard let job else { return self }
        // Of a scoreboard that another hand has written, the difference may be out of range.
        let (ranFor, overflow) = now.monotonic.subtractingReportingOverflow(job.startedAt)
        guard !overflow else { return self }
        var copy = self
        copy.diagnostics = diagnostics ?? AttemptDiagnostics()
        copy.diagnostics?.runTimeMilliseconds = max(0, ranFor)
        return copy
    }
}
