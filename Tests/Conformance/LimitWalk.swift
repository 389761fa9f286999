import StintCore
import TestSupport
import Testing

/// A random walk over a queue with groups and limits that change, beside a model of what each job is. After each
/// claim the limits must hold exactly, and nothing that they allow may have been left.
struct LimitWalk {
    private let stage: Stage
    private let seed: UInt64
    private var chance: SeededGenerator
    private var jobs: [JobID: Job] = [:]
    private var limits = QueueLimits()
    private var isPaused = false
    /// Since when the rates are as they are.
    private var ratesSince: Int64 = .min
    private var starts: [(at: Int64, group: String?)] = []

    private struct Job {
        let group: String?
        let priority: UInt32
        var place = Place.ready
    }

    private enum Place {
        case ready
        /// By the wall clock; it waits to be tried again.
        case held(until: Int64)
        case leased(Lease)
        case buried, over
    }

    init(_ stage: Stage, seed: UInt64) {
        self.stage = stage
        self.seed = seed
        chance = SeededGenerator(seed: seed)
    }

    mutating func run(steps: Int) async throws {
        // After another walk.
        stage.clock.advance(by: .seconds(60))
        try await stage.store.configure(
            "q",
            QueueSettings(
                concurrency: .unlimited, rate: .unlimited, groupConcurrency: .unlimited, groupRate: .unlimited,
                groupOrder: .strict, isFair: true))
        for _ in 0..<steps { try await step() }
        try await drain()
    }

