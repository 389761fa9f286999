import GRDB
import StintCore

/// What happens to the processes, from the beginning of a world to its end.
extension World {
    func run() async {
        for queue in WorldPlan.queues { await keepDoneJobs(queue) }
        let founder = RecordingStore(
            places[0].stores.store, log(of: "founder"), clock: SimulatedClock(world: self, place: nil))
        for (queue, limits) in plan.limits.sorted(by: { $0.key.description < $1.key.description }) {
            do { try await founder.configure(queue, limits) } catch { problem("limits could not be set: \(error)") }
        }
        for place in places { start(place) }
        for misfortune in plan.misfortunes {
            scheduler.run(after: misfortune.time, as: scheduler.faults) { self.inject(misfortune.kind) }
        }
        await scheduler.pause(plan.unrest)
        calmDown()
        await workOff()
        await close()
    }

    /// Called before any process lives: the checker needs to see what happened to each job.
    private func keepDoneJobs(_ queue: QueueName) async {
        do {
            try await places[0].stores.store.configure(
                queue, QueueSettings(paused: false, retention: .seconds(50 * 366 * 86_400)))
        } catch {
            problem("a queue could not be set up: \(error)")
        }
    }

    private func inject(_ kind: WorldPlan.Fault.Kind) {
        guard !isCalm else { return }
        logger.debug("at \(scheduler.now / 1_000_000) ms: \(kind)")
        let living = processes.filter { $0.state != .dead && $0.place.name != "house" && !$0.isSupervisor }
        switch kind {
        case .kill:
            if !living.isEmpty { kill(dice.one(of: living)) }
        case .killWithSupervisor:
            if !living.isEmpty { kill(dice.one(of: living), with: true) }
        case .stop(let duration):
            if !living.isEmpty { stop(dice.one(of: living), for: duration) }
        case .shutDown:
            let running = living.filter { $0.state == .running }
            guard !running.isEmpty else { return }
            let process = dice.one(of: running)
            process.hasOrderToStop = true
            scheduler.perform(as: process) { process.shutDown() }
        case .locks(let duration): lockedUntil = max(lockedUntil, scheduler.now + duration.nanoseconds)
        case .freezesAll(let duration):
            for process in processes where process.state == .running { stop(process, for: duration) }
        case .stopsTree(let patience): stopTree(patience)
        case .killsTree:
            for process in living where process.isWorker { kill(process, with: true) }
        case .killsSupervisor: killSupervisor()
        case .stopsSupervisors(let duration): stopSupervisors(for: duration)
        case .wallClockJumps(let duration): setWallClock(ahead: duration)
        case .reboot: reboot()
        case .operatorPauses(let duration):
            let queue = dice.one(of: plan.jobs).queue
            asOperator { try await $0.pause(queue) }
            scheduler.run(after: duration, as: scheduler.faults) { self.asOperator { try await $0.resume(queue) } }
        case .operatorKicks:
            let queue = dice.one(of: plan.jobs).queue
            asOperator { try await $0.kick(queue, limit: 2) }
        case .operatorKicksAll:
            let query = JobQuery(queue: dice.one(of: plan.jobs).queue, state: .buried)
            asOperator { _ = try await $0.begin(.kick, on: query, by: "operator") }
        case .operatorBuries:
            guard let id = anyJob() else { return }
            asOperator { try await $0.store.bury([id], reason: "a person said so") }
        case .operatorDeletes:
            guard let id = anyJob() else { return }
            asOperator { try await $0.store.delete([id]) }
        case .operatorCancels:
            guard let id = anyJob() else { return }
            // Best one that was claimed ahead.
            asOperator { queue in
                let leased = try await queue.store.list(JobFilter(state: .leased)).map(\.id)
                try await queue.cancel([leased.last { self.references[$0] == nil } ?? leased.last ?? id])
            }
        case .operatorRetries:
            asOperator { queue in
                guard let id = try await queue.store.list(JobFilter(state: .leased)).first?.id else { return }
                try await queue.store.bury([id], reason: "it takes too long")
                try await queue.store.kick([id])
            }
        case .operatorLimits(let queue, let limits): asOperator { try await $0.store.configure(queue, limits) }
        case .operatorWeighs(let queue, let group, let weight):
            asOperator { try await $0.store.setWeight(weight, ofGroup: group, in: queue) }
        }
    }

    private func setWallClock(ahead duration: Duration) {
        scheduler.wallOffset += duration.nanoseconds
        faultLog.append(.clockSet(wall: scheduler.wall / 1_000_000))
    }

    private func stopTree(_ patience: Duration) {
        let tree = processes.filter { $0.state == .running && $0.isWorker }
        for process in tree {
            process.hasOrderToStop = true
            scheduler.perform(as: process) { process.shutDown() }
        }
        scheduler.run(after: patience, as: scheduler.faults) {
            for process in tree { self.kill(process, with: true) }
        }
    }

    private func anyJob() -> JobID? {
        let known = jobs.values.sorted { $0.rawValue < $1.rawValue }
        return known.isEmpty ? nil : dice.one(of: known)
    }

    func asOperator(_ act: @escaping @Sendable (JobQueue<RecordingStore>) async throws -> Void) {
        guard let house = processes.last(where: { $0.place.name == "house" && $0.state != .dead }) else { return }
        let queue = queue(of: house)
        house.operatorsAtWork += 1
        scheduler.perform(as: house) {
            Task {
                do { try await act(queue) } catch { self.logger.debug("an operator was refused: \(error)") }
                house.operatorsAtWork -= 1
            }
        }
    }

    /// From now on nothing kills, stops or refuses, and the wall clock is right, so that no job waits for hours.
    private func calmDown() {
        isCalm = true
        lockedUntil = 0
        for process in processes { goOn(process) }
        // A schedule that ticks each second would have to make up for a job of each of them.
        if plan.setsClock || plan.schedules.isEmpty { setWallClock(ahead: .seconds(200_000)) }
        for queue in WorldPlan.queues {
            asOperatorUntilDone(queue)
            // A pause that was on its way may come after that.
            scheduler.run(after: .seconds(30), as: scheduler.faults) { self.asOperatorUntilDone(queue) }
        }
    }

    private func asOperatorUntilDone(_ queue: QueueName) {
        guard let house = processes.last(where: { $0.place.name == "house" && $0.state != .dead }) else {
            return scheduler.run(after: .seconds(1), as: scheduler.faults) { self.asOperatorUntilDone(queue) }
        }
        asOperator {
            try await $0.resume(queue)
            _ = house
        }
    }

    private func workOff() async {
        do {
            // Until the producer has enqueued all its jobs, and all of them are done or buried.
            while !jobsToEnqueue.isEmpty || processes.contains(where: { $0.state != .dead && $0.isEnqueueing }) {
                await scheduler.pause(.seconds(1))
            }
            try await endSchedules()
            // A kick that was held up makes jobs ready again.
            while try processes.contains(where: { $0.state != .dead && $0.operatorsAtWork > 0 })
                || database.unfinished > 0
            { await scheduler.pause(.seconds(1)) }
        } catch {
            problem("the database cannot be read: \(error)")
        }
    }

    private func close() async {
        isClosing = true
        for process in processes where process.state != .dead {
            scheduler.perform(as: process) { process.cancel() }
        }
        while processes.contains(where: { $0.state != .dead && !$0.isSupervisor }) {
            await scheduler.pause(.seconds(1))
        }
        for process in processes where process.isSupervisor { endSupervisor(process) }
    }
}
