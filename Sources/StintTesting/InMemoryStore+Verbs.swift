import StintCore

extension InMemoryStore {
    public func enqueue(_ jobs: [NewJob]) async throws -> [Enqueued] {
        try verb { $0.enqueue(jobs, $1) }
    }

    public func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange {
        guard !settlements.isEmpty || request != nil else { return Exchange() }
        return try verb { state, now in
            var exchange = Exchange(answers: state.settle(settlements, now))
            if let request { state.claim(request, now, into: &exchange) }
            return exchange
        }
    }

    public func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease] {
        try verb { $0.extend(leases, by: duration, $1) }
    }

    public func kick(_ ids: [JobID]) async throws { try await change(ids, .kick, by: nil) }

    public func bury(_ ids: [JobID], reason: String) async throws {
        try await change(ids, .bury(reason: reason), by: nil)
    }

    public func cancel(_ ids: [JobID], reason: String) async throws {
        try await change(ids, .cancel(reason: reason), by: nil)
    }

    public func delete(_ ids: [JobID]) async throws { try await change(ids, .delete, by: nil) }

    public func runNow(_ ids: [JobID]) async throws { try await change(ids, .runNow, by: nil) }

    public func select(
        _ selection: JobSelection, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        let now = now()
        return try look { try $0.select(selection, selection.possibleStates, from: cursor, limit: limit, now) }
    }

    public func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        try verb { try $0.change(selection, change, from: cursor, limit: limit, $1) }
    }

    public func reap() async throws -> ReapReport {
        try verb { $0.reap($1) }
    }

    public func configure(_ queue: QueueName, _ settings: QueueSettings) async throws {
        try settings.check()
        try verb { state, _ in state.configure(queue, settings) }
    }

    public func setWeight(_ weight: Int, ofGroup group: String, in queue: QueueName) async throws {
        try GroupStats.check(weight: weight, ofGroup: group)
        try verb { state, _ in state.setWeight(weight, ofGroup: group, in: queue) }
    }

    public func groups(of queue: QueueName, limit: Int) async throws -> [GroupStats] {
        try look { $0.groups(of: queue, limit: max(0, limit), now()) }
    }

    public func queue(_ name: QueueName) async throws -> QueueDetails? {
        try look { $0.details(of: name, now()) }
    }

    public func waitReason(of job: JobID) async throws -> WaitReason? {
        try look { $0.waitReason(of: job, now()) }
    }

    public func stats() async throws -> [QueueStats] {
        try look { $0.stats() }
    }

    public func activity(of queues: [QueueName]?, last: Duration) async throws -> [QueueActivity] {
        let now = now()
        return try look { $0.activity(of: queues, last: last, now) }
    }

    public func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage {
        let now = now()
        return try look { try $0.page(filter, after: cursor, now) }
    }

    public func count(_ query: JobQuery, after cursor: JobCursor?) async throws -> JobCount {
        let now = now()
        return try look { try $0.count(query, after: cursor, now) }
    }

    public func errorGroups(
        _ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?
    ) async throws -> ErrorGroupPage {
        try look { $0.errorGroups(filter, after: cursor) }
    }

    public func job(_ id: JobID) async throws -> JobDetails? {
        try look { state in
            state.jobs[id].map { job in
                JobDetails(record: state.record(job), payload: job.payload, events: job.events, failures: job.failures)
            }
        }
    }

    public func exportJobs(of queues: [QueueName]?, after id: JobID?, limit: Int) async throws -> ExportedJobs {
        try look { $0.exportJobs(of: queues, after: id, limit: limit) }
    }

    public func importJobs(_ jobs: [StoredJob]) async throws -> ImportedJobs {
        try StoredJob.check(jobs)
        return try verb { try $0.importJobs(jobs, $1) }
    }

    public func nextReady(in queues: [QueueName], passingOverSuspects: Bool) async throws -> NextReady {
        let now = now()
        return try look { $0.nextReady(in: queues, passingOverSuspects: passingOverSuspects, now) }
    }

    public func isClaimable(_ job: JobID) async throws -> Bool {
        try look { state in
            guard let job = state.jobs[job], case .ready = job.place else { return false }
            return state.queues[job.queue]?.isPaused != true
        }
    }

    // MARK: - Workers

    public func register(_ worker: WorkerRegistration, as id: WorkerID?) async throws -> RegisteredWorker {
        let (id, scoreboard) = try verb { state, now in state.register(worker, as: id, self.now, now) }
        return RegisteredWorker(id: id, scoreboard: scoreboard, runLock: runLock, revocations: revocations)
    }

    public func deregister(_ worker: WorkerID) async throws {
        try verb { state, _ in state.workers[worker] = nil }
    }

    public func leases(heldBy worker: WorkerID) async throws -> [HeldJob] {
        try look { $0.leases(heldBy: worker) }
    }

    public func workers() async throws -> [WorkerRecord] {
        try look { $0.workerRecords() }
    }

    public func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport {
        try verb { $0.reclaim(from: workers, end, $1) }
    }

    public func reclaimDead() async throws -> ReapReport { try await reclaimDead(among: workers()) }

    public func registerSupervisor() async throws -> (any SupervisorSign)? {
        try verb { state, _ -> InMemorySupervisorSign? in
            guard state.provesDeaths else { return nil }
            state.lastSupervisor += 1
            let name = "supervisor-\(state.lastSupervisor)"
            state.supervisors.insert(name)
            return InMemorySupervisorSign(name: name, store: self)
        }
    }

    public func requestRestart() async throws {
        try verb { state, _ in state.restarts += 1 }
    }

    public func latestRestartRequest() async throws -> Int64 {
        try look { $0.restarts }
    }

    public func order(_ order: WorkerOrder?, to worker: WorkerID) async throws {
        try verb { state, _ in try state.order(order, to: worker) }
    }

    public func order(of worker: WorkerID) async throws -> WorkerOrder? {
        try look { $0.workers[worker]?.order }
    }

    public func failures(limit: Int) async throws -> [FailedJob] { try failures(limit) { _ in true } }

    public func deaths(limit: Int) async throws -> [FailedJob] {
        try failures(limit) { [.crashed, .lost, .expired].contains($0) }
    }

    private func failures(
        _ limit: Int, _ isIncluded: (JobFailure.Kind) -> Bool
    ) throws -> [FailedJob] {
        guard limit >= 0 else { throw StintError.invalidInput("the limit is \(limit); it must be 0 or more") }
        return try look { state in
            state.failures.reversed().filter { isIncluded($0.failure.kind) }.compactMap { failure in
                state.jobs[failure.job].map {
                    FailedJob(job: failure.job, queue: $0.queue, failure: failure.failure)
                }
            }.prefix(limit).map { $0 }
        }
    }
}
