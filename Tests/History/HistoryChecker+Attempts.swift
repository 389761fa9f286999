/// What a run costs.
extension HistoryChecker {
    func attemptViolations() -> [Violation] {
        var found: [Violation] = []
        for job in final.jobs where job.attempts > job.maxAttempts {
            found.append(Violation(.tooManyAttempts, "job \(job.id): \(job.attempts) of \(job.maxAttempts)"))
        }
        found += blameViolations() + priceViolations()
        for (id, jobHistory) in history.jobHistories.sorted(by: { $0.key < $1.key }) {
            let claims = jobHistory.claims.sorted { $0.token < $1.token }
            for claim in claims where claim.facts.attempt > claim.facts.maxAttempts {
                found.append(
                    Violation(
                        .tooManyAttempts,
                        "job \(id), token \(claim.token): \(claim.facts.attempt) of \(claim.facts.maxAttempts)"))
            }
            for (first, second) in zip(claims, claims.dropFirst())
            where usesUpAttempt(first, before: second, jobHistory) {
                guard second.facts.attempt <= first.facts.attempt, !isKicked(jobHistory, first, second) else {
                    continue
                }
                found.append(
                    Violation(
                        .attemptNotCounted,
                        "job \(id): token \(first.token) was attempt \(first.facts.attempt), and token \(second.token) "
                            + "is attempt \(second.facts.attempt)"))
            }
        }
        return found
    }

    /// A job is blamed for the death of a process only where it was running in it: each crash is a run that did not end, or
    /// the word of its holder. A handler that has just ended in a process that is killed the next moment counts as running:
    /// the worker itself has not heard of the end, and no other process can know of it. A command says itself that it has
    /// started, and dies with its worker: of those as many may have had no time for it as processes were killed, of all
    /// jobs together.
    private func blameViolations() -> [Violation] {
        var silent = history.hasCommands ? history.killed.count : 0
        return final.jobs.compactMap { job in
            let jobHistory = history.jobHistories[job.id] ?? History.JobHistory()
            let cutShort = jobHistory.runs.count { !$0.hasEnded || isUnheard($0) }
            let said = jobHistory.settled.count { $0.settlement.outcome == .crash && $0.mayHaveHappened }
            guard job.crashes > cutShort + said else { return nil }
            silent -= job.crashes - cutShort - said
            if silent >= 0 { return nil }
            return Violation(
                .blamedInnocent,
                "job \(job.id): \(job.crashes) crashes, and \(cutShort) runs that did not end; \(said) times its holder said so"
            )
        }
    }

    /// Its process was killed, and has done nothing since the handler ended.
    private func isUnheard(_ run: History.Run) -> Bool {
        history.killed[run.process] != nil && history.lastWord[run.process] == run.finished ?? run.threw
    }

    /// An attempt is used up by a start of a handler. Who is killed may have started one that had no time for its first
    /// word; so many may be unexplained, of all jobs together.
    private func priceViolations() -> [Violation] {
        let unexplained = final.jobs.compactMap { job -> (job: FinalState.Job, count: Int)? in
            let jobHistory = history.jobHistories[job.id] ?? History.JobHistory()
            let words = jobHistory.settled.filter {
                [.fail, .crash].contains($0.settlement.outcome) && $0.mayHaveHappened
            }
            let explained = Set(jobHistory.runs.map(\.lease.token) + words.map(\.settlement.lease.token)).count
            // One that is leased has its attempt back if its handler never starts; one that a person buried or cancelled
            // meanwhile keeps it, and has all of them back when it is kicked.
            let mayBeUnstarted =
                ["leased", "cancelled"].contains(job.states.first)
                || job.states == ["buried"] && !jobHistory.buries.isEmpty
            let paid = job.attempts - (mayBeUnstarted ? 1 : 0)
            return paid > explained ? (job, paid - explained) : nil
        }
        let count = unexplained.reduce(0) { $0 + $1.count }
        guard count > history.killed.count, let worst = unexplained.max(by: { $0.count < $1.count }) else { return [] }
        return [
            Violation(
                .paidForNothing,
                "\(count) attempts of \(unexplained.count) jobs without a start, and \(history.killed.count) processes were "
                    + "killed; job \(worst.job.id) paid \(worst.count)")
        ]
    }

    /// Whether that is beyond doubt.
    private func usesUpAttempt(
        _ claim: History.Claim, before next: History.Claim, _ jobHistory: History.JobHistory
    ) -> Bool {
        let words = jobHistory.settled.filter { $0.settlement.lease == claim.facts.lease }
        if let word = words.first(where: \.mayHaveHappened) {
            return word.hasSettled && [.fail, .crash].contains(word.settlement.outcome) && !mayBeUndone(word)
        }
        // A call that was refused proves that the handler had ended before its process did.
        guard words.isEmpty else { return false }
        return hasDiedAlone(claim, before: next, jobHistory)
    }

    /// The process has died by itself, its jobs were reclaimed for that, and it held this job and nothing else.
    private func hasDiedAlone(
        _ claim: History.Claim, before next: History.Claim, _ jobHistory: History.JobHistory
    ) -> Bool {
        guard
            // If the machine starts again, no job is blamed.
            claim.terms.boot == next.terms.boot,
            jobHistory.runs.contains(where: {
                $0.lease == claim.facts.lease && $0.process == claim.process && !$0.hasEnded
            }),
            // If its supervisor has died too, the job need not have been the cause.
            history.supervisors[claim.process] == nil,
            let death = reclaims(from: claim.process).first(where: {
                $0.outcome == .returned(.done) && $0.invoked > claim.returned && $0.invoked < next.returned
                    && !history.mayBeUndone($0)
            }), case .reclaim(let workers, blames: true) = death.call,
            // Of a worker that was just registered the store cannot know what it had started.
            !history.unansweredRegistrations.contains(claim.process),
            // If two died together, either may have been the cause.
            workers.allSatisfy({ history.registrations[$0] == claim.process }),
            // Another reaper that could not prove it may have been the first.
            !reclaims(from: claim.process).contains(where: { other in
                guard case .reclaim(_, blames: false) = other.call else { return false }
                return other.mayHaveHappened(after: claim.invoked, before: death.ended)
            })
        else { return false }
        let isExpired = history.reaps.contains { reap in
            reap.mayHaveHappened(after: claim.invoked, before: next.returned)
                && mayEnd(claim, reap, deadline: claim.terms.deadline)
        }
        if isExpired { return false }
        // Another job that it held may have been about to start.
        let others = (history.handedOut[claim.process] ?? []).filter { $0 != claim.facts.lease }
        return others.allSatisfy { lease in
            guard let other = history.jobHistories[lease.job] else { return false }
            // An abandoned handler may go on, and be the cause.
            let mayGoOn = other.runs.contains { $0.lease == lease && !$0.hasEnded }
            return other.settled.contains {
                $0.settlement.lease == lease && $0.answer != nil && $0.ended < death.invoked
                    && !(mayGoOn && [.fail, .crash].contains($0.settlement.outcome))
            }
        }
    }

    private func isKicked(_ jobHistory: History.JobHistory, _ first: History.Claim, _ second: History.Claim) -> Bool {
        (jobHistory.kicks + (history.queueKicks[first.facts.queue] ?? [])).contains {
            $0.mayHaveHappened(after: first.invoked, before: second.returned)
        }
    }
}
