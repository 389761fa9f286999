/// Checks what the database has counted by time.
extension HistoryChecker {
    func activityViolations() -> [Violation] {
        guard !final.activities.isEmpty else { return [] }
        var found: [String] = []
        let enqueued = final.activities.reduce(0) { $0 + $1.enqueued }
        // A restored database skips the ids that were given after its backup; their counts went with their jobs.
        if let lastJob = final.lastJob, history.replacements.isEmpty ? lastJob != enqueued : lastJob < enqueued {
            found.append("\(enqueued) jobs are counted as enqueued, and \(lastJob) ids were given")
        }
        for queue in final.activities {
            let kept: [(String, Int, Int)] = [
                ("done", queue.done, queue.keptDone), ("cancelled", queue.cancelled, queue.keptCancelled),
                ("expired", queue.expired, queue.keptExpired),
            ]
            for (state, counted, kept) in kept where counted != kept {
                found.append("queue \(queue.queue): \(counted) jobs are counted as \(state) by time, \(kept) by queue")
            }
            if queue.timesInQueue != queue.started {
                found.append("queue \(queue.queue): \(queue.started) starts, \(queue.timesInQueue) times in queue")
            }
            if queue.ends > queue.started || queue.runTimes > queue.started {
                found.append(
                    "queue \(queue.queue): \(queue.started) starts, \(queue.ends) ends, \(queue.runTimes) run times")
            }
        }
        let claims = history.jobHistories.values.reduce(0) { $0 + $1.claims.count }
        let started = final.activities.reduce(0) { $0 + $1.started }
        if history.replacements.isEmpty, started < claims {
            found.append("\(claims) claims returned, and \(started) are counted")
        }
        return found.map { Violation(.miscounted, $0) }
    }
}
