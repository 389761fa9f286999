import Foundation
import History
import StintCore
import Synchronization
import TestSupport

/// Enqueues jobs one by one, in batches, later, and with unique keys, as fast as they are worked off.
struct Producer {
    private let player: Player
    private let queue: JobQueue<RecordingStore>

    init(_ player: Player, _ queue: JobQueue<RecordingStore>) {
        self.player = player
        self.queue = queue
    }

    func run() async throws {
        var chance = SeededGenerator(seed: player.seed)
        var number = 0
        let stop = StopSignal()
        try await declareSchedules()
        while !stop.isSet {
            try await Backlog.waitForRoom(in: queue.store, stop)
            let batch = try (0..<[1, 1, 1, 5, 20].randomElement(using: &chance)!).map { _ in
                number += 1
                let kind = JobKind.random(isCalm: player.isCalm, using: &chance)
                var options = kind.options
                if Int.random(in: 0..<10, using: &chance) == 0 { options.delay = .milliseconds(300) }
                // A poisonous job can be buried for good, and its key with it.
                if kind != .poison, kind != .bury, Int.random(in: 0..<4, using: &chance) == 0 {
                    options.uniqueKey = "k\(Int.random(in: 0..<5, using: &chance))"
                }
                if kind.canBeMerged, Int.random(in: 0..<3, using: &chance) == 0 {
                    Self.merge(&options, using: &chance)
                }
                // A poisonous job is to be buried.
                if kind != .poison, Int.random(in: 0..<10, using: &chance) == 0 {
                    options.expires = .milliseconds(Int.random(in: 50...2_000, using: &chance))
                }
                options.priority = [1_024, 1_024, 1].randomElement(using: &chance)!
                var name = Player.queues.randomElement(using: &chance)!
                if name == Player.limited {
                    // The jobs of a key are all of one group. A group of whose jobs one runs at a time is held up by
                    // each.
                    let group = Player.groups.randomElement(using: &chance)!
                    options.group = options.uniqueKey == nil ? group : Player.groups[0]
                    if player.isCalm { options.group = nil } else if kind == .long { name = "a" }
                }
                return try NewJob(
                    Array("\(kind.rawValue) \(player.log.process).\(number)".utf8), in: name, options: options)
            }
            do {
                _ = try await queue.enqueue(jobs: batch)
            } catch let error as StintError where error.code != .databaseUnusable {
                // It is in the history. What a producer of real life would do: say so and go on.
                FileHandle.standardError.write(Data("\(error)\n".utf8))
            }
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
