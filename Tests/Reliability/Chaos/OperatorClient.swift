import Foundation
import History
import StintCore
import StintSQLite
import TestSupport

/// An operator and a dashboard: reads everything repeatedly and checks it; pauses, resumes, kicks, buries, cancels and deletes.
struct OperatorClient {
    private let player: Player
    private let queue: JobQueue<RecordingStore>
    private let store: SQLiteStore?

    init(_ player: Player, _ queue: JobQueue<RecordingStore>, _ store: SQLiteStore?) {
        self.player = player
        self.queue = queue
        self.store = store
    }

    func run() async throws {
        var chance = SeededGenerator(seed: player.seed)
        let stop = StopSignal()
        while !stop.isSet {
            // This is one long read, which keeps the log from starting again; under load it would be there all the
            // time.
            if !player.isCalm { try await examine() }
            let name = Player.queues.randomElement(using: &chance)!
            switch Int.random(in: 0..<12, using: &chance) {
            case 0:
                try await patiently { try await queue.pause(name) }
                try await Task.sleep(for: .milliseconds(30))
                try await patiently { try await queue.resume(name) }
            case 1: try await patiently { _ = try await queue.kick(name, limit: 3) }
            case 9:
                // The reapers make its steps. Few, since each job that kills its worker will do so again three times.
                var few = JobSelection(name, states: [.buried])
                few.limit = 3
                try await patiently { [few] in _ = try await queue.begin(.kick, on: few, by: "operator") }
            case 2:
                try await touch(&chance) { try await queue.store.bury([$0], reason: "the operator says so") }
            case 3: try await touch(&chance) { try await queue.store.delete([$0]) }
            case 4: try await touch(&chance) { try await queue.cancel([$0]) }
            case 10 where !player.isCalm:
                try await changeLimits(&chance)
            case 11 where !player.isCalm:
                let group = Player.groups.randomElement(using: &chance)!
                try await patiently { try await queue.store.setWeight(2, ofGroup: group, in: Player.limited) }
            case 5: _ = try await patiently { try await queue.store.workers() }
            case 6: _ = try await patiently { try await queue.store.failures(limit: 100) }
            default: _ = try await patiently { try await queue.store.list(JobFilter(limit: 200)) }
            }
            try await Task.sleep(for: .milliseconds(40))
        }
    }

    /// Lowers or lifts one of the limits for a moment.
    private func changeLimits(_ chance: inout SeededGenerator) async throws {
        let change = [
            QueueSettings(concurrency: .to(1)), QueueSettings(concurrency: .unlimited),
            QueueSettings(rate: .to(Rate(5, per: .milliseconds(100)))), QueueSettings(rate: .unlimited),
            QueueSettings(groupConcurrency: .to(2)), QueueSettings(groupConcurrency: .unlimited),
            QueueSettings(groupRate: .unlimited), QueueSettings(groupOrder: .loose), QueueSettings(isFair: false),
        ].randomElement(using: &chance)!
        try await patiently { try await queue.store.configure(Player.limited, change) }
        try await Task.sleep(for: .milliseconds(100))
        try await patiently { try await queue.store.configure(Player.limited, Player.limits) }
    }

    private func examine() async throws {
        for finding in try await store?.examine() ?? [] where !finding.isGood {
            throw HistoryError("while all were at work: \(finding.subject): \(finding.description)")
        }
    }

    /// Another process may hold the lock for longer than the busy timeout, and the server may die before it answers. All
    /// that an operator does may be done twice.
    private func patiently<Value>(_ body: () async throws -> Value) async throws -> Value {
        while true {
            do {
                return try await body()
            } catch let error as StintError where [.databaseBusy, .outcomeUnknown].contains(error.code) { continue }
        }
    }

    /// Changes a job that others may settle at this moment.
    private func touch(_ chance: inout SeededGenerator, _ body: (JobID) async throws -> Void) async throws {
        let jobs = try await patiently { try await queue.store.list(JobFilter(limit: 50)) }
        guard let job = jobs.randomElement(using: &chance) else { return }
        do {
            try await patiently { try await body(job.id) }
        } catch let error as StintError where [.notFound, .invalidInput].contains(error.code) {
            return
        }
    }
}
