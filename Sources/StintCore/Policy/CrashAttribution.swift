/// What the end of a worker costs each job that it held: the rules as a function of values, with no store and no clock.
///
/// | how the worker ended | not started | started alone | beside others, or not known |
/// |---|---|---|---|
/// | died by itself | free | blamed | suspect |
/// | stopped by order | free | free | free |
/// | died with its supervisor or machine | free | lost | lost |
/// | lease ran out, no death proved | free | lost | lost |
///
/// *Free*: ready again, nothing counts. *Blamed*: the attempt and a crash count. *Suspect*: nothing counts yet, and it runs
/// alone next. *Lost*: nothing counts, the attempt is kept in the job's story; see ``afterLoss(_:earlierLosses:)``.
package enum CrashAttribution {
    package enum Ending: Sendable, Hashable, CaseIterable {
        /// The process is provably dead, it died alone of its supervisor and machine, and nobody had ordered it to stop.
        case diedByItself
        /// Somebody had ordered it to stop: a person, a signal, its supervisor.
        case stoppedByOrder
        /// Its supervisor is dead too, or it is of another boot: a container that was killed, a machine that went down.
        case diedWithOthers
        /// Its lease ran out and no death is proved: it hangs, was frozen, or could not reach the store.
        case leaseRanOut
    }

    package enum Start: Sendable, Hashable, CaseIterable {
        /// Claimed, and no handler had started.
        case notStarted
        /// The only job that had been started in the processes that ended; or a suspect, which runs alone in its process.
        case alone
        /// Others had been started beside it.
        case besideOthers
        /// Nobody knows what had been started, and the worker held more than this job.
        case notKnown
    }

    package enum Blame: Sendable, Hashable {
        case free, suspect, culprit, lost
    }

    package static func blame(_ ending: Ending, _ start: Start) -> Blame {
        switch (ending, start) {
        case (.stoppedByOrder, _), (_, .notStarted): .free
        case (.diedByItself, .alone): .culprit
        case (.diedByItself, .besideOthers), (.diedByItself, .notKnown): .suspect
        case (.diedWithOthers, _), (.leaseRanOut, _): .lost
        }
    }

    // MARK: - Losses

    package struct AfterLoss: Sendable, Hashable {
        /// Whether it runs alone next.
        package var isSuspect: Bool
        package var delay: Duration
    }

    /// The longest wait of a job that is lost again and again.
    package static let longestDelay: Duration = .seconds(3_600)

    /// A job that is lost once is ready at once. One that is lost again and again may be the cause (it uses up all memory of
    /// its container), and nobody can prove it: it is never blamed, but it runs alone, and less and less often.
    ///
    /// - Parameter earlierLosses: How many came before this one without another outcome between.
    package static func afterLoss(_ ending: Ending, earlierLosses: Int) -> AfterLoss {
        let delay: Duration = earlierLosses == 0 ? .zero : .seconds(1) * (1 << min(earlierLosses - 1, 12))
        return AfterLoss(
            isSuspect: ending == .leaseRanOut || earlierLosses > 0, delay: min(delay, longestDelay))
    }
}

extension CrashAttribution.Ending {
    /// Of a worker whose end nobody saw, as its record tells it; `nil`: its supervisor lives and will see to its jobs.
    ///
    /// That it died by itself is only proved to one who looks from the same boot and the same pid namespace: their being
    /// there says that the machine and the container live on.
    ///
    /// - Parameters:
    ///   - boot: Of whoever looks.
    ///   - namespaces: The same.
    package init?(
        ofUnseen worker: WorkerRecord, boot: String, namespaces: String = ProcessIdentity.current.namespaces
    ) {
        switch (worker.liveness, worker.supervisorLiveness) {
        case (.alive, _), (.unknown, _): self = .leaseRanOut
        case (.dead, .alive?), (.dead, .unknown?): return nil
        case (.dead, _) where worker.isToldToStop: self = .stoppedByOrder
        case (.dead, .dead?): self = .diedWithOthers
        case (.dead, nil):
            let process = worker.registration.process
            // A hidden boot id may be that of another boot, and so with namespaces.
            let isHidden = boot == "unknown" || ProcessIdentity.hasNamespaces && !namespaces.contains("pid:")
            let isSame = process.boot == boot && process.namespaces == namespaces
            self = isSame && !isHidden ? .diedByItself : .diedWithOthers
        }
    }
}
