import StintCore

extension JobTransaction {
    func changeSchedule(_ name: String, _ change: ScheduleChange) throws {
        guard let schedule = try stored(name) else { throw StintError.noSchedule(name) }
        switch change {
        case .pause:
            try statement("UPDATE stint_schedules SET paused = 1, next_tick = NULL WHERE id = ?1").execute(schedule.id)
        case .resume:
            guard schedule.isPaused else { return }
            // One that cannot tick is tried again, and says why.
            let next: Timestamp?
            do { next = try schedule.recurrence().next(after: now.wall) } catch { next = now.wall }
            let update = try statement(
                "UPDATE stint_schedules SET paused = 0, ticked_until = ?2, next_tick = ?3 WHERE id = ?1")
            update.bind(1, schedule.id)
            update.bind(2, now.wall)
            update.bind(3, next)
            try update.execute()
        case .delete:
            try statement("DELETE FROM stint_schedules WHERE id = ?1").execute(schedule.id)
            try statement("DELETE FROM stint_schedule_ticks WHERE schedule_id = ?1").execute(schedule.id)
        }
    }

    func runSchedule(_ name: String) throws -> Enqueued {
        guard let stored = try stored(name) else { throw StintError.noSchedule(name) }
        return try enqueue([stored.schedule(payload: try payload(of: stored)).job(at: nil)])[0]
    }
}
