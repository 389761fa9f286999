import StintCore

extension JobTransaction {
    /// What is wrong with the schedules; nothing if there are none.
    ///
    /// - Parameter hasWorker: Whether a worker lives. A reap that cron runs cannot be seen, only that nothing is late.
    func scheduleFindings(hasWorker: Bool) throws -> [Finding] {
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
                            "\(quoted(schedule.name)) has been due for \(minutes) minutes: nothing ticks; start a worker, or "
                            + "let cron run `stint reap` each minute"))
            }
        }
        guard wrong.isEmpty else { return wrong }
        let next = schedules.filter { $0.nextTickMilliseconds != nil }.min {
            $0.nextTickMilliseconds! < $1.nextTickMilliseconds!
        }
        var text = "\(schedules.count), none of them late"
        if let next, let time = next.nextTickMilliseconds { text += "; next \(quoted(next.name)) at \(utcText(time))" }
        if next != nil, !hasWorker {
            text += "; no worker runs: nothing ticks unless a reaper does, or cron runs `stint reap` each minute"
        }
        return [Finding(subject: "schedules", isGood: true, description: text)]
    }
}
