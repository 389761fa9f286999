/// Enqueues that are repeated with an idempotency key, since their outcome was not known.
extension HistoryChecker {
    /// How long a queue knows a key, in milliseconds: a day.
    static let idempotencyPeriod: Int64 = 86_400_000

    /// An enqueue with a key, and what can be known of it from its answer and from what is there in the end.
    struct Try {
        let enqueue: History.Enqueue
        let wall: Int64
        /// The job with its payload.
        let present: Int64?
        /// Whether it may have added what is not there any more, although it was answered with another's job: a store may
        /// repeat an enqueue with a key by itself, and finds what it has added.
        var mayBeGone = false

        /// The job that its key stands for.
        var job: Int64? { enqueue.answer?.job ?? present }
        var hasAdded: Bool { present != nil || enqueue.answer?.isDuplicate == false }
        /// Whether its key may count from its time on. One that has found another's job by its key does not renew that.
        var mayHaveSetKey: Bool {
            enqueue.answer?.isDuplicate != true || enqueue.job.uniqueKey != nil || hasAdded || mayBeGone
        }
        var made: History.Made { enqueue.made }
    }

    /// By key and queue, in the order of their calls; without those that were refused.
    func findTries() -> [String: [Try]] {
        let present = Dictionary(
            final.jobs.flatMap { job in job.references.map { ($0, job.id) } }, uniquingKeysWith: { first, _ in first })
        return history.enqueues.reduce(into: [:]) { tries, enqueue in
            guard let wall = enqueue.job.idempotency?.wall, enqueue.made.mayHaveHappened else { return }
            var new = Try(enqueue: enqueue, wall: wall, present: present[enqueue.job.reference])
            new.mayBeGone = new.present == nil && mayBeGone(enqueue)
            tries[Self.name(of: enqueue.job), default: []].append(new)
        }
    }

    private func mayBeGone(_ enqueue: History.Enqueue) -> Bool {
        guard let answer = enqueue.answer, answer.isDuplicate else { return false }
        return history.jobHistories[answer.job]?.deletes.contains(where: \.mayHaveHappened) == true
            || wasReplaced(enqueue) || history.mayBeUndone(enqueue.made)
    }

    private static func name(of job: Call.NewJob) -> String { "\(job.idempotency?.key ?? "none") in \(job.queue)" }

    func idempotencyViolations() -> [Violation] {
        var found: [Violation] = []
        for (key, tries) in tries.sorted(by: { $0.key < $1.key }) {
            for (index, second) in tries.enumerated() {
                for first in tries[..<index] where !mayBeForgotten(first, second) {
                    let bothHaveAdded = first.hasAdded && second.hasAdded
                    guard let jobs = bothOf(first.job, second.job), bothHaveAdded || jobs.0 != jobs.1 else { continue }
                    let names = [(first, jobs.0), (second, jobs.1)].map { "\($0.enqueue.job.reference), job \($1)" }
                    let verb = bothHaveAdded ? "have both added something" : "were not answered alike"
                    found.append(Violation(.repeatedTwice, "\(key): \(names[0]), and \(names[1]), \(verb)"))
                }
            }
        }
        let present = Set(final.jobs.map(\.id))
        return found + history.enqueues.flatMap { duplicateViolations($0, present) }
    }

    private func bothOf(_ first: Int64?, _ second: Int64?) -> (Int64, Int64)? {
        guard let first, let second else { return nil }
        return (first, second)
    }

    /// Whether the queue may have forgotten one when the other came.
    private func mayBeForgotten(_ first: Try, _ second: Try) -> Bool {
        history.mayBeUndone(first.made) || history.mayBeUndone(second.made)
            || clockSpan(first, second) >= Self.idempotencyPeriod
    }

    /// How far the wall clock may have moved, forth or back, from the call of the first to the end of both, in milliseconds.
    private func clockSpan(_ first: Try, _ second: Try) -> Int64 {
        func milliseconds(_ line: Int) -> Int64 { history.times[line] / 1_000_000 }
        let end = min(
            max(latestEnd(of: first.made), latestEnd(of: second.made)), milliseconds(history.times.count - 1))
        var (time, wall) = (milliseconds(first.made.invoked), first.wall)
        var (lowest, highest) = (wall, wall)
        for setting in history.clockSettings where setting.line > first.made.invoked {
            guard milliseconds(setting.line) <= end else { break }
            guard let shown = setting.wall else { return .max }
            highest = max(highest, wall + milliseconds(setting.line) - time + 1, shown)
            lowest = min(lowest, shown)
            (time, wall) = (milliseconds(setting.line), shown)
        }
        return max(highest, wall + end - time + 1) - lowest
    }

    /// In milliseconds of the history's clock.
    private func latestEnd(of made: History.Made) -> Int64 {
        (history.times[made.invoked] / 1_000_000).saturatingSum(history.longest(made))
    }

    // MARK: - Answers with another's job

    /// - Parameter present: All jobs that are there in the end.
    private func duplicateViolations(_ enqueue: History.Enqueue, _ present: Set<Int64>) -> [Violation] {
        guard let answer = enqueue.answer, answer.isDuplicate else { return [] }
        let reference = enqueue.job.reference
        // A unique key may be held by that job, unless the enqueue replaces or collects; see ``keyViolations()``.
        let mayBeHeld = enqueue.job.uniqueKey != nil && enqueue.job.conflict == nil
        if !mayBeHeld, !isExplainedByRepeat(enqueue) {
            return [Violation(.repeatUnexplained, "\(reference) was answered with job \(answer.job)")]
        }
        guard enqueue.job.idempotency != nil, !present.contains(answer.job),
            history.jobHistories[answer.job]?.deletes.contains(where: \.mayHaveHappened) != true,
            !history.mayBeUndone(enqueue.made), !history.undoneJobs.contains(answer.job)
        else { return [] }
        return [Violation(.lostJob, "\(reference) was answered with job \(answer.job), which is not there")]
    }

    /// Whether a duplicate may have been answered with the job of its idempotency key.
    func isExplainedByRepeat(_ enqueue: History.Enqueue) -> Bool {
        guard let wall = enqueue.job.idempotency?.wall, let job = enqueue.answer?.job else { return false }
        return tries[Self.name(of: enqueue.job), default: []].contains { other in
            // A store may have repeated it by itself.
            if other.enqueue.job.reference == enqueue.job.reference { return other.present == job || other.mayBeGone }
            return other.made.invoked < enqueue.made.ended && (other.job ?? job) == job && other.mayHaveSetKey
                && !isDayOver(from: other, to: wall, enqueue.made)
        }
    }

    /// Whether a day was surely over, by the clock that the store has read in both calls.
    private func isDayOver(from earlier: Try, to wall: Int64, _ made: History.Made) -> Bool {
        let latest = earlier.wall.saturatingSum(history.longest(earlier.made))
        guard latest < .max, wall - latest >= Self.idempotencyPeriod else { return false }
        return !isClockSet(during: earlier.made) && !isClockSet(during: made)
    }

    private func isClockSet(during made: History.Made) -> Bool {
        history.clockSettings.contains { setting in
            guard setting.line > made.invoked else { return false }
            if made.ended < .max { return setting.line < made.ended }
            return history.times[setting.line] / 1_000_000 <= latestEnd(of: made)
        }
    }
}
