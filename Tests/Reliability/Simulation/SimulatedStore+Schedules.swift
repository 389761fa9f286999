import StintCore

extension SimulatedStore {
    func setSchedule(_ schedule: Schedule) async throws -> ScheduleSetting {
        defer { world.notifyOfScheduleChange() }
        return try await perform { try await store.setSchedule(schedule) }
    }

    func changeSchedule(_ name: String, _ change: ScheduleChange) async throws {
        defer { world.notifyOfScheduleChange() }
        try await perform { try await store.changeSchedule(name, change) }
    }

    func tick() async throws -> TickReport { try await perform { try await store.tick() } }
    func runSchedule(_ name: String) async throws -> Enqueued {
        try await perform { try await store.runSchedule(name) }
    }

    func schedules() async throws -> [ScheduleRecord] { try await store.schedules() }
    func schedule(_ name: String) async throws -> ScheduleDetails? { try await store.schedule(name) }

    /// The world notifies, as of wake-ups.
    func scheduleChanges() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        process.scheduleListeners.append(continuation)
        return stream
    }
}
