/// Digests and replaced jobs.
extension HistoryChecker {
    /// Each event that was enqueued is in one digest (see ``jobViolations()``). Here: the digest that was acknowledged was
    /// given all of them, and they are in the order of their enqueues.
    func digestViolations() -> [Violation] {
        let made = Dictionary(history.enqueues.map { ($0.job.reference, $0.made) }, uniquingKeysWith: { $1 })
        return final.jobs.flatMap { job -> [Violation] in
            guard let events = job.events else { return [] }
            return unreadViolations(job, events) + orderViolations(job, events, made)
        }
    }

    /// The run that was acknowledged had all events, and none besides.
    private func unreadViolations(_ job: FinalState.Job, _ events: [String]) -> [Violation] {
        guard job.states == ["done"], let jobHistory = history.jobHistories[job.id] else { return [] }
        let acks = jobHistory.settled.filter { $0.settlement.outcome == .ack && $0.mayHaveSettled }
        let given = acks.compactMap { jobHistory.handed[$0.settlement.lease.token] }
        if given.contains(events) { return [] }
        return [
            Violation(
                .eventUnread,
                "job \(job.id) has the events \(events), and the runs that were acknowledged were given \(given)")
        ]
    }

    /// What returned before another was invoked comes first.
    private func orderViolations(
        _ job: FinalState.Job, _ events: [String], _ made: [String: History.Made]
    ) -> [Violation] {
        var latest = (line: -1, reference: "")
        var found: [Violation] = []
        for event in events {
            guard let enqueue = made[event] else { continue }
            if enqueue.ended < latest.line {
                found.append(
                    Violation(.eventOrder, "job \(job.id): \(event) comes after \(latest.reference), enqueued later"))
            }
            if enqueue.invoked > latest.line { latest = (enqueue.invoked, event) }
        }
        return found
    }

    /// Whether a later enqueue may have put its payload in this one's place.
    func wasReplaced(_ enqueue: History.Enqueue) -> Bool {
        guard let key = enqueue.job.uniqueKey, enqueue.job.conflict != .collect, let id = enqueue.answer?.job else {
            return false
        }
        return history.enqueues.contains { other in
            guard other.job.conflict == .replace, other.job.uniqueKey == key, other.job.queue == enqueue.job.queue,
                other.job.reference != enqueue.job.reference, other.made.mayHaveHappened,
                other.made.ended > enqueue.made.invoked
            else { return false }
            return other.answer.map { $0.joined == true && $0.job == id } ?? true
        }
    }
}
