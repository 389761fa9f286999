import History
import StintCore

extension RecordingStore {
    package func setSchedule(_ schedule: Schedule) async throws -> ScheduleSetting {
        try await record(.setSchedule(schedule.recorded, wall: clock.now().wall)) {
            try await base.setSchedule(schedule)
        } answer: {
            .scheduled(isNew: $0 == .added, isReplaced: $0 == .replaced)
        }
    }

    package func changeSchedule(_ name: String, _ change: ScheduleChange) async throws {
        try await record(.changeSchedule(name: name)) { try await base.changeSchedule(name, change) }
    }

    package func tick() async throws -> TickReport {
        try await record(.tick(wall: clock.now().wall)) {
            try await base.tick()
        } answer: {
            .ticked($0.ticks, isComplete: $0.untilNext != .zero)
        }
    }
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
