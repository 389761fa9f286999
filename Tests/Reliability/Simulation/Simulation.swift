import Foundation
import History
import Logging
import StintCore
import StintSQLite

/// Simulated worlds, one after the other, on one database. A seed has one history, whatever ran before it.
package final class Simulation {
    private let database: DatabaseOfWorld
    private let path: String
    private let stores: [StoresOfProcess]
    private let logger: Logger

    /// - Parameter folder: Best in memory.
    package init(folder: String, logger: Logger) throws {
        path = folder + "/stint.db"
        self.logger = logger
        stores = try (0..<World.mostStores).map { [path] _ in try StoresOfProcess(path: path, logger: logger) }
        database = try DatabaseOfWorld(path: path)
        // What is created only once in a process reads clocks, and so takes time: it must not happen in the first
        // world.
        _ = try run(seed: 0)
    }

    package struct Outcome: Sendable {
        package var seed: UInt64
        package var events: [Event]
        package var steps: Int
        /// How long it took by its own clock.
        package var duration: Duration
        /// What must not be.
        package var findings: [String]
    }

    package func run(seed: UInt64) throws -> Outcome {
        try database.empty()
        try database.emptyLog()
        let world = World(seed: seed, stores: stores, database: database, logger: logger)
        let start = world.scheduler.now
        var findings: [String] = []
        do {
            try world.scheduler.run(until: .seconds(4 * 3_600), maximumSteps: 1_000_000) { await world.run() }
            findings = try verdict(on: world)
        } catch let failure as SimulationFailure {
            findings = ["\(failure)"] + world.problems
        }
        try cleanUp(after: world)
        let outcome = Outcome(
            seed: seed, events: world.events, steps: world.scheduler.steps,
            duration: .nanoseconds(world.scheduler.now - start), findings: findings)
        world.forget()
        return outcome
    }

    private func verdict(on world: World) throws -> [String] {
        let final = try FinalState(of: path, isDrained: true)
        var findings = world.problems
        findings += HistoryChecker(world.events, final, firstWord: .milliseconds(10)).violations().map(\.description)
        findings += hurries(in: world.events)
        for job in final.jobs {
            guard let plan = world.plan.jobs.first(where: { $0.reference == job.reference }) else { continue }
            if plan.isDoomed && job.states == ["done"] {
                findings.append("\(job.reference), which \(plan.behaviour), is done")
            }
            // An abandoned handler goes on, and may be the cause of what happens to its process. If some deaths cannot
            // be proved, each of them gives the job another run.
            let isUndisturbed =
                world.plan.misfortunes.isEmpty && world.plan.refusals == 0 && !world.plan.jobs.contains(where: \.hangs)
                && world.plan.provesDeaths
            let deaths = world.provableDeaths[job.reference, default: 0]
            if isUndisturbed && deaths > world.plan.mostDeaths {
                findings.append("\(job.reference) has killed \(deaths) processes")
            }
            if plan.isInnocent && job.crashes > world.suspicions[job.reference, default: 0] {
                findings.append(
                    "\(job.reference), which \(plan.behaviour), is blamed for \(job.crashes) crashes, and could be "
                        + "taken for the cause of \(world.suspicions[job.reference, default: 0])")
            }
        }
        return findings
    }

    /// Processes that call the store again and again without a pause.
    private func hurries(in events: [Event]) -> [String] {
        struct Second: Hashable {
            let process: String
            let time: Int64
        }
        var words: [Second: Int] = [:]
        for event in events {
            guard case .invoked = event.kind else { continue }
            words[Second(process: event.process, time: event.time / 1_000_000_000), default: 0] += 1
        }
        return words.filter { $0.value > Self.manyWords }.map {
            "\($0.key.process) has asked the store \($0.value) times in second \($0.key.time)"
        }.sorted()
    }

    /// More than a worker needs for all the jobs of a world in a second.
    private static let manyWords = 200

    /// Releases what the processes of the world still hold: their scoreboards, and executors with work that nothing
    /// awaits. Each store must also see the log start again, since the log's length decides when it is checkpointed.
    private func cleanUp(after world: World) throws {
        // One whose process died before it received its number may have had a scoreboard too.
        let numbers = 1...max(1, try database.lastWorker)
        let holders = Dictionary(
            world.processes.flatMap { process in process.workers.map { ($0.rawValue, [process.place.stores]) } },
            uniquingKeysWith: { $1 })
        let stores = stores
        let scheduler = Scheduler(seed: 0)
        try database.emptyLog()
        try scheduler.run(until: .seconds(60), maximumSteps: 100_000) {
            for process in world.processes { process.place.stores.finish(process) }
            do {
                for number in numbers {
                    for holder in holders[number] ?? stores {
                        try await holder.store.deregister(WorkerID(rawValue: number))
                    }
                }
                for holder in stores {
                    try await holder.store.configure(.default, QueueSettings(paused: false))
                }
            } catch {
                fatalError("a simulated world cannot be cleaned up: \(error)")
            }
        }
        for holder in stores { holder.store.forgetTimes() }
    }
}
