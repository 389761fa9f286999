/// Checks limits, order and turns by the claims that were answered.
///
/// A call takes effect at a moment between its lines, and claims take effect in the order of their tokens. So:
///
/// - A lease that was granted before a claim, and that cannot have ended before the claim's answer, was held at the
///   claim.
/// - The claims from one to a later one have all happened between the first one's invocation and the last one's answer. If
///   these lie less than a window apart, all of them are in one window.
/// - If a limit was changed meanwhile, the widest of the values that it may have had counts.
///
/// Times are the lines' own, by the clock that also the store reads, to the nanosecond; the store's are cut to
/// milliseconds, so that two of its times may be up to 1 ms further apart than they were.
extension HistoryChecker {
    func limitViolations() -> [Violation] {
        var found: [Violation] = []
        let claims = Dictionary(grouping: history.jobHistories.values.flatMap(\.claims), by: \.facts.queue)
            .mapValues { $0.sorted { ($0.token, $0.index) < ($1.token, $1.index) } }
        let jobs = enqueuedJobs()
        for (queue, claims) in claims.sorted(by: { $0.key < $1.key }) {
            let limits = LimitHistory(history, queue: queue)
            var groups: [String: [History.Claim]] = [:]
            for claim in claims {
                if let group = jobs[claim.job]?.new.group { groups[group, default: []].append(claim) }
            }
            if limits.hasChanges {
                found += runningViolations(claims, "queue \(queue)", limits.concurrency)
                found += rateViolations(claims, "queue \(queue)", limits.rate)
                for (group, claims) in groups.sorted(by: { $0.key < $1.key }) {
                    found += runningViolations(claims, "group \(group) of \(queue)", limits.groupConcurrency)
                    found += rateViolations(claims, "group \(group) of \(queue)", limits.groupRate)
                    found += orderViolations(claims, "group \(group) of \(queue)", limits, jobs)
                }
            }
            if !groups.isEmpty { found += turnViolations(claims, queue, limits, jobs) }
        }
        for reap in history.reaps {
            if case .returned(.repaired(let groups)) = reap.outcome {
                found.append(Violation(.brokenGroup, "\(groups) groups, at line \(reap.ended)"))
            }
        }
        return found
    }

    // MARK: - The jobs

    private struct EnqueuedJob {
        var new: Call.NewJob
        let made: History.Made

        /// Whether it was ready from the return of its enqueue until its first claim.
        var isReadyAtOnce: Bool { new.isDelayed != true && new.conflict == nil && new.expires == nil }
    }

    /// By id; only those of which all enqueues say the same group, queue and priority.
    private func enqueuedJobs() -> [Int64: EnqueuedJob] {
        let ids = Dictionary(final.jobs.map { ($0.reference, $0.id) }, uniquingKeysWith: { $1 })
        var jobs: [Int64: EnqueuedJob] = [:]
        var unclear: Set<Int64> = []
        for enqueue in history.enqueues {
            if enqueue.answer?.isDuplicate == true { continue }
            guard let id = enqueue.answer?.job ?? ids[enqueue.job.reference] else { continue }
            if let known = jobs[id]?.new {
                if (known.group, known.priority) != (enqueue.job.group, enqueue.job.priority) { unclear.insert(id) }
                jobs[id]!.new.conflict = known.conflict ?? enqueue.job.conflict
            } else {
                jobs[id] = EnqueuedJob(new: enqueue.job, made: enqueue.made)
            }
        }
        return jobs.filter { !unclear.contains($0.key) }
    }

    // MARK: - How many at a time

    /// - Parameter claims: Of one queue or group, in their order.
    private func runningViolations(
        _ claims: [History.Claim], _ name: String, _ limit: LimitHistory.Values<Int>
    ) -> [Violation] {
        var held: [(invoked: Int, end: Int)] = []
        return claims.compactMap { claim in
            let most = limit.between(claim.invoked, claim.returned)
            let others = held.count { $0.invoked < claim.returned && $0.end >= claim.returned }
            held.removeAll { $0.end <= claim.invoked }
            held.append((claim.invoked, earliestEnd(of: claim)))
            guard let limit = most.contains(0) ? nil : most.max(), others + 1 > limit else { return nil }
            return Violation(
                .tooManyRunning,
                "\(name): job \(claim.job) with token \(claim.token) is claimed at line \(claim.returned) beside \(others), "
                    + "and \(limit) may run")
        }
    }

    // MARK: - How many in a time

