/// Checks tokens, and which process held a job at which time.
extension HistoryChecker {
    func leaseViolations() -> [Violation] {
        var found: [Violation] = []
        var holders: [Int64: Int] = [:]
        for (id, jobHistory) in history.jobHistories.sorted(by: { $0.key < $1.key }) {
            let claims = jobHistory.claims.sorted { $0.token < $1.token }
            for claim in claims {
                // A claim of several queues has a token for each queue.
                let other = holders.updateValue(claim.invoked, forKey: claim.token)
                if let other, other != claim.invoked {
                    found.append(
                        Violation(.tokenReused, "\(claim.token), by the claims at the lines \(other), \(claim.invoked)")
                    )
                }
            }
            for (first, second) in zip(claims, claims.dropFirst()) {
                found += succession(first, second, jobHistory)
            }
            found += wordViolations(id, jobHistory, claims) + runViolations(id, jobHistory, claims)
        }
        return found
    }

    private func succession(
        _ first: History.Claim, _ second: History.Claim, _ jobHistory: History.JobHistory
    ) -> [Violation] {
        let facts =
            "job \(first.job): token \(first.token) of \(first.process), then \(second.token) of \(second.process)"
        if first.token == second.token { return [Violation(.tokenReused, facts)] }
        if second.returned < first.invoked { return [Violation(.tokenFell, facts)] }
        if !mayHaveEnded(first, before: second.returned, jobHistory) { return [Violation(.twoLeases, facts)] }
        return []
    }

    /// Whether a lease may have ended before a line.
    private func mayHaveEnded(_ claim: History.Claim, before line: Int, _ jobHistory: History.JobHistory) -> Bool {
        let (start, end) = (claim.invoked, line)
        // Nobody holds a lease in a database that has been put in the place of another.
        if history.mayBeUndone(from: start, to: end) { return true }
        if jobHistory.settled.contains(where: {
            $0.settlement.lease == claim.facts.lease && $0.mayHaveSettled && $0.invoked < end
        }) {
            return true
        }
        if jobHistory.revocations.contains(where: { $0.mayHaveHappened(after: start, before: end) }) {
            return true
        }
        if reclaims(from: claim.process).contains(where: { $0.mayHaveHappened(after: start, before: end) }) {
            return true
        }
        return history.reaps.contains { reap in
            reap.mayHaveHappened(after: start, before: end)
                && mayEnd(claim, reap, deadline: deadline(of: claim, before: reap.invoked))
        }
    }

    /// The first line at which a lease may have ended; until then it was there.
    func earliestEnd(of claim: History.Claim) -> Int {
        let jobHistory = history.jobHistories[claim.job] ?? History.JobHistory()
        let start = claim.invoked
        var end = Int.max
        for replacement in history.replacements where replacement.upperBound > start {
            end = min(end, replacement.lowerBound)
        }
        for word in jobHistory.settled where word.settlement.lease == claim.facts.lease && word.mayHaveSettled {
            end = min(end, word.invoked)
        }
        for made in jobHistory.revocations + reclaims(from: claim.process)
        where made.mayHaveHappened(after: start, before: end) {
            end = min(end, made.invoked)
        }
        for reap in history.reaps where reap.mayHaveHappened(after: start, before: end) {
            if mayEnd(claim, reap, deadline: deadline(of: claim, before: reap.invoked)) { end = min(end, reap.invoked) }
        }
        return end
    }

    /// Whether a reap was allowed to end a lease: its deadline was over, by the clock as it was read when the reap's
    /// transaction began, or its process was dead and the machine has started again. A boot id alone proves nothing.
    func mayEnd(_ claim: History.Claim, _ reap: History.Made, deadline: Int64) -> Bool {
        guard case .reap(let now, let boot) = reap.call else { return false }
        let isOver =
            reap.ended == .max || reap.duration == .max || now + (reap.duration + 999_999) / 1_000_000 >= deadline
        let isDead = history.killed[claim.process].map { $0 < reap.ended } ?? false
        return isOver || boot != claim.terms.boot && isDead
    }

    /// The latest deadline that the holder had been promised.
    private func deadline(of claim: History.Claim, before line: Int) -> Int64 {
        (history.extensions[claim.token] ?? []).reduce(claim.terms.deadline) { deadline, renewal in
            renewal.made.ended < line ? max(deadline, renewal.deadline) : deadline
        }
    }

    func mayBeUndone(_ word: History.Settled) -> Bool { history.mayBeUndone(from: word.invoked, to: word.ended) }

    func reclaims(from process: String) -> [History.Made] { history.reclaimsFrom[process] ?? [] }

    /// Whether it may be of a claim whose answer came too late: a worker that writes through its supervisor gives such jobs
    /// back at once.
    private func isGivenBack(_ word: History.Settled) -> Bool {
        word.settlement.outcome == .release
            && history.supervisedWriters.contains { history.registrations[$0] == word.process }
            && history.unknownClaims.contains { $0.process == word.process && $0.invoked < word.invoked }
            && lateReleases[word.process, default: 0] <= mostLateJobs(of: word.process)
    }

    /// How many jobs its claims without an answer may have brought.
    private func mostLateJobs(of process: String) -> Int {
        history.unknownClaims.reduce(0) { count, made in
            guard made.process == process, case .exchange(_, let claim?) = made.call else { return count }
            return count + (claim.limit ?? 1)
        }
    }

    /// By process: how many jobs it has given back that no answer of a claim had.
    static func lateReleases(in history: History) -> [String: Int] {
        var releases: [String: Int] = [:]
        for jobHistory in history.jobHistories.values {
            let claimed = Set(jobHistory.claims.map(\.token))
            for word in jobHistory.settled
            where word.hasSettled && word.settlement.outcome == .release
                && !claimed.contains(word.settlement.lease.token)
                && history.found[word.process]?.contains(word.settlement.lease) != true
            {
                releases[word.process, default: 0] += 1
            }
        }
        return releases
    }

