import StintCore
import TestSupport
import Testing

/// A requirement of every store, in code. A store's test target runs all of them, each on a fresh store.
package struct Scenario: Sendable, CustomTestStringConvertible {
    package let testDescription: String
    package let run: @Sendable (Stage) async throws -> Void
    /// What only some stores can do, and which this is about; `nil`: every store must pass it.
    private let capability: Capability?

    /// What a store can do because of where its workers are.
    package enum Capability: Sendable, CaseIterable {
        /// It knows of some workers for certain that they live or are dead; see ``Liveness``.
        case provesDeaths
        /// It is on the same machine as its workers, and its clock begins anew when the machine reboots.
        case knowsBoots
        /// It can be moved to another database.
        case moves
    }

    init(
        _ sentence: String, needs capability: Capability? = nil,
        _ run: @escaping @Sendable (Stage) async throws -> Void
    ) {
        testDescription = sentence
        self.capability = capability
        self.run = run
    }

    /// Those that a store with these capabilities must pass.
    package static func all(_ capabilities: Capability...) -> [Scenario] { of(Group.allCases, capabilities) }

    /// Those of some groups, for a store that is not complete yet.
    package static func of(_ groups: [Group], _ capabilities: [Capability]) -> [Scenario] {
        groups.flatMap(\.scenarios)
            .filter { scenario in scenario.capability.map(capabilities.contains) ?? true }
    }

    /// The scenarios of one file.
    package enum Group: Sendable, CaseIterable {
        case enqueue, claim, settle, lease, suspect, worker, `operator`, selection, query, end, limit, digest, schedule
        case operation, activity, webhook, export, move

        package var scenarios: [Scenario] {
            switch self {
            case .enqueue: enqueueScenarios
            case .claim: claimScenarios
            case .settle: settleScenarios
            case .lease: leaseScenarios
            case .suspect: suspectScenarios
            case .worker: workerScenarios
            case .operator: operatorScenarios
            case .selection: selectionScenarios
            case .query: queryScenarios
            case .end: endScenarios
            case .limit: limitScenarios
            case .digest: digestScenarios
            case .schedule: scheduleScenarios
            case .operation: operationScenarios
            case .activity: activityScenarios
            case .webhook: webhookScenarios
            case .export: exportScenarios
            case .move: moveScenarios
            }
        }
    }
}

/// A fresh store, a clock to move, and short calls for what scenarios do often.
package struct Stage: Sendable {
    package let store: any JobStore
    package let clock: TestClock
    private let boardLoss: @Sendable (WorkerID) throws -> Void
    private let death: @Sendable (WorkerID) -> Void
    private let supervisorDeath: @Sendable (any SupervisorSign) -> Void

    /// - Parameters:
    ///   - boardLoss: Makes it unknown whether a worker lives and what it has started, as if its file had been removed.
    ///   - death: What the kernel does when the worker's process dies.
    ///   - supervisorDeath: The same when the process of a supervisor dies.
    package init(
        _ store: any JobStore, clock: TestClock, boardLoss: @escaping @Sendable (WorkerID) throws -> Void,
        death: @escaping @Sendable (WorkerID) -> Void,
        supervisorDeath: @escaping @Sendable (any SupervisorSign) -> Void = { $0.release() }
    ) {
        self.store = store
        self.clock = clock
        self.boardLoss = boardLoss
        self.death = death
        self.supervisorDeath = supervisorDeath
    }

    func loseBoard(of performer: Performer) async throws {
        try boardLoss(performer.id)
        let record = try await store.workers().first { $0.id == performer.id }
        #expect(record?.started == nil && record?.liveness == .unknown)
    }

    /// The worker's process dies, and no call has reported it yet.
    func die(_ performers: Performer...) async throws {
        for performer in performers {
            #expect(try await liveness(of: performer) == .alive)
            death(performer.id)
            // A process that is just being started holds the lock too, until it runs its own program.
            try await eventually("the worker is known to be dead", within: .seconds(20)) {
                try await liveness(of: performer) == .dead
            }
        }
    }

    /// The supervisor of all workers dies.
    func die(_ sign: any SupervisorSign) async throws {
        supervisorDeath(sign)
        try await eventually("the supervisor is known to be dead", within: .seconds(20)) {
            try await store.workers().allSatisfy { $0.supervisorLiveness == .dead }
        }
    }

    func liveness(of performer: Performer) async throws -> Liveness? {
        try await store.workers().first { $0.id == performer.id }?.liveness
    }

    /// The same as `stint reap`: dead workers first.
    func reapAll() async throws -> ReapReport { try await Self.reap(store) }

    private static func reap(_ store: some JobStore) async throws -> ReapReport {
        try await JobQueue(store: store).reap()
    }

    @discardableResult
    func enqueue(
        _ text: String = "x", in queue: QueueName = "q", options: JobOptions = JobOptions()
    ) async throws -> JobID {
        try await store.enqueue([NewJob(Array(text.utf8), in: queue, options: options)])[0].id
    }

    /// One job of queue "q" in each of these states. Done jobs are kept for a minute.
    func jobs(in states: JobState...) async throws -> [JobState: JobID] {
        try await store.configure("q", QueueSettings(retention: .seconds(60)))
        var ids: [JobState: JobID] = [:]
        // A claim takes what is ready, so a job that stays ready comes after those that are claimed.
        for state in [JobState.done, .leased, .ready, .delayed, .buried] where states.contains(state) {
            let id = try await enqueue(options: JobOptions(delay: state == .delayed ? .seconds(5) : .zero))
            ids[state] = id
            switch state {
            case .ready, .delayed: break
            case .leased: #expect(try await claimOne().id == id)
            case .buried: try await store.bury([id], reason: "by hand")
            case .done: try await settle(try await claimOne().lease, .ack)
            case .cancelled: try await store.cancel([id], reason: "by hand")
            case .expired: Issue.record("not made here")
            }
        }
        return ids
    }

    func claim(
        _ limit: Int = 1, from queues: [QueueName] = ["q"], lease: Duration = .seconds(30)
    ) async throws -> [LeasedJob] {
        let request = ClaimRequest(queues: queues, limit: limit, lease: lease, worker: "test:1")
        return try await store.claim(request)
    }

    /// Claims one job that must be there.
    func claimOne(from queue: QueueName = "q", lease: Duration = .seconds(30)) async throws -> LeasedJob {
        try #require(try await claim(from: [queue], lease: lease).first)
    }

    @discardableResult
    func settle(_ lease: Lease, _ outcome: Settlement.Outcome) async throws -> JobState {
        try await store.settle(Settlement(lease, outcome))
    }

    func reap() async throws -> ReapReport { try await store.reap() }

    func state(_ id: JobID) async throws -> JobState? { try await store.job(id)?.record.state }

    func stats(_ queue: QueueName = "q") async throws -> QueueStats {
        try #require(try await store.stats().first { $0.name == queue })
    }

    /// The call must be refused with this code, and the store must be as before.
    func expectRefusal(_ code: StintError.Code, _ body: () async throws -> Void) async throws {
        let before = try await store.stats()
        let error = await #expect(throws: StintError.self) { try await body() }
        #expect(error?.code == code)
        #expect(try await store.stats() == before)
    }

    func expectLeaseLost(_ lease: Lease, _ outcome: Settlement.Outcome) async throws {
        try await expectRefusal(.leaseLost) { try await settle(lease, outcome) }
    }
}
