import StintCore
import TestSupport
import Testing

/// Processes with workers that claim, start, finish and die at random, like the worker loop: suspects run with nothing
/// beside them in their process, busy processes pass over them, and none waits for ever. Some jobs kill their process.
/// The others are innocent, and must all be done without a crash.
struct WorkerGroup {
    private final class Worker {
        let performer: Performer
        var backlog: [LeasedJob] = []
        var running: [LeasedJob] = []
        /// The suspect that it passes over, since when, and whether it was claimed in vain.
        var passed: (job: JobID, since: Int64, wasGivenBack: Bool)?
        var isWaiting = false

        var participant: ObjectIdentifier { ObjectIdentifier(self) }

        init(_ performer: Performer) {
            self.performer = performer
        }
    }

    private struct Process {
        var workers: [Worker]
        let runLock = ExclusiveRunLock()
    }

    private let stage: Stage
    private let seed: UInt64
    private var chance: SeededGenerator
    private var processes: [Process] = []
    private var killers: Set<JobID> = []
    private var lastProcess: Int32 = 0
    /// How many seconds each suspect has waited in a row.
    private var waits: [JobID: Int] = [:]
    /// The longest that one may wait, in seconds.
    private static let patience = 120

    init(_ stage: Stage, seed: UInt64) {
        self.stage = stage
        self.seed = seed
        chance = SeededGenerator(seed: seed)
    }

    mutating func work() async throws {
        try await stage.store.configure("q", QueueSettings(retention: .seconds(86_400)))
        // For an innocent job, one blame is too many; for a killer, one is not enough.
        let ids = try await stage.enqueue(24, options: JobOptions(maxAttempts: 9, maxCrashes: 2))
        killers = Set(ids.shuffled(using: &chance).prefix(3))
        for _ in 0..<3 { processes.append(try await newProcess()) }
        var steps = 0
        while try await stage.stats().unfinished > 0 {
            steps += 1
            try #require(steps < 4_000, "the work does not end; seed \(seed)")
            for _ in 0..<8 { try await step() }
            stage.clock.advance(by: .seconds(1))
            try await keepLeases()
            try await countWaits()
            _ = try await stage.store.reap()
        }
        for id in ids {
            let job = try #require(try await stage.store.job(id))
            let isKiller = killers.contains(id)
            #expect(job.record.state == (isKiller ? .buried : .done), "job \(id), seed \(seed)")
            #expect(job.record.crashes == (isKiller ? 2 : 0), "job \(id), seed \(seed): \(job.failures)")
            #expect(job.failures.count == job.record.crashes, "job \(id), seed \(seed)")
        }
        for process in processes {
            for worker in process.workers {
                try await stage.store.deregister(worker.performer.id)
            }
        }
        processes = []
        try await stage.store.delete(ids)
    }

    private mutating func newProcess() async throws -> Process {
        lastProcess += 1
        var workers: [Worker] = []
        for name in ["one", "two"].prefix(Int.random(in: 1...2, using: &chance)) {
            workers.append(Worker(try await stage.hire("\(name):\(lastProcess)", process: lastProcess)))
        }
        return Process(workers: workers)
    }

    private mutating func step() async throws {
        let number = processes.indices.randomElement(using: &chance)!
        let process = processes[number]
        let worker = process.workers.randomElement(using: &chance)!
        switch Int.random(in: 0..<100, using: &chance) {
        case 0..<30 where worker.backlog.isEmpty:
            try await claim(Int.random(in: 1...5, using: &chance), process, worker)
        case 0..<65:
            try await start(process, worker)
        case 65..<98:
            try await finish(number, worker)
        case 98:
            // It was ordered to stop, and killed since it did not.
            try await bury(number, .stopped)
        default:
            try await release(worker)
        }
    }

