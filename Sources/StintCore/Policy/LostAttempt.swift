/// What is stored about an attempt whose worker is gone: the failure's kind, its text, and the diagnostics.
package struct LostAttempt: Sendable {
    package var kind: JobFailure.Kind
    package var error: String
    package var diagnostics: AttemptDiagnostics?

    /// For a worker whose end was reported.
    package init(_ end: WorkerEnd, of worker: WorkerRecord, isBlamed: Bool) {
        let name = "worker \(worker.registration.name)"
        switch end {
        case .died(let how, let diagnostics):
            kind = isBlamed ? .crashed : .lost
            error = "\(name) \(how)"
            self.diagnostics = diagnostics
        case .diedWithSupervisor: (kind, error) = (.lost, "\(name) died, and so did its supervisor")
        case .diedWithMachine:
            (kind, error) = (.lost, "\(name) died, and perhaps its machine or its container with it")
        case .stopped: (kind, error) = (.lost, "\(name) was stopped")
        }
    }

    /// For a lease that ended without a report.
    package init(_ ending: CrashAttribution.Ending, ofWorker worker: String) {
        let name = "worker \(worker)"
        switch ending {
        case .diedByItself: (kind, error) = (.crashed, "\(name) died; how is not known")
        case .diedWithOthers, .stoppedByOrder:
            (kind, error) = (.lost, "\(name) died, and perhaps its machine or its container with it")
        case .leaseRanOut:
            (kind, error) = (
                .expired, "the lease of \(name) ran out: the worker hangs, was stopped or cut off, or died unseen"
            )
        }
    }

    package var failure: Transition.Failure { Transition.Failure(kind: kind, error: error) }

    /// - Parameter now: Read from the same clock as the job's start.
    package func ran(_ job: StartedJob?, until now: ClockReading) -> LostAttempt {
        guard let job else { return self }
        // A damaged scoreboard can make the difference overflow.
        let (ranFor, overflow) = now.monotonic.subtractingReportingOverflow(job.startedAt)
        guard !overflow else { return self }
        var copy = self
        copy.diagnostics = diagnostics ?? AttemptDiagnostics()
        copy.diagnostics?.runTimeMilliseconds = max(0, ranFor)
        return copy
    }
}

extension CrashAttribution.Ending {
    /// How workers ended, from a report of their end.
    package init(_ end: WorkerEnd, of workers: [WorkerRecord], boot: String) {
        switch end {
        case .stopped: self = .stoppedByOrder
        case .diedWithSupervisor, .diedWithMachine: self = .diedWithOthers
        // The order did not come from the process that reports the end.
        case .died where workers.contains(where: \.hasOrderToStop): self = .stoppedByOrder
        // No observer of another boot can have seen how a process ended.
        case .died:
            self = workers.contains { $0.registration.process.boot != boot } ? .diedWithOthers : .diedByItself
        }
    }
}

extension [JobFailure.Kind] {
    /// How often the job was lost most recently, without another outcome between. The array is newest first.
    package var lossesInARow: Int { prefix { $0 == .expired || $0 == .lost }.count }
}
