/// What is stored about an attempt whose worker is gone: the failure's kind, its text, and the diagnostics.
public struct LostAttempt: Sendable {
    public var kind: JobFailure.Kind
    /// How the worker ended, for people.
    public var error: String
    public var diagnostics: AttemptDiagnostics?

    /// For a worker whose end was reported.
    ///
    /// - Parameter isBlamed: Whether the ending is ``CrashAttribution/Ending/diedByItself``.
    public init(_ end: WorkerEnd, of worker: WorkerRecord, isBlamed: Bool) {
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
    public init(_ ending: CrashAttribution.Ending, ofWorker worker: String) {
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

    /// The same as ``Transition/after(_:_:_:_:earlierLosses:maxAttempts:)`` takes it.
    public var failure: Transition.Failure { Transition.Failure(kind: kind, error: error) }

    /// The same with the run time of the job, if it had been started and that is known.
    public func ran(_ job: StartedJob?) -> LostAttempt {
        guard let runTime = job?.runTime else { return self }
        var copy = self
        copy.diagnostics = diagnostics ?? AttemptDiagnostics()
        copy.diagnostics?.runTimeMilliseconds = max(0, runTime.milliseconds)
        return copy
    }
}
