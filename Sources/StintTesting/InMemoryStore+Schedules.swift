import StintCore

extension InMemoryStore {
    public func setSchedule(_ schedule: Schedule) async throws -> ScheduleSetting {
        defer { wakeTickers() }
        return try verb { try $0.setSchedule(schedule, $1) }
    }

    public func schedules() async throws -> [ScheduleRecord] {
        try look { state in state.schedules.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value.record) }
    }

    public func schedule(_ name: String) async throws -> ScheduleDetails? {
        try look { state in
            state.schedules[Array(name.utf8)].map {
                ScheduleDetails(record: $0.record, payload: $0.schedule.job.payload)
            }
        }
    }

    public func changeSchedule(_ name: String, _ change: ScheduleChange) async throws {
        defer { wakeTickers() }
        try verb { try $0.changeSchedule(name, change, $1) }
    }

    public func runSchedule(_ name: String) async throws -> Enqueued {
        try verb { try $0.runSchedule(name, $1) }
    }

    public func tick() async throws -> TickReport {
        try verb { try $0.tick($1) }
    }
}