    private func rateViolations(
        _ claims: [History.Claim], _ name: String, _ rate: LimitHistory.Values<Call.Limits.Rate>
    ) -> [Violation] {
        claims.indices.compactMap { last in
            let now = rate.between(claims[last].invoked, claims[last].returned)
            guard !now.contains(.none), let starts = now.map(\.starts).max(), last >= starts else { return nil }
            let first = last - starts
            let all = rate.between(claims[first].invoked, claims[last].returned)
            // If it was higher before, the claims may have been made then.
            guard !all.contains(.none), all.allSatisfy({ $0.starts <= starts }), let window = all.map(\.window).min(),
                !history.mayBeUndone(from: claims[first].invoked, to: claims[last].returned)
            else { return nil }
            let time = history.times[claims[last].returned] - history.times[claims[first].invoked]
            // The store counts in whole milliseconds.
            guard time < (window - 1) * 1_000_000 else { return nil }
            return Violation(
                .rateExceeded,
                "\(name): \(starts + 1) jobs, from line \(claims[first].invoked) to \(claims[last].returned), are claimed "
                    + "in \(time / 1_000_000) ms, and \(starts) may be in \(window) ms")
        }
    }

    // MARK: - In which order

    private func orderViolations(
        _ claims: [History.Claim], _ name: String, _ limits: LimitHistory, _ jobs: [Int64: EnqueuedJob]
    ) -> [Violation] {
        guard history.replacements.isEmpty else { return [] }
        func place(_ claim: History.Claim) -> (UInt32, Int64) { (jobs[claim.job]?.new.priority ?? 0, claim.job) }
        var found: [Violation] = []
        var latest: [Int64: Int] = [:]
        for (index, claim) in claims.enumerated() {
            defer { latest[claim.job] = index }
            // Since its first claim, or its enqueue, it has waited, or was held.
            let start: Int
            if let first = latest[claim.job] {
                start = claims[first].invoked
            } else if let job = jobs[claim.job], job.isReadyAtOnce, job.made.ended < claim.invoked {
                start = job.made.ended
            } else {
                continue
            }
            if isKicked(claim, since: start) { continue }
            for other in claims[(latest[claim.job].map { $0 + 1 } ?? 0)..<index].reversed() {
                if other.returned < start { break }
                guard other.invoked > start, place(claim) < place(other),
                    limits.isStrict(other.invoked, other.returned)
                else { continue }
                found.append(
                    Violation(
                        .groupOrder,
                        "\(name): job \(other.job) is claimed at line \(other.returned), and job \(claim.job) has waited "
                            + "since line \(start)"))
                break
            }
        }
        return found
    }

    private func isKicked(_ claim: History.Claim, since start: Int) -> Bool {
        let kicks = (history.jobHistories[claim.job]?.kicks ?? []) + (history.queueKicks[claim.facts.queue] ?? [])
        return kicks.contains { $0.mayHaveHappened(after: start, before: claim.returned) }
    }

    // MARK: - Turns

    /// While a group has a ready job, no other group is served more often than its weight gives it beside the first
    /// one's, and once more. Claims that take several of a group in a row count as that many.
    ///
    /// The proof: the turns of all waiting groups are at least T, that of the group that was served last. The claim
    /// that served a group last took at most `a` of its jobs in a row, so it waits at most at T + `a` of its steps. The
    /// other one is served up to `b` times in a row, at T, T + `b` of its steps, …, up to that:
    /// `a * step / other step + b` times.
    private func turnViolations(
        _ claims: [History.Claim], _ queue: String, _ limits: LimitHistory, _ jobs: [Int64: EnqueuedJob]
    ) -> [Violation] {
        guard history.replacements.isEmpty else { return [] }
        var latest: [String?: Int] = [:]
        var claimed: Set<Int64> = []
        var found: [Violation] = []
        let expiring = Set(jobs.values.filter { $0.new.expires != nil }.map(\.new.group))
        // A job that no enqueue is known of, as that of a schedule, or a digest, may be of any group.
        var unknown = -1
        var claimsOfUnknown: [History.Claim] = []
        for (index, claim) in claims.enumerated() {
            guard let job = jobs[claim.job] else {
                unknown = index
                claimsOfUnknown.append(claim)
                continue
            }
            let group = job.new.group
            let before = latest.updateValue(index, forKey: group)
            let isFirst = claimed.insert(claim.job).inserted
            // One that was kicked had been buried for a while.
            guard isFirst, job.isReadyAtOnce, !expiring.contains(group), job.made.ended < claim.invoked,
                !isKicked(claim, since: job.made.ended)
            else { continue }
            var start = index
            while start > max(before ?? -1, unknown) + 1, claims[start - 1].invoked > job.made.ended { start -= 1 }
            guard start < index, limits.isFair(claims[start].invoked, claim.returned),
                // Its limits may have held it back, unless none of its jobs ran before.
                !limits.mayLimitGroups(claims[start].invoked, claim.returned)
                    || before == nil && claimsOfUnknown.isEmpty
                        && history.unknownClaims.allSatisfy({ $0.invoked > claim.returned }),
                !history.unknownClaims.contains(where: { mayOverlap($0, job.made.invoked...claim.returned) })
            else { continue }
            // A claim of unknown outcome may have served it last.
            func mostInARow(_ other: History.Claim) -> Int {
                other.terms.mostInARow(groupsAreLimited: limits.mayLimitGroups(other.invoked, claim.returned))
            }
            let ownRow = max(
                before.map { mostInARow(claims[$0]) } ?? 1, claimsOfUnknown.map(mostInARow).max() ?? 1,
                history.mostInARowOfUnknownClaims)
            let otherRow = claims[start..<index].map(mostInARow).max() ?? 1
            var served: [String?: Int] = [:]
            for other in claims[start..<index] {
                if let job = jobs[other.job] { served[job.new.group, default: 0] += 1 }
            }
            for (other, count) in served {
                let weights = (weights(of: group, queue), weights(of: other, queue))
                let shares = (weights.1.max()! + weights.0.min()! - 1) / weights.0.min()!
                guard count > ownRow * shares + otherRow else { continue }
                found.append(
                    Violation(
                        .unfairTurn,
                        "queue \(queue): the group \(other ?? "without a name") was served \(count) times before line "
                            + "\(claim.returned), while job \(claim.job) of the group \(group ?? "without a name") waited"
                    ))
            }
        }
        return found
    }

