import StintCore

/// Schedules of a simulated world: who declares them, and how they end.
extension World {
    /// As a program does it whenever it starts, until it has succeeded.
    func declareSchedules(_ process: SimulatedProcess) async {
        let queue = queue(of: process)
        for plan in plan.schedules {
            while process.state != .dead {
                do {
                    try await queue.set(try plan.schedule())
                    break
                } catch {
                    logger.debug("\(process.name) could not set a schedule: \(error)")
                    await scheduler.pause(.milliseconds(200))
                }
            }
        }
    }

    /// Every process is notified of a change a little later, and looks then.
    func notifyOfScheduleChange() {
        for process in processes where process.state != .dead && !process.scheduleListeners.isEmpty {
            if happens(plan.lostWakeUps) { continue }
            scheduler.run(after: .microseconds(dice.int(50...3_000)), as: process) {
                for listener in process.scheduleListeners { listener.yield() }
            }
        }
    }

    /// Waits until no schedule is late, and ends them, so that the queues can be worked off.
    func endSchedules() async throws {
        guard !plan.schedules.isEmpty else { return }
        while try database.lateSchedules(at: now().wall - 1_000) > 0 { await scheduler.pause(.seconds(1)) }
        while try database.tickingSchedules > 0 {
            for name in plan.schedules.map(\.name) {
                asOperator { try await $0.pauseSchedule(name) }
            }
            await scheduler.pause(.seconds(1))
        }
    }
}

extension WorldPlan {
    /// A schedule that every producer declares when it starts.
    struct SchedulePlan: Sendable {
        let name: String
        let queue: QueueName
        let interval: Duration
        let missed: MissedTicks

        /// Its jobs have its name as their reference.
        func schedule() throws -> Schedule {
            try Schedule(
                name, .every(interval), missed: missed,
                job: try NewJob(Array(name.utf8), in: queue, options: JobOptions(maxAttempts: 1_000)))
        }

        /// What its handler does.
        var job: JobPlan { JobPlan(scheduledBy: name, in: queue) }
    }

    var setsClock: Bool {
        misfortunes.contains { if case .wallClockJumps = $0.kind { true } else { false } }
    }

    /// - Parameter setsClock: Then the clock jumps by hours, and one that makes up for each tick may not tick too
    ///   often.
    static func schedules(in queues: [QueueName], setsClock: Bool, _ dice: Dice) -> [SchedulePlan] {
        guard dice.happens(40) else { return [] }
        return (1...dice.int(1...3)).map { number in
            let missed = dice.one(of: MissedTicks.allCases)
            let interval: Duration =
                missed == .all && setsClock ? .seconds(dice.int(3_000...9_000)) : dice.milliseconds(1_000...4_000)
            return SchedulePlan(
                name: "schedule-\(number)", queue: dice.one(of: queues), interval: interval, missed: missed)
        }
    }
}