    /// Checks what holders reported of the job.
    private func wordViolations(_ id: Int64, _ jobHistory: History.JobHistory, _ claims: [History.Claim]) -> [Violation]
    {
        var found: [Violation] = []
        var settled: Set<Int64> = []
        for word in jobHistory.settled where word.hasSettled {
            let token = word.settlement.lease.token
            let facts =
                "job \(id): \(word.settlement.outcome) with token \(token) by \(word.process), line \(word.ended)"
            if !settled.insert(token).inserted { found.append(Violation(.staleWord, "\(facts), was not the first")) }
            if let current = claims.last(where: { $0.token > token && $0.returned < word.invoked }) {
                found.append(Violation(.staleWord, "\(facts), after token \(current.token) was given out"))
            }
            let claim = claims.first { $0.token == token }
            let isFound = history.found[word.process]?.contains(word.settlement.lease) == true
            if claim == nil && !isFound && !isGivenBack(word) {
                found.append(Violation(.staleWord, "\(facts), a token that was not given out"))
            }
            if let claim, let end = reclaimed(claim, jobHistory), end < word.invoked {
                found.append(Violation(.staleWord, "\(facts), after the job was reclaimed at line \(end)"))
            }
            if word.answer == .done {
                if let later = claims.last, later.token > token, !mayBeUndone(word) {
                    found.append(Violation(.ranAfterDone, "\(facts), and claimed again with token \(later.token)"))
                }
                let hasRun = jobHistory.runs.contains {
                    $0.lease == word.settlement.lease && ($0.finished ?? .max) < word.invoked
                }
                if !hasRun { found.append(Violation(.doneUnrun, facts)) }
            }
        }
        for claim in claims {
            for (leases, _, made) in history.extensions[claim.token] ?? [] where leases.contains(claim.facts.lease) {
                guard let current = claims.last(where: { $0.token > claim.token && $0.returned < made.invoked }) else {
                    continue
                }
                found.append(
                    Violation(
                        .staleWord,
                        "job \(id): token \(claim.token) was extended after token \(current.token) was given out"))
            }
        }
        return found
    }

    /// The line from which on a call had certainly ended a lease.
    private func reclaimed(_ claim: History.Claim, _ jobHistory: History.JobHistory) -> Int? {
        let words = reclaims(from: claim.process) + jobHistory.revocations.filter { !isUncertain($0) }
        return words.filter { $0.outcome == .returned(.done) && $0.invoked > claim.returned }.map(\.ended).min()
    }

    /// Whether it may have left the job as it was.
    private func isUncertain(_ made: History.Made) -> Bool {
        if case .cancel(_, isCertain: false) = made.call { true } else { false }
    }

    private func runViolations(_ id: Int64, _ jobHistory: History.JobHistory, _ claims: [History.Claim]) -> [Violation]
    {
        var found: [Violation] = []
        var started: Set<Int64> = []
        for run in jobHistory.runs {
            let facts = "job \(id): token \(run.lease.token), started by \(run.process) at line \(run.started)"
            if !started.insert(run.lease.token).inserted { found.append(Violation(.tokenReused, facts)) }
            // A command that another process started for its claim records no claims.
            let mustClaim = history.registrations.values.contains(run.process)
            let isClaimed = claims.contains {
                $0.token == run.lease.token && $0.process == run.process && $0.returned < run.started
            }
            if mustClaim && !isClaimed { found.append(Violation(.ranUnclaimed, facts)) }
            if let done = jobHistory.settled.first(where: {
                $0.answer == .done && $0.ended < run.started && !mayBeUndone($0)
            }),
                !wasStoppedAtStart(run, claims)
            {
                found.append(Violation(.ranAfterDone, "\(facts), done at line \(done.ended)"))
            }
        }
        return found
    }

    /// Whether its process may have been stopped after its last look at the clock and before the start of its handler.
    /// That can happen to the few that were about to start, and only the token can help there.
    func wasStoppedAtStart(_ run: History.Run, _ claims: [History.Claim]) -> Bool {
        guard let claim = claims.first(where: { $0.token == run.lease.token }),
            let number = history.runs[run.process]?.firstIndex(of: run.lease)
        else { return false }
        return (history.stops[run.process] ?? []).contains {
            $0.line > claim.returned && $0.line < run.started && number < $0.runs + Self.idleSlots
        }
    }

    /// How many handlers a process may be about to start.
    private static let idleSlots = 4

    func reclaimViolations() -> [Violation] {
        var found: [Violation] = []
        for made in history.reclaims where made.outcome == .returned(.done) {
            guard case .reclaim(let workers, _) = made.call else { continue }
            for process in Set(workers.compactMap { history.registrations[$0] }) {
                guard let word = history.lastWord[process], word > made.ended else { continue }
                found.append(
                    Violation(.takenFromLiving, "\(process), at line \(made.ended), and it spoke at line \(word)"))
            }
        }
        return found
    }

    func busyViolations() -> [Violation] {
        guard let busyTimeout else { return [] }
        // A caller that joins the transaction of another one that has waited for half of it shares the other half.
        let shortest = busyTimeout / 2
        return history.made.compactMap { made in
            guard made.outcome == .failed(code: "databaseBusy"), .nanoseconds(made.duration) < shortest else {
                return nil
            }
            return Violation(
                .busyTooEarly, "\(made.process), line \(made.ended), after \(made.duration / 1_000_000) ms")
        }
    }
}
