import StintCore

/// The verbs of a `ScheduleStore`: each is one transaction with the verb of the same name.
extension PostgresStore {
    public func setSchedule(_ schedule: Schedule) async throws -> ScheduleSetting {
        // Programs declare their schedules whenever they start: mostly there is nothing to write.
        if try await read({ try await $0.isSet(schedule) }) { return .unchanged }
        return try await change { try await $0.setSchedule(schedule) }
    }

    public func schedules() async throws -> [ScheduleRecord] { try await read { try await $0.schedules() } }

    public func schedule(_ name: String) async throws -> ScheduleDetails? {
        try await read { try await $0.schedule(name) }
    }

    public func changeSchedule(_ name: String, _ change: ScheduleChange) async throws {
        try await self.change { try await $0.changeSchedule(name, change) }
    }

    public func runSchedule(_ name: String) async throws -> Enqueued {
        try await change { try await $0.runSchedule(name) }
    }

    public func tick() async throws -> TickReport {
        let report = try await read { transaction in
            try await transaction.needsTick() ? nil : transaction.tickReport()
        }
        if let report { return report }
        let done = try await change { try await $0.tick() }
        for problem in done.problems { logger.error("\(problem)") }
        return done
    }
}
