import History
import StintCore

extension RecordingStore {
    package func setSchedule(_ schedule: Schedule) async throws -> ScheduleSetting {
        try await record(.setSchedule(schedule.recorded, wall: clock.now().wall)) {
            try await store.setSchedule(schedule)
        } answer: {
            .scheduled(isNew: $0 == .added, isReplaced: $0 == .replaced)
        }
    }

    package func changeSchedule(_ name: String, _ change: ScheduleChange) async throws {
        try await record(.changeSchedule(name: name)) { try await store.changeSchedule(name, change) }
    }

    package func tick() async throws -> TickReport {
        try await record(.tick(wall: clock.now().wall)) {
            try await store.tick()
        } answer: {
            .ticked($0.ticks, isComplete: $0.untilNext != .zero)
        }
    }

    // MARK: - Not recorded

    package func schedules() async throws -> [ScheduleRecord] { try await store.schedules() }
    package func schedule(_ name: String) async throws -> ScheduleDetails? { try await store.schedule(name) }
    package func runSchedule(_ name: String) async throws -> Enqueued { try await store.runSchedule(name) }
    package func scheduleChanges() -> AsyncStream<Void> { store.scheduleChanges() }
}

extension Schedule {
    fileprivate var recorded: Call.Schedule {
        let kind: Call.Schedule.Missed =
            switch missed {
            case .skip: .skip
            case .once: .once
            case .all: .all
            }
        switch recurrence.kind {
        case .cron: return Call.Schedule(name: name, missed: kind, interval: nil)
        case .every(let interval, let origin):
            return Call.Schedule(name: name, missed: kind, interval: interval, origin: origin)
        }
    }
}