    private mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &chance) }

    private mutating func one<Element>(of choices: [Element]) -> Element { choices.randomElement(using: &chance)! }

    private mutating func step() async throws {
        switch int(1...100) {
        case ...25: for _ in 1...int(1...4) { try await enqueue() }
        case ...50: try await claim(int(1...6))
        case ...68: try await settle()
        case ...82: stage.clock.advance(by: .milliseconds(int(1...1_500)))
        case ...84: stage.clock.setWall(ahead: .seconds(int(-3_600...3_600)))
        case ...88: try await changeLimits()
        case ...90: try await stage.store.setWeight(int(1...4), ofGroup: one(of: ["a", "b"]), in: "q")
        case ...92:
            isPaused.toggle()
            try await stage.store.configure("q", QueueSettings(paused: isPaused))
        case 93: #expect(try await stage.store.reap().repairedGroups == 0, "seed \(seed)")
        default: try await operate()
        }
    }

    private mutating func enqueue() async throws {
        let group: String? = one(of: [nil, "a", "a", "a", "b", "c"])
        let priority: UInt32 = one(of: [1_024, 1_024, 1_024, 1])
        let options = JobOptions(priority: priority, maxAttempts: 100_000, group: group)
        jobs[try await stage.enqueue(options: options)] = Job(group: group, priority: priority)
    }

    private mutating func changeLimits() async throws {
        let rate = int(1...4) == 1 ? Rate(int(1...4), per: .milliseconds(int(200...4_000))) : nil
        let groupRate = int(1...4) == 1 ? Rate(int(1...2), per: .milliseconds(int(200...4_000))) : nil
        limits.concurrency = int(1...3) == 1 ? int(1...4) : nil
        limits.groupConcurrency = int(1...2) == 1 ? one(of: [1, 1, 2]) : nil
        limits.groupOrder = int(1...4) == 1 ? .loose : .strict
        limits.isFair = int(1...4) != 1
        if rate != limits.rate || groupRate != limits.groupRate { ratesSince = stage.clock.now().monotonic }
        (limits.rate, limits.groupRate) = (rate, groupRate)
        func limit<Value>(_ value: Value?) -> Limit<Value> { value.map { .to($0) } ?? .unlimited }
        try await stage.store.configure(
            "q",
            QueueSettings(
                concurrency: limit(limits.concurrency), rate: limit(rate),
                groupConcurrency: limit(limits.groupConcurrency), groupRate: limit(groupRate),
                groupOrder: limits.groupOrder, isFair: limits.isFair))
    }

    // MARK: - Ends

    private var leased: [(id: JobID, lease: Lease)] {
        jobs.sorted { $0.key.rawValue < $1.key.rawValue }.compactMap { id, job in
            if case .leased(let lease) = job.place { return (id, lease) }
            return nil
        }
    }

    /// Half of them together with the next claim.
    private mutating func settle() async throws {
        guard let (id, lease) = leased.randomElement(using: &chance) else { return }
        let (outcome, place): (Settlement.Outcome, Place)
        let later = stage.clock.now().wall + 1_000
        switch int(1...10) {
        case ...6: (outcome, place) = (.ack, .over)
        case ...8: (outcome, place) = (.fail(error: "e", retryAfter: .seconds(1)), .held(until: later))
        case 9: (outcome, place) = (.release(after: .zero), .ready)
        default: (outcome, place) = (.bury(reason: "r"), .buried)
        }
        jobs[id]!.place = place
        try await claim(int(1...2) == 1 ? 3 : nil, after: Settlement(lease, outcome))
    }

    private mutating func operate() async throws {
        guard let (id, job) = jobs.sorted(by: { $0.key.rawValue < $1.key.rawValue }).randomElement(using: &chance)
        else { return }
        switch (job.place, int(1...3)) {
        case (.over, _): return
        case (.buried, _):
            try await stage.store.kick([id])
            jobs[id]!.place = .ready
        case (.held, 1):
            try await stage.store.runNow([id])
            jobs[id]!.place = .ready
        case (_, 1):
            try await stage.store.bury([id], reason: "r")
            jobs[id]!.place = .buried
        case (_, 2):
            try await stage.store.cancel([id], reason: "r")
            jobs[id]!.place = .over
        default:
            try await stage.store.delete([id])
            jobs[id]!.place = .over
        }
    }

    // MARK: - Claims

    private mutating func claim(_ limit: Int?, after settlement: Settlement? = nil) async throws {
        let request = limit.map {
            ClaimRequest(queues: ["q"], limit: $0, lease: .seconds(86_400), worker: "test:1")
        }
        let claimed = try await stage.store.exchange(settlement.map { [$0] } ?? [], for: request).jobs
        guard let limit, !isPaused else {
            #expect(claimed.isEmpty, "seed \(seed): of a paused queue")
            return
        }
        let now = stage.clock.now()
        for (id, job) in jobs {
            if case .held(let until) = job.place, until <= now.wall { jobs[id]!.place = .ready }
        }
        for job in claimed {
            let mine = try #require(jobs[job.id])
            guard case .ready = mine.place else {
                Issue.record("seed \(seed): job \(job.id) is claimed as \(mine.place)")
                continue
            }
            #expect(!isHeldBack(job.id, mine), "seed \(seed): job \(job.id) goes ahead of its group")
            jobs[job.id]!.place = .leased(job.lease)
            starts.append((now.monotonic, mine.group))
            check(mine, now.monotonic)
        }
        guard claimed.count < limit else { return }
        let left = jobs.filter { mayStart($0.key, $0.value, now.monotonic) }.keys
        #expect(left.isEmpty, "seed \(seed): \(limits) allow one of \(left.map(\.description))")
    }

    /// After a claim of a job.
    private func check(_ job: Job, _ now: Int64) {
        if let limit = limits.concurrency { #expect(running { _ in true } <= limit, "seed \(seed)") }
        if let rate = limits.rate { #expect(started(rate, now, since: ratesSince) <= rate.starts, "seed \(seed)") }
        guard let group = job.group else { return }
        if let limit = limits.groupConcurrency { #expect(running { $0.group == group } <= limit, "seed \(seed)") }
        if let rate = limits.groupRate {
            #expect(started(rate, now, since: ratesSince, group) <= rate.starts, "seed \(seed)")
        }
    }

    private func running(_ isCounted: (Job) -> Bool) -> Int {
        jobs.values.count { if case .leased = $0.place { isCounted($0) } else { false } }
    }

    private func started(_ rate: Rate, _ now: Int64, since: Int64, _ group: String? = nil) -> Int {
        let start = now - Int64(rate.window / .milliseconds(1))
        return starts.count { $0.at > start && $0.at >= since && (group == nil || $0.group == group) }
    }

    /// Whether a job of its group that comes before it waits, in a strict order, or one waits for its retry.
    private func isHeldBack(_ id: JobID, _ job: Job) -> Bool {
        guard limits.isStrict, job.group != nil else { return false }
        return jobs.contains { other, its in
            guard its.group == job.group else { return false }
            switch its.place {
            case .held: return true
            case .ready: return (its.priority, other.rawValue) < (job.priority, id.rawValue)
            case .leased, .buried, .over: return false
            }
        }
    }

    /// Whether nothing holds it back. A store may count a start up to some thousandths of the window longer, and those
    /// that were made under another rate.
    private func mayStart(_ id: JobID, _ job: Job, _ now: Int64) -> Bool {
        func hasRoom(_ rate: Rate?, _ group: String?) -> Bool {
            guard let rate else { return true }
            let longer = Rate(rate.starts, per: rate.window + max(.milliseconds(20), rate.window / 100))
            return started(longer, now, since: .min, group) < rate.starts
        }
        guard case .ready = job.place, !isHeldBack(id, job), hasRoom(limits.rate, nil) else { return false }
        if let limit = limits.concurrency, running({ _ in true }) >= limit { return false }
        guard let group = job.group else { return true }
        if let limit = limits.groupConcurrency, running({ $0.group == group }) >= limit { return false }
        return hasRoom(limits.groupRate, group)
    }

    // MARK: - The end

    private mutating func drain() async throws {
        isPaused = false
        try await stage.store.configure("q", QueueSettings(paused: false))
        for _ in 0..<10_000 {
            guard jobs.values.contains(where: { if case .over = $0.place { false } else { true } }) else { return }
            for (id, job) in jobs {
                if case .buried = job.place {
                    try await stage.store.kick([id])
                    jobs[id]!.place = .ready
                }
            }
            for (id, lease) in leased {
                try await stage.settle(lease, .ack)
                jobs[id]!.place = .over
            }
            stage.clock.advance(by: .seconds(5))
            // The clock may have been set back by hours.
            if leased.isEmpty { stage.clock.setWall(ahead: .seconds(600)) }
            try await claim(6)
        }
        Issue.record("seed \(seed): the queue is not worked off: \(try await stage.stats())")
    }
}
