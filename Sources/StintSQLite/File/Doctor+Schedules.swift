import StintCore

extension JobTransaction {
    /// What is wrong with the schedules; nothing if there are none.
    func scheduleFindings() throws -> [Finding] {
        let schedules = try schedules()
        guard !schedules.isEmpty else { return [] }
        var wrong: [Finding] = []
        for schedule in schedules {
            if let problem = schedule.problem {
                wrong.append(
                    Finding(
                        subject: "schedules", isGood: false,
                        description: "\(quoted(schedule.name)) cannot tick: \(problem); set it again"))
            } else if let next = schedule.nextTickMilliseconds, now.wall - next > Schedule.tolerance.milliseconds {
                let minutes = (now.wall - next) / 60_000
                wrong.append(
                    Finding(
                        subject: "schedules", isGood: false,
                        description:
                            "\(quoted(schedule.name)) is due since \(minutes) minutes: nothing ticks; start a worker, or "
                            + "let cron run `stint reap` each minute"))
            }
        }
        guard wrong.isEmpty else { return wrong }
        return [Finding(subject: "schedules", isGood: true, description: "\(schedules.count), none of them late")]
    }
}
