import GRDB
import History
import StintCore
import StintSQLite
import TestSupport

extension ScriptedWorkload {
    /// Random verbs, the same ones with the same seed: two stores that are opened and closed, of which one may write for
    /// the other, a reader that keeps the log from being checkpointed, and checkpoints in between.
    func wander(_ seed: UInt64, steps: Int) async throws {
        var workload = RandomWorkload(self, seed)
        for _ in 0..<steps { try await workload.go() }
        try await workload.end()
    }
}

/// Chooses the next verb from what is known to be there.
private struct RandomWorkload {
    private enum Verb: CaseIterable {
        case enqueue, enqueueOften, enqueueLarge, claim, settle, settleAndClaim, extend, reap, kick, bury, delete,
            cancel
        case checkpoint, read, stopReading, reopen
    }

    private static let queues: [QueueName] = ["q", "mail", "app"]

    private let life: ScriptedWorkload
    private var chance: SeededGenerator
    private var stores: [SQLiteStore] = []
    private var voices: [(log: HistoryLog, store: RecordingStore)] = []
    /// One that writes for the second store, which is a worker's then.
    private var supervisor: LocalSupervisor?
    private var held: [LeasedJob] = []
    private var reader: DatabaseQueue?
    private var jobCount = 0
    private var openCount = 0

    init(_ life: ScriptedWorkload, _ seed: UInt64) {
        self.life = life
        chance = SeededGenerator(seed: seed)
    }

    mutating func go() async throws {
        guard !stores.isEmpty else {
            try await open()
            for queue in Self.queues {
                let store = stores[0]
                try await life.step("keep the done jobs of \(queue)") {
                    let settings = QueueSettings(retention: .seconds(50 * 365 * 86_400))
                    try await store.configure(queue, settings)
                }
            }
            let store = voices[0].store
            try await life.step("limits of mail") {
                try await store.configure(
                    "mail", QueueSettings(concurrency: .to(5), groupConcurrency: .to(1), groupOrder: .strict))
            }
            return
        }
        life.clock.advance(by: .milliseconds(.random(in: 0...5_000, using: &chance)))
        let verb = Verb.allCases.randomElement(using: &chance)!
        if verb == .reopen {
            // No store is in use now.
            try await end()
            try await open()
        } else {
            try await perform(verb)
        }
    }

    mutating func end() async throws {
        try reader?.close()
        reader = nil
        try await close()
    }

    // MARK: - Stores

    private mutating func open() async throws {
        let both = Bool.random(using: &chance)
        openCount += 1
        for number in 0...(both ? 1 : 0) {
            let store = try await life.step("open") { try life.open("new.db") }
            let log = try life.voice("workload-\(openCount)-\(number)")
            if number == 1, Bool.random(using: &chance) {
                supervisor = LocalSupervisor(worker: store, writingThrough: stores[0])
            }
            stores.append(store)
            voices.append((log, RecordingStore(supervisor?.store ?? store, log, clock: life.clock)))
        }
    }

    private mutating func close() async throws {
        stores = []
        voices = []
        supervisor = nil
        try await life.step("close") { try await awaitClosing(of: life.path("new.db")) }
    }

    // MARK: - Verbs

