/// Decides whether a history, and the database that it ends with, keep Stint's promises.
///
///     let violations = HistoryChecker(try HistoryLog.read(path), finalState).violations()
///
/// It does not know the store, only how calls were answered. It reports no more than what follows from that, so each
/// violation is a real one.
package struct HistoryChecker {
    package let history: History
    let final: FinalState
    /// The enqueues with idempotency keys.
    private(set) var tries: [String: [Try]] = [:]
    /// See ``lateReleases(in:)``.
    let lateReleases: [String: Int]
    let busyTimeout: Duration?
    /// In milliseconds.
    let firstWord: Int64

    /// - Parameters:
    ///   - busyTimeout: That of the store; `nil` if no caller waits by a clock that the history knows.
    ///   - firstWord: How long a handler may take from its start, as its worker notes it, to its first word in the history.
    package init(
        _ events: [Event], _ final: FinalState, busyTimeout: Duration? = nil, firstWord: Duration = .seconds(1)
    ) {
        history = History(events)
        lateReleases = Self.lateReleases(in: history)
        self.final = final
        self.busyTimeout = busyTimeout
        self.firstWord = Int64(firstWord / .milliseconds(1))
        tries = findTries()
    }

    /// Empty if all is well; in the order of the rules.
    package func violations() -> [Violation] {
        var found = history.disorders.map { Violation(.disorder, $0) }
        found += jobViolations() + keyViolations() + idempotencyViolations() + digestViolations()
        found += leaseViolations() + reclaimViolations()
        found += cancelViolations() + expiryViolations()
        found += scheduleViolations()
        found += attemptViolations() + busyViolations()
        found += limitViolations()
        found += activityViolations()
        return found
    }

    /// How many jobs each process has enqueued or started.
    package var shares: [String: Int] {
        history.enqueues.reduce(into: history.runs.mapValues(\.count)) { $0[$1.made.process, default: 0] += 1 }
    }

    /// How many workers wrote through their supervisors.
    package var supervisedWriters: Int { history.supervisedWriters.count }

    /// The longest time that a caller waited for an answer.
    package var longestCall: Duration {
        .nanoseconds(history.made.filter { $0.ended != .max }.map(\.duration).max() ?? 0)
    }

    /// One line, for reports.
    package var summary: String {
        let states = final.jobs.reduce(into: [:]) { $0[$1.states.first ?? "none", default: 0] += 1 }
        let runs = history.jobHistories.values.map(\.runs.count)
        let lost = history.jobHistories.values.reduce(0) { $0 + $1.settled.count { $0.answer == .leaseLost } }
        let unknown = history.enqueues.count { $0.made.outcome == .unknown }
        return """
            \(history.enqueues.count) jobs enqueued (\(unknown) with an unknown outcome): \
            \(states["done"] ?? 0) done, \(states["buried"] ?? 0) buried, \(states["cancelled"] ?? 0) cancelled, \
            \(states["expired"] ?? 0) expired; \(runs.reduce(0, +)) runs, \
            \(runs.reduce(0) { $0 + max(0, $1 - 1) }) of them again; \(history.reaps.count) reaps, \
            \(history.reclaims.count) times jobs taken back from the dead, \(lost) late words refused; \
            \(history.registrations.count) workers, \(history.supervisedWriters.count) of them through their supervisors
            """
    }
}

/// A promise that was broken, and how.
package struct Violation: Sendable, CustomStringConvertible {
    package let rule: Rule
    package let description: String

    init(_ rule: Rule, _ description: String) {
        self.rule = rule
        self.description = "\(rule.rawValue): \(description)"
    }
}

package enum Rule: String, Sendable, CaseIterable {
    case disorder = "a history has one outcome for what was invoked"
    case lostJob = "a job whose enqueue returned is there, in one state, and over or buried after a drain"
    case unknownJob = "every job was enqueued"
    case phantomJob = "an enqueue that failed, or was answered with another job, leaves nothing"
    case doubledJob = "one enqueue makes one job, and its id is new"
    case doneUnrun = "a done job has had a handler that finished"
    case keyTwice = "of the jobs with one unique key one at most is not done"
    case swallowed = "an enqueue returns another job only if that has its key and is not done"
    case repeatedTwice = "within a day one enqueue of an idempotency key adds something, and all return its job"
    case repeatUnexplained = "an enqueue returns another's job only if that had its key, and a day is not over"
    case eventUnread = "the acknowledged run of a digest was given all of its events"
    case eventOrder = "the events of a digest are in the order of their enqueues"
    case tokenReused = "a token belongs to one claim, and starts a handler once a job"
    case tokenFell = "the tokens of a job grow"
    case twoLeases = "a job has one live lease at most: a second claim, or run, is explained by the end of the first"
    case staleWord = "only the current token changes anything"
    case ranAfterDone = "an acknowledged job never runs again"
    case ranUnclaimed = "a handler runs under a claim that returned to its process"
    case takenFromLiving = "only a dead process has its jobs reclaimed at once"
    case ranAfterCancel = "no handler of a job starts once a cancel of it has returned"
    case cancelLost = "a job is cancelled in the end if and only if a cancel was called"
    case ranExpired = "no job is claimed or started once its time is over"
    case expiredUnasked = "only a job that has an expiry expires"
    case tickTwice = "a tick of a schedule makes one job at most"
    case tickUnnoted = "a tick and its job are one transaction: no note is without a job, and no job without a note"
    case tickMissed = "each tick of a schedule that makes up for all of them makes a job"
    case tickUntimely = "a tick makes its job when it is due, and of missed ones comes what the schedule says"
    case tooManyAttempts = "attempts never exceed their maximum"
    case attemptNotCounted = "a run that failed, or killed its process alone, uses up an attempt"
    case paidForNothing = "an attempt is used up by a start of a handler, and by nothing else"
    case blamedInnocent = "a job is blamed only for the death of a process in which it was running"
    case buriedUnexhausted = "a buried job has no attempts or crashes left, or a call buried it"
    case tooManyRunning = "no claim leases more jobs of a queue, or of a group, than its limit"
    case rateExceeded = "in no window of a rate's length more jobs are claimed than it allows"
    case groupOrder = "in a strict order no job of a group is claimed before an earlier one that waits"
    case unfairTurn = "a group with a ready job has its turn within two rounds"
    case brokenGroup = "no reap finds a group that has lost its place in the line"
    case miscounted = "all that happens is counted by time, and nothing twice"
    case busyTooEarly = "no call fails with 'busy' before its busy timeout is over"
}
