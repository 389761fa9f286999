/// Compares what was enqueued with what is there in the end.
extension HistoryChecker {
    func jobViolations() -> [Violation] {
        var found: [Violation] = []
        let byReference = Dictionary(
            grouping: final.jobs.flatMap { job in job.references.map { (reference: $0, job: job) } }, by: \.reference
        ).mapValues { $0.map(\.job) }
        var ids: [Int64: String] = [:]
        var known: Set<String> = []
        for enqueue in history.enqueues {
            let reference = enqueue.job.reference
            if !known.insert(reference).inserted {
                found.append(Violation(.disorder, "the reference \(reference) is used by two enqueues"))
            }
            let present = byReference[reference] ?? []
            if present.count > 1 {
                found.append(Violation(.doubledJob, "\(reference) is there as the jobs \(present.map(\.id))"))
            }
            switch (enqueue.made.outcome, enqueue.answer) {
            case (.failed(let code), _) where !present.isEmpty:
                found.append(Violation(.phantomJob, "\(reference), refused with \(code), is job \(present[0].id)"))
            case (_, let answer?) where answer.isDuplicate:
                // A store may repeat an enqueue with an idempotency key by itself, and finds what it has added.
                if let job = present.first, enqueue.job.idempotency == nil || job.id != answer.job {
                    found.append(Violation(.phantomJob, "\(reference), a duplicate of \(answer.job), is job \(job.id)"))
                }
            case (_, let answer?):
                if answer.joined == true {
                    if present.isEmpty, history.mayBeUndone(enqueue.made) || wasReplaced(enqueue) { continue }
                    found += lossViolations(answer.job, reference, present.first)
                    continue
                }
                if let other = ids.updateValue(reference, forKey: answer.job) {
                    found.append(Violation(.doubledJob, "\(reference) and \(other) both got the id \(answer.job)"))
                }
                if present.isEmpty, history.mayBeUndone(enqueue.made) || wasReplaced(enqueue) { continue }
                found += lossViolations(answer.job, reference, present.first)
            default: break
            }
        }
        for job in final.jobs {
            for reference in job.references where job.origin == nil && !known.contains(reference) {
                found.append(Violation(.unknownJob, "job \(job.id), with the payload '\(reference)'"))
            }
            found += stateViolations(job)
        }
        return found
    }

    private func lossViolations(_ id: Int64, _ reference: String, _ job: FinalState.Job?) -> [Violation] {
        let mayBeDeleted = history.jobHistories[id]?.deletes.contains(where: \.mayHaveHappened) == true
        guard let job else {
            return mayBeDeleted ? [] : [Violation(.lostJob, "\(reference), job \(id), is not there")]
        }
        if job.id != id { return [Violation(.lostJob, "\(reference) was to be job \(id) and is job \(job.id)")] }
        return []
    }

    private func stateViolations(_ job: FinalState.Job) -> [Violation] {
        guard job.states.count == 1 else {
            return [Violation(.lostJob, "job \(job.id), \(job.reference), is in the states \(job.states)")]
        }
        if final.isDrained, !["done", "buried", "cancelled", "expired"].contains(job.states[0]) {
            return [Violation(.lostJob, "job \(job.id), \(job.reference), is still \(job.states[0]) after the drain")]
        }
        let jobHistory = history.jobHistories[job.id]
        if job.states[0] == "done", jobHistory?.runs.contains(where: { $0.finished != nil }) != true {
            return [Violation(.doneUnrun, "job \(job.id), \(job.reference)")]
        }
        if job.states[0] == "buried", job.attempts < job.maxAttempts, job.crashes < job.maxCrashes {
            let wasSaidSo =
                jobHistory?.buries.contains(where: \.mayHaveHappened) == true
                || jobHistory?.settled.contains {
                    [.bury, .refuse].contains($0.settlement.outcome) && $0.mayHaveSettled
                } == true
            if !wasSaidSo {
                return [
                    Violation(
                        .buriedUnexhausted,
                        "job \(job.id), \(job.reference): \(job.attempts) of \(job.maxAttempts) attempts, "
                            + "\(job.crashes) of \(job.maxCrashes) crashes")
                ]
            }
        }
        return []
    }

    func keyViolations() -> [Violation] {
        var found: [Violation] = []
        let made = history.enqueues.filter { $0.job.uniqueKey != nil && $0.answer != nil }
        // A key that replaces or collects goes on to the next job while the one before is not done.
        let moving = Set(history.enqueues.filter { $0.job.conflict != nil }.map(Self.key(of:)))
        let byKey = Dictionary(grouping: made, by: Self.key(of:)).filter { !moving.contains($0.key) }
        for (key, enqueues) in byKey.sorted(by: { $0.key < $1.key }) {
            // Ids are given in the order of the transactions.
            let new = enqueues.filter { $0.answer!.isDuplicate == false }.sorted { $0.answer!.job < $1.answer!.job }
            for (first, second) in zip(new, new.dropFirst()) {
                let id = first.answer!.job
                guard !mayBeOver(id, before: second.made.ended) else { continue }
                found.append(Violation(.keyTwice, "\(key): job \(id) was not done when \(second.answer!.job) was made"))
            }
            let ids = Set(new.map { $0.answer!.job })
            for enqueue in enqueues where enqueue.answer!.isDuplicate {
                let id = enqueue.answer!.job
                let isUnknown =
                    !ids.contains(id) && history.enqueues.contains { $0.answer?.job == id && !$0.answer!.isDuplicate }
                if isUnknown || isOver(id, before: enqueue.made.invoked), !isExplainedByRepeat(enqueue) {
                    found.append(
                        Violation(
                            .swallowed, "\(enqueue.job.reference) with the key \(key) was answered with job \(id)"))
                }
            }
        }
        let waiting = final.jobs.filter { $0.uniqueKey != nil && $0.states != ["done"] }
        for (key, jobs) in Dictionary(grouping: waiting, by: { "\($0.uniqueKey!) in \($0.queue)" }) where jobs.count > 1
        {
            found.append(Violation(.keyTwice, "\(key) is held by the jobs \(jobs.map(\.id))"))
        }
        return found
    }

    private static func key(of enqueue: History.Enqueue) -> String {
        "\(enqueue.job.uniqueKey!) in \(enqueue.job.queue)"
    }

    /// Whether the job may have been acknowledged, cancelled or deleted, or have expired, before a line, or its enqueue undone.
    private func mayBeOver(_ id: Int64, before line: Int) -> Bool {
        if history.undoneJobs.contains(id) || history.expiringJobs.contains(id) { return true }
        guard let jobHistory = history.jobHistories[id] else { return false }
        return jobHistory.settled.contains { $0.settlement.outcome == .ack && $0.mayHaveSettled && $0.invoked < line }
            || (jobHistory.deletes + jobHistory.cancels).contains { $0.mayHaveHappened && $0.invoked < line }
    }

    private func isOver(_ id: Int64, before line: Int) -> Bool {
        guard let jobHistory = history.jobHistories[id] else { return false }
        return jobHistory.settled.contains { $0.answer == .done && $0.ended < line && !mayBeUndone($0) }
            || (jobHistory.deletes + jobHistory.certainCancels).contains {
                $0.outcome == .returned(.done) && $0.ended < line && !history.mayBeUndone($0)
            }
    }
}