    private func weights(of group: String?, _ queue: String) -> [Int] {
        [1] + (history.weights[History.GroupName(queue: queue, group: group)] ?? [])
    }

    private func mayOverlap(_ made: History.Made, _ lines: ClosedRange<Int>) -> Bool {
        // A process that was killed does nothing afterwards.
        let end = min(made.ended, history.killed[made.process] ?? .max)
        return made.invoked < lines.upperBound && end > lines.lowerBound
    }
}

/// The values that the limits of a queue may have had.
struct LimitHistory {
    let hasChanges: Bool
    let concurrency: Values<Int>
    let groupConcurrency: Values<Int>
    let rate: Values<Call.Limits.Rate>
    let groupRate: Values<Call.Limits.Rate>
    private let isLoose: Values<Bool>
    private let isFair: Values<Bool>

    init(_ history: History, queue: String) {
        let changes = (history.limitChanges[queue] ?? []).filter(\.made.mayHaveHappened)
        hasChanges = !changes.isEmpty
        func values<Value>(_ first: Value, _ value: (Call.Limits) -> Value?) -> Values<Value> {
            Values(
                first,
                changes.compactMap { change in
                    value(change.change).map { value in
                        let isCertain = change.made.outcome == .returned(.done) && !history.mayBeUndone(change.made)
                        return .init(
                            value: value, invoked: change.made.invoked, ended: change.made.ended, isCertain: isCertain)
                    }
                })
        }
        concurrency = values(0, \.concurrency)
        groupConcurrency = values(0, \.groupConcurrency)
        rate = values(.none, \.rate)
        groupRate = values(.none, \.groupRate)
        isLoose = values(false, \.isLoose)
        isFair = values(true, \.isFair)
    }

    func isStrict(_ start: Int, _ end: Int) -> Bool {
        groupConcurrency.between(start, end) == [1] && isLoose.between(start, end) == [false]
    }

    func isFair(_ start: Int, _ end: Int) -> Bool { isFair.between(start, end) == [true] }

    func mayLimitGroups(_ start: Int, _ end: Int) -> Bool {
        groupConcurrency.between(start, end) != [0] || groupRate.between(start, end) != [.none]
    }

    struct Values<Value: Hashable> {
        struct Change {
            let value: Value
            let invoked: Int
            let ended: Int
            let isCertain: Bool
        }

        private let changes: [Change]

        init(_ first: Value, _ changes: [Change]) {
            self.changes = [Change(value: first, invoked: -1, ended: -1, isCertain: true)] + changes
        }

        /// Those that it may have had at some moment between two lines.
        func between(_ start: Int, _ end: Int) -> Set<Value> {
            // What was certainly there before another one that was certainly there at the start is over.
            let newest = changes.lazy.filter { $0.isCertain && $0.ended < start }.map(\.invoked).max() ?? -1
            return Set(changes.lazy.filter { $0.invoked < end && $0.ended >= newest }.map(\.value))
        }
    }
}
