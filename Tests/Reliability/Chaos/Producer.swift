import Foundation
import History
import StintCore
import Synchronization
import TestSupport

/// Enqueues jobs one by one, in batches, later, and with unique keys, as fast as they are worked off. Some batches have
/// idempotency keys: they are enqueued again until that is answered, also by other producers, and now and then once more.
struct Producer {
    private let player: Player
    private let queue: JobQueue<RecordingStore>
    private let outbox: Outbox
    private let stop = StopSignal()

    init(_ player: Player, _ queue: JobQueue<RecordingStore>) {
        self.player = player
        self.queue = queue
        outbox = Outbox(beside: player.history, of: player.log.process)
    }

    func run() async throws {
        var chance = SeededGenerator(seed: player.seed)
        var batches = ProducerBatches(player)
        try await declareSchedules()
        // Of those that were killed, and of others that are still at it.
        for seed in try outbox.seedsOfOthers() { try await enqueueOnce(seed, &batches) }
        while !stop.isSet {
            try await Backlog.waitForRoom(in: queue.store, stop)
            let seed = UInt64.random(in: .min ... .max, using: &chance)
            guard Int.random(in: 0..<3, using: &chance) == 0 else {
                _ = try await enqueue(try batches.batch(seed))
                continue
            }
            try outbox.write(seed)
            try await enqueueOnce(seed, &batches)
            // As if the answer had been lost.
            if Int.random(in: 0..<4, using: &chance) == 0 {
                _ = try await enqueue(try batches.batch(seed, isRepeatable: true))
            }
        }
    }

    /// Enqueues a batch with idempotency keys until that is answered. Each time has references of its own, so that the
    /// checker knows what is there from which.
    private func enqueueOnce(_ seed: UInt64, _ batches: inout ProducerBatches) async throws {
        while !stop.isSet {
            if try await enqueue(try batches.batch(seed, isRepeatable: true)) { return try outbox.remove(seed) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// - Returns: Whether it was answered.
    private func enqueue(_ batch: [NewJob]) async throws -> Bool {
        do {
            _ = try await queue.enqueue(jobs: batch)
            return true
        } catch let error as StintError where error.code != .databaseUnusable {
            // It is in the history. What a producer of real life would do: say so and go on.
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            return false
        }
    }
}

/// The batches of a producer. A seed decides all of one but the references of its jobs.
struct ProducerBatches {
    private let player: Player
    private var number = 0

    init(_ player: Player) {
        self.player = player
    }

    /// - Parameter isRepeatable: Whether its jobs have idempotency keys, which follow from the seed too.
    mutating func batch(_ seed: UInt64, isRepeatable: Bool = false) throws -> [NewJob] {
        var chance = SeededGenerator(seed: seed)
        return try (0..<[1, 1, 1, 5, 20].randomElement(using: &chance)!).map { index in
            number += 1
            let kind = JobKind.random(isCalm: player.isCalm, using: &chance)
            var (options, name) = Self.options(kind, isCalm: player.isCalm, using: &chance)
            if isRepeatable { options.idempotencyKey = "\(seed).\(index)" }
            return try NewJob(
                Array("\(kind.rawValue) \(player.log.process).\(number)".utf8), in: name, options: options)
        }
    }

    private static func options(
        _ kind: JobKind, isCalm: Bool, using chance: inout SeededGenerator
    ) -> (JobOptions, QueueName) {
        var options = kind.options
        if Int.random(in: 0..<10, using: &chance) == 0 { options.delay = .milliseconds(300) }
        // A poisonous job can be buried for good, and its key with it.
        if kind != .poison, kind != .bury, Int.random(in: 0..<4, using: &chance) == 0 {
            options.uniqueKey = "k\(Int.random(in: 0..<5, using: &chance))"
        }
        if kind.canBeMerged, Int.random(in: 0..<3, using: &chance) == 0 { merge(&options, using: &chance) }
        // A poisonous job is to be buried.
        if kind != .poison, Int.random(in: 0..<10, using: &chance) == 0 {
            options.expires = .milliseconds(Int.random(in: 50...2_000, using: &chance))
        }
        options.priority = [1_024, 1_024, 1].randomElement(using: &chance)!
        var name = Player.queues.randomElement(using: &chance)!
        if name == Player.limited {
            // The jobs of a key are all of one group. A group of whose jobs one runs at a time is held up by each.
            let group = Player.groups.randomElement(using: &chance)!
            options.group = options.uniqueKey == nil ? group : Player.groups[0]
            if isCalm { options.group = nil } else if kind == .long { name = "a" }
        }
        return (options, name)
    }

    /// Collects the job in a digest, or lets it replace another.
    private static func merge(_ options: inout JobOptions, using chance: inout SeededGenerator) {
        guard Int.random(in: 0..<4, using: &chance) > 0 else {
            options.uniqueKey = "r\(Int.random(in: 0..<3, using: &chance))"
            options.onConflict = .replace
            return
        }
        options.uniqueKey = "d\(Int.random(in: 0..<3, using: &chance))"
        options.onConflict = .collect
        options.delay = .zero
        options.maxEvents = [1_000, 5].randomElement(using: &chance)!
        if Bool.random(using: &chance) {
            options.debounce = .milliseconds(50)
            options.atMost = .milliseconds(200)
        }
    }
}

extension Producer {
    /// Each producer does so when it starts.
    private func declareSchedules() async throws {
        for schedule in try Self.schedules() {
            do {
                try await queue.set(schedule)
            } catch let error as StintError where error.code != .databaseUnusable {
                FileHandle.standardError.write(Data("\(error)\n".utf8))
            }
        }
    }

    private static func schedules() throws -> [Schedule] {
        let recurrences: [(String, MissedTicks, Schedule.Recurrence)] = [
            ("all", .all, try .every(.seconds(1))), ("once", .once, try .every(.seconds(1))),
            ("skip", .skip, try .every(.milliseconds(1_500))),
            ("cron", .all, try .cron("* * * * * *", timeZone: "UTC")),
        ]
        return try recurrences.map { name, missed, recurrence in
            let job = try NewJob(
                Array("\(JobKind.good.rawValue) \(name)".utf8), in: Player.queues[0], options: JobKind.good.options)
            return try Schedule(name, recurrence, missed: missed, job: job)
        }
    }
}

/// Keeps producers from running away from the workers.
enum Backlog {
    private static let limit = 400

    static func waitForRoom(in store: any JobStore, _ stop: StopSignal) async throws {
        while !stop.isSet {
            let waiting = try await store.stats().reduce(0) { $0 + $1.ready + $1.delayed }
            if waiting < limit { return }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// SIGTERM, as a flag.
final class StopSignal: Sendable {
    private static let flag = Atomic(false)

    init() {
        signal(SIGTERM) { _ in StopSignal.flag.store(true, ordering: .relaxed) }
    }

    var isSet: Bool { Self.flag.load(ordering: .relaxed) }
}