    private func claim(_ limit: Int, _ process: Process, _ worker: Worker) async throws {
        try await makeRoom(process, worker)
        let outlook = process.runLock.outlook(for: worker.participant)
        guard outlook != .closed else { return }
        let takesSuspects =
            outlook == .empty && worker.running.isEmpty && (worker.passed?.wasGivenBack != true || worker.isWaiting)
        let exchange = try await stage.exchange(limit, by: worker.performer, passesOverSuspects: !takesSuspects)
        worker.backlog = exchange.jobs
        if let job = exchange.passedOver {
            if worker.passed?.job != job { worker.passed = (job, stage.clock.now().monotonic, false) }
        } else if exchange.jobs.first?.runsAlone != true {
            worker.passed = nil
        }
        // Another process has taken the job for which it has reserved its run lock.
        if worker.isWaiting && exchange.jobs.first?.runsAlone != true { leaveLine(process, worker) }
    }

    private func makeRoom(_ process: Process, _ worker: Worker) async throws {
        guard let passed = worker.passed else { return leaveLine(process, worker) }
        let waited = Duration.milliseconds(stage.clock.now().monotonic - passed.since)
        guard SuspectWait.choice(after: waited, of: worker.performer.id).choice == .makeRoom else {
            return leaveLine(process, worker)
        }
        guard try await stage.store.isClaimable(passed.job) else {
            worker.passed = nil
            return leaveLine(process, worker)
        }
        process.runLock.waitForExclusive(worker.participant)
        worker.isWaiting = true
    }

    private func leaveLine(_ process: Process, _ worker: Worker) {
        process.runLock.stopWaiting(worker.participant)
        worker.isWaiting = false
    }

    private func release(_ worker: Worker) async throws {
        let releases = worker.backlog.map { Settlement($0.lease, .release(after: .zero)) }
        worker.backlog = []
        let answers = try await stage.store.settle(releases)
        #expect(answers.allSatisfy { $0 == .settled(.ready) }, "seed \(seed)")
    }

    private func start(_ process: Process, _ worker: Worker) async throws {
        guard let job = worker.backlog.first else { return }
        guard process.runLock.begin(worker.participant, alone: job.runsAlone) else {
            guard job.runsAlone else { return }
            worker.passed = (job.id, worker.passed?.since ?? stage.clock.now().monotonic, true)
            return try await release(worker)
        }
        if job.runsAlone {
            worker.passed = nil
            worker.isWaiting = false
        }
        let others = process.workers.flatMap(\.running)
        #expect(others.isEmpty || !job.runsAlone && !others.contains(where: \.runsAlone), "seed \(seed)")
        worker.backlog.removeFirst()
        worker.running.append(job)
        stage.start(job, by: worker.performer)
    }

    private mutating func finish(_ number: Int, _ worker: Worker) async throws {
        guard let job = worker.running.randomElement(using: &chance) else { return }
        if killers.contains(job.id) {
            // A supervisor sees half of the deaths; the others are found by their locks.
            return try await bury(number, Bool.random(using: &chance) ? .died("died", nil) : nil)
        }
        worker.running.removeAll { $0.lease == job.lease }
        stage.end(job, by: worker.performer)
        processes[number].runLock.end()
        #expect(try await stage.settle(job.lease, .ack) == .done, "seed \(seed)")
    }

    /// The process ends, and another one takes its place.
    private mutating func bury(_ number: Int, _ end: WorkerEnd?) async throws {
        let dead = processes[number].workers.map(\.performer)
        for performer in dead { try await stage.die(performer) }
        if let end {
            _ = try await stage.store.reclaim(from: dead.map(\.id), end)
        } else {
            _ = try await stage.reapAll()
        }
        processes[number] = try await newProcess()
    }

    /// Checks that each suspect is claimed before long, however busy all processes are.
    private mutating func countWaits() async throws {
        let ready = try await stage.store.list(JobFilter(queue: "q", state: .ready, limit: 100))
        let suspects = Set(ready.filter(\.suspect).map(\.id))
        waits = waits.filter { suspects.contains($0.key) }
        for id in suspects { waits[id, default: 0] += 1 }
        #expect(waits.values.allSatisfy { $0 <= Self.patience }, "waiting since: \(waits), seed \(seed)")
    }

    private mutating func keepLeases() async throws {
        let leases = processes.flatMap(\.workers).flatMap { ($0.backlog + $0.running).map(\.lease) }
        let lost = try await stage.store.extend(leases, by: .seconds(30))
        #expect(lost.isEmpty, "seed \(seed)")
    }
}
