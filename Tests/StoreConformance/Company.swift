import StintCore
import Testing

/// Processes with workers that claim, start, finish and die at random, as the worker loop does it: suspects run with
/// nothing beside them in their process. Some jobs kill their process; the others are innocent and must all be done,
/// without a crash to their name.
struct Company {
    private final class Worker {
        let performer: Performer
        var backlog: [LeasedJob] = []
        var running: [LeasedJob] = []

        init(_ performer: Performer) {
            self.performer = performer
        }
    }

    private struct Process {
        var workers: [Worker]
        let room = HandlerRoom()
    }

    private let stage: Stage
    private let seed: UInt64
    private var chance: Seed
    private var processes: [Process] = []
    private var killers: Set<JobID> = []
    private var lastProcess: Int32 = 0

    init(_ stage: Stage, seed: UInt64) {
        self.stage = stage
        self.seed = seed
        chance = Seed(seed)
    }

    mutating func work() async throws {
        try await stage.store.configure("q", QueueSettings(retention: .seconds(86_400)), now: stage.clock.now())
        // Blamed once is one time too many for an innocent one, and once is not enough for a killer.
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
            _ = try await stage.store.reap(now: stage.clock.now())
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
                try await stage.store.deregister(worker.performer.id, now: stage.clock.now())
            }
        }
        processes = []
        try await stage.store.delete(ids, now: stage.clock.now())
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
            let limit = Int.random(in: 1...5, using: &chance)
            worker.backlog = try await stage.claim(limit, by: worker.performer)
        case 0..<65:
            start(process, worker)
        case 65..<98:
            try await finish(number, worker)
        case 98:
            // Told to stop, and killed since it did not.
            try await bury(number, .stopped)
        default:
            let releases = worker.backlog.map { Settlement($0.lease, .release(after: .zero)) }
            worker.backlog = []
            process.room.stopWaiting(ObjectIdentifier(worker))
            let answers = try await stage.store.settle(releases, now: stage.clock.now())
            #expect(answers.allSatisfy { $0 == .settled(.ready) }, "seed \(seed)")
        }
    }

    private func start(_ process: Process, _ worker: Worker) {
        guard let job = worker.backlog.first, process.room.enter(ObjectIdentifier(worker), alone: job.runsAlone) else {
            return
        }
        worker.backlog.removeFirst()
        worker.running.append(job)
        stage.start(job, by: worker.performer)
    }

    private mutating func finish(_ number: Int, _ worker: Worker) async throws {
        guard let job = worker.running.randomElement(using: &chance) else { return }
        if killers.contains(job.id) {
            // Half of the deaths are seen by a supervisor, the others are found by their locks.
            return try await bury(number, Bool.random(using: &chance) ? .died("died", nil) : nil)
        }
        worker.running.removeAll { $0.lease == job.lease }
        stage.end(job, by: worker.performer)
        processes[number].room.leave()
        #expect(try await stage.settle(job.lease, .ack) == .done, "seed \(seed)")
    }

    /// The process ends, and another takes its place.
    private mutating func bury(_ number: Int, _ end: WorkerEnd?) async throws {
        let dead = processes[number].workers.map(\.performer)
        for performer in dead { try await stage.die(performer) }
        if let end {
            _ = try await stage.store.takeBack(from: dead.map(\.id), end, now: stage.clock.now())
        } else {
            _ = try await stage.reapAll()
        }
        processes[number] = try await newProcess()
    }

    private mutating func keepLeases() async throws {
        let leases = processes.flatMap(\.workers).flatMap { ($0.backlog + $0.running).map(\.lease) }
        let lost = try await stage.store.extend(leases, by: .seconds(30), now: stage.clock.now())
        #expect(lost.isEmpty, "seed \(seed)")
    }
}
