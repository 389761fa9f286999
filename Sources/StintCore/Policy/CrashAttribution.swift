/// What the end of a worker costs each job that it held. Pure functions, without a store or a clock.
///
/// | how the worker ended | not started | started alone | beside others | not known |
/// |---|---|---|---|---|
/// | died by itself | free | blamed | suspect | suspect; lost if it was one |
/// | stopped by order | free | free | free | free |
/// | died with its supervisor or machine | free | lost | lost | lost |
/// | lease ran out, no death proved | free | lost | lost | lost |
///
/// *Free*: ready again, nothing counts. *Blamed*: the attempt and a crash count. *Suspect*: nothing counts yet, and it
/// runs alone next. *Lost*: nothing counts, the attempt is kept in the job's history; see
/// ``afterLoss(_:earlierLosses:)``.
public enum CrashAttribution {
    public enum Ending: Sendable, Hashable, CaseIterable {
        /// The process is provably dead, its supervisor and machine are not, and it had no order to stop.
        case diedByItself
        /// A person, a signal or its supervisor had ordered it to stop.
        case stoppedByOrder
        /// Its supervisor is dead too, or it is not known that its host goes on: a container was killed, or a machine
        /// went down.
        case diedWithOthers
        /// Its lease ran out without proof that it died: it hangs, was frozen, or could not reach the store.
        case leaseRanOut
    }

    public enum Start: Sendable, Hashable, CaseIterable {
        /// It was claimed, but no handler had started.
        case notStarted
        /// The only job that had been started in the processes that ended; or a suspect, which runs alone in its
        /// process.
        case alone
        /// Other jobs had been started beside it.
        case besideOthers
        /// It is unknown what had been started, so perhaps nothing had, and the job has nothing to do with the end.
        case notKnown
    }

    /// What the end costs a job; see the table above.
    public enum Blame: Sendable, Hashable {
        case free, suspect, culprit, lost
    }

    /// The table above.
    ///
    /// - Parameter isSuspect: Whether the job was a suspect before.
    public static func blame(_ ending: Ending, _ start: Start, isSuspect: Bool) -> Blame {
        switch (ending, start) {
        case (.stoppedByOrder, _), (_, .notStarted): .free
        case (.diedByItself, .alone): .culprit
        case (.diedByItself, .besideOthers): .suspect
        // It may kill one worker after the other, and nothing would prove it: it comes back after growing delays.
        case (.diedByItself, .notKnown): isSuspect ? .lost : .suspect
        case (.diedWithOthers, _), (.leaseRanOut, _): .lost
        }
    }

    // MARK: - Losses

    public struct AfterLoss: Sendable, Hashable {
        /// Whether it runs alone next.
        public var isSuspect: Bool
        public var delay: Duration
    }

    /// A job that is lost once is ready at once. One that is lost again and again may be the cause, for example if it
    /// uses up all memory of its container. That cannot be proved, so it is never blamed, but it runs alone and after
    /// growing delays.
    ///
    /// - Parameter earlierLosses: How many losses came directly before this one, without another outcome between.
    public static func afterLoss(_ ending: Ending, earlierLosses: Int) -> AfterLoss {
        AfterLoss(
            isSuspect: ending == .leaseRanOut || earlierLosses > 0,
            delay: Backoff.afterLoss.delay(after: earlierLosses))
    }

    /// How often a job was lost most recently, without another outcome between.
    ///
    /// - Parameter newestFirst: Its attempts that did not succeed. Only as many as a store keeps need be given.
    public static func lossesInARow(_ newestFirst: some Sequence<JobFailure.Kind>) -> Int {
        newestFirst.prefix { $0 == .expired || $0 == .lost }.reduce(0) { count, _ in count + 1 }
    }
}

extension CrashAttribution.Ending {
    /// Derives from its record how a worker ended, if its end was not observed; `nil` if its supervisor lives, which
    /// will reclaim its jobs.
    ///
    /// That it died by itself is proved only if its host goes on.
    ///
    /// - Parameter others: Workers that ended together with it, as those of its process did. An order to one of them was
    ///   an order to all: the services of a process are told to stop one after the other.
    public init?(ofUnseen worker: WorkerRecord, with others: [WorkerRecord] = []) {
        let hasOrderToStop = worker.hasOrderToStop || others.contains(where: \.hasOrderToStop)
        switch (worker.liveness, worker.supervisorLiveness) {
        case (.alive, _), (.unknown, _): self = .leaseRanOut
        case (.dead, .alive?), (.dead, .unknown?): return nil
        case (.dead, _) where hasOrderToStop: self = .stoppedByOrder
        case (.dead, .dead?): self = .diedWithOthers
        case (.dead, nil): self = worker.hostLiveness == .alive ? .diedByItself : .diedWithOthers
        }
    }

    /// How workers ended, from a report of their end.
    public init(_ end: WorkerEnd, of workers: [WorkerRecord]) {
        switch end {
        case .stopped: self = .stoppedByOrder
        case .diedWithSupervisor, .diedWithMachine: self = .diedWithOthers
        // The order did not come from the process that reports the end.
        case .died where workers.contains(where: \.hasOrderToStop): self = .stoppedByOrder
        // An observer that has outlived the host cannot have seen how a process on it ended.
        case .died: self = workers.contains { $0.hostLiveness == .dead } ? .diedWithOthers : .diedByItself
        }
    }
}
