import StintCore

extension JobTransaction {
    func schedules() throws -> [ScheduleRecord] {
        try statement("SELECT \(StoredSchedule.columns) FROM stint_schedules ORDER BY name")
            .rows(read: StoredSchedule.init)
            .map { $0.record(try lastTicks(of: $0)) }
    }

    func schedule(_ name: String) throws -> ScheduleDetails? {
        try stored(name).map {
            ScheduleDetails(record: $0.record(try lastTicks(of: $0)), payload: try payload(of: $0))
        }
    }

    private func lastTicks(of schedule: StoredSchedule) throws -> [ScheduleTick] {
        try statement(
            "SELECT tick_at, job_id FROM stint_schedule_ticks WHERE schedule_id = ?1 ORDER BY tick_at DESC LIMIT ?2"
        ).rows(schedule.id, Int64(ScheduleRecord.shownTicks)) {
            ScheduleTick($0.int(0), job: JobID(rawValue: $0.int(1)))
        }
    }
}