    private mutating func perform(_ verb: Verb) async throws {
        let (log, store) = voices.randomElement(using: &chance)!
        let queue = Self.queues.randomElement(using: &chance)!
        switch verb {
        case .enqueue, .enqueueOften, .enqueueLarge:
            let jobs = try newJobs(queue, areLarge: verb == .enqueueLarge)
            _ = try await life.step("enqueue \(jobs.count)") { try await store.enqueue(jobs) }
        case .claim: try await exchange([], claims: true, log, store)
        case .settle: try await exchange(take(), claims: false, log, store)
        case .settleAndClaim: try await exchange(take(), claims: true, log, store)
        case .extend:
            guard !held.isEmpty else { return }
            let leases = held.map(\.lease)
            _ = try await life.step("extend") { try await store.extend(leases, by: .seconds(90)) }
        case .reap:
            life.clock.advance(by: .seconds(20))
            _ = try await life.step("reap") { try await store.reap() }
        case .kick: _ = try await life.step("kick") { try await store.kick(queue, limit: 3) }
        case .bury, .delete, .cancel:
            let state: JobState = verb == .delete ? .buried : .ready
            let ids = try await store.list(JobFilter(queue: queue, state: state, limit: 2)).map(\.id)
            try await life.step("\(verb) \(ids.count)") {
                switch verb {
                case .bury: try await store.bury(ids, reason: "by hand")
                case .cancel: try await store.cancel(ids, reason: "by hand")
                default: try await store.delete(ids)
                }
            }
        case .checkpoint:
            let store = stores.randomElement(using: &chance)!
            try await life.step("checkpoint") { await store.checkpointLog() }
        case .read: try await read()
        case .stopReading:
            try reader?.close()
            reader = nil
        case .reopen: preconditionFailure("it is no verb of a store")
        }
    }

    private mutating func newJobs(_ queue: QueueName, areLarge: Bool) throws -> [NewJob] {
        try (0..<(areLarge ? 2 : Int.random(in: 1...9, using: &chance))).map { _ in
            jobCount += 1
            let isKeyed = Int.random(in: 0..<8, using: &chance) == 0
            let isDelayed = Int.random(in: 0..<6, using: &chance) == 0
            let expires = Int.random(in: 0..<6, using: &chance) == 0
            // The jobs of a key are all of one group.
            let group = queue == "q" ? nil : isKeyed ? "a" : ["a", "b", nil].randomElement(using: &chance)!
            let fill = areLarge ? String(repeating: "-", count: .random(in: 1_000...12_000, using: &chance)) : ""
            return try NewJob(
                Array("job \(jobCount)\(fill)".utf8), in: queue,
                options: JobOptions(
                    priority: .random(in: 0...3, using: &chance),
                    delay: isDelayed ? .seconds(.random(in: 1...60, using: &chance)) : .zero,
                    maxAttempts: 3, uniqueKey: isKeyed ? "key \(Int.random(in: 0..<4, using: &chance))" : nil,
                    group: group, expires: expires ? .seconds(.random(in: 1...60, using: &chance)) : nil))
        }
    }

    private mutating func take() -> [LeasedJob] {
        let jobs = held.prefix(.random(in: 0...6, using: &chance))
        held.removeFirst(jobs.count)
        return Array(jobs)
    }

    private mutating func exchange(
        _ jobs: [LeasedJob], claims: Bool, _ log: HistoryLog, _ store: RecordingStore
    ) async throws {
        let settlements = jobs.map { job in
            let outcome: Settlement.Outcome
            switch Int.random(in: 0..<9, using: &chance) {
            case 0: outcome = .fail(error: "refused", retryAfter: .seconds(7))
            case 1: outcome = .crash(error: "SIGSEGV", retryAfter: .zero)
            case 2: outcome = .release(after: .seconds(3))
            case 3: outcome = .bury(reason: "no such address")
            default: outcome = .ack
            }
            if outcome == .ack {
                log.started(job)
                log.finished(job)
            }
            return Settlement(job.lease, outcome)
        }
        let request = ClaimRequest(
            queues: Self.queues, limit: .random(in: 1...8, using: &chance), lease: .seconds(30), worker: "host:1")
        held += try await life.step("settle \(jobs.count)\(claims ? " and claim" : "")") {
            try await store.exchange(settlements, for: claims ? request : nil)
        }.jobs
    }

    /// Begins a long read, unless there is one.
    private mutating func read() async throws {
        guard reader == nil else { return }
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let reader = try DatabaseQueue(path: life.path("new.db"), configuration: configuration)
        try await reader.writeWithoutTransaction {
            try $0.execute(sql: "BEGIN; SELECT count(*) FROM stint_jobs")
        }
        self.reader = reader
    }
}
