import StintCore

/// The verbs of a ``ScheduleStore``: each is one transaction with the verb of the same name.
extension SQLiteStore {
    public func setSchedule(_ schedule: Schedule) async throws -> ScheduleSetting {
        // Programs declare their schedules whenever they start: mostly there is nothing to write.
        if try await look({ try $0.isSet(schedule) }) { return .unchanged }
        let setting = try await write(diskFull: .refuse) { try $0.setSchedule(schedule) }
        signals.sendTickChange()
        return setting
    }

    public func schedules() async throws -> [ScheduleRecord] {
        try await read { try $0.schedules() }
    }

    public func schedule(_ name: String) async throws -> ScheduleDetails? {
        try await read { try $0.schedule(name) }
    }

    public func changeSchedule(_ name: String, _ change: ScheduleChange) async throws {
        try await write(diskFull: change == .delete ? .useReserve : .useSpareReserve) {
            try $0.changeSchedule(name, change)
        }
        signals.sendTickChange()
    }

    public func runSchedule(_ name: String) async throws -> Enqueued {
        try await write(diskFull: .refuse) { try $0.runSchedule(name) }
    }

    public func tick() async throws -> TickReport {
        let (isNeeded, report) = try await look { (try $0.needsTick(), try $0.tickReport()) }
        guard isNeeded else { return report }
        #if STINT_MUTATIONS
            if RemovedGuard.tickTransaction.isRemoved { return try await tickInTwoTransactions() }
        #endif
        let done = try await write(weight: JobTransaction.jobsPerTick, diskFull: .refuse) { try $0.tick() }
        for problem in done.problems { options.logger.error("\(problem)") }
        return done
    }

    public func scheduleChanges() -> AsyncStream<Void> {
        let open: OpenFile
        do { open = try beginCall() } catch { return AsyncStream { $0.finish() } }
        defer { endCall() }
        return open.watch.tickChanges()
    }
}
