/// What an outage of the server does.
extension HistoryChecker {
    /// How long after a time the first claim was answered with a job, and the first ack with success, of those that were
    /// called after it; `nil`: none was.
    ///
    /// - Parameter time: In the nanoseconds of the history.
    package func recovery(after time: Int64) -> (claim: Duration?, ack: Duration?) {
        let answered = history.made.filter { history.times[$0.invoked] > time && $0.ended != .max }
        func first(_ isMeant: (History.Made) -> Bool) -> Duration? {
            answered.filter(isMeant).map { .nanoseconds(history.times[$0.ended] - time) }.min()
        }
        return (
            claim: first {
                if case .returned(.exchanged(_, let claimed)) = $0.outcome { !claimed.isEmpty } else { false }
            },
            ack: first {
                if case .returned(.exchanged(let settled, _)) = $0.outcome { settled.contains(.done) } else { false }
            }
        )
    }

    /// The enqueues and acks that were answered and then undone, as asynchronous replication allows: each by how long before
    /// the next death of a primary it was answered; `nil`: there was none after it.
    ///
    /// - Parameter deaths: In the nanoseconds of the history.
    package func undone(byDeathsAt deaths: [Int64]) -> (enqueues: [Duration?], acks: [Duration?]) {
        func age(_ line: Int) -> Duration? {
            let time = history.times[line]
            return deaths.filter { $0 >= time }.min().map { .nanoseconds($0 - time) }
        }
        let present = Set(final.jobs.flatMap(\.references))
        let enqueues = history.enqueues.filter { enqueue in
            guard let answer = enqueue.answer, !answer.isDuplicate, !present.contains(enqueue.job.reference) else {
                return false
            }
            let isDeleted = history.jobHistories[answer.job]?.deletes.contains(where: \.mayHaveHappened) == true
            return !isDeleted && !wasReplaced(enqueue)
        }
        let acks = history.jobHistories.values.flatMap { job in
            job.settled.filter { ack in
                ack.answer == .done
                    && job.claims.contains { $0.token != ack.settlement.lease.token && $0.invoked > ack.ended }
            }
        }
        return (enqueues.map { age($0.made.ended) }, acks.map { age($0.ended) })
    }
}
