/// Decides whether a history, and the database that it ends with, keep what Stint promises.
///
///     let violations = HistoryChecker(try HistoryLog.read(path), finalState).violations()
///
/// It knows no store: only what processes were told. It says no more than what follows from that, so a violation is one.
package struct HistoryChecker {
    let history: History
    let final: FinalState

    package init(_ events: [Event], _ final: FinalState) {
        history = History(events)
        self.final = final
    }

    package func violations() -> [Violation] { [] }
}

/// A promise that was broken, and how.
package struct Violation: Sendable, CustomStringConvertible {
    package let rule: Rule
    package let description: String

    package init(_ rule: Rule, _ description: String) {
        self.rule = rule
        self.description = "\(rule.rawValue): \(description)"
    }
}

package enum Rule: String, Sendable, CaseIterable {
    case lostJob = "a job whose enqueue returned must be there, in one state, and done or buried after a drain"
    case unknownJob = "every job was enqueued by somebody"
    case phantomJob = "an enqueue that failed leaves nothing"
    case doubledJob = "one enqueue makes one job"
    case doneUnrun = "a done job has had a handler that finished"
    case tokenReused = "a token belongs to one claim"
    case tokenFell = "the tokens of a job grow"
    case twoLeases = "a job has one live lease at most"
    case staleWord = "only the current token changes anything"
    case ranAfterDone = "an acknowledged job never runs again"
    case tooManyAttempts = "attempts never exceed their maximum"
    case attemptNotCounted = "a run that failed or killed its process alone uses up an attempt"
    case buriedUnexhausted = "a buried job has no attempts or crashes left, or somebody said so"
    case takenFromLiving = "only what has died has its jobs taken back at once"
    case busyTooEarly = "nobody is told that the database is busy before its busy timeout is over"
    case keyTwice = "of the jobs with one unique key one at most is not done"
    case disorder = "a history has an outcome for what was invoked, once"
}
