/// What is known about the jobs of workers whose leases end together.
public struct CrashEvidence: Sendable {
    public var ending: CrashAttribution.Ending
    /// The processes of these workers, each with the jobs that it had started; `nil` if these are unknown.
    public var processes: [WorkerProcess: [StartedJob]?]

    public init(_ ending: CrashAttribution.Ending, of workers: [WorkerRecord] = []) {
        self.ending = ending
        processes = [:]
        for worker in workers {
            let process = worker.registration.process
            switch (processes[process] ?? .some([]), worker.started) {
            case (let known?, let more?): processes[process] = .some(known + more)
            case (nil, _), (_, nil): processes.updateValue(nil, forKey: process)
            }
        }
    }

    /// What is known if a lease ran out and the end of its holder was not observed.
    ///
    /// - Parameters:
    ///   - holder: `nil` if it is not registered any more.
    ///   - workers: All workers, or at least those of its process.
    public init(ofExpiredLeaseOf holder: WorkerRecord?, among workers: [WorkerRecord]) {
        guard let holder else {
            self.init(.leaseRanOut)
            return
        }
        // Containers can have the same process ids: a worker that is provably alive has not ended with the holder.
        let others = workers.filter {
            $0.registration.process == holder.registration.process && $0.liveness != .alive && $0.id != holder.id
        }
        self.init(
            CrashAttribution.Ending(ofUnseen: holder, with: others) ?? .leaseRanOut, of: [holder] + others)
    }

    /// The number of started jobs in all processes; `nil` if it is unknown for one of them.
    private var startedCount: Int? {
        processes.values.reduce(0 as Int?) { total, started in
            guard let total, let started else { return nil }
            return total + started.count
        }
    }

    /// What is known of the start of one of their jobs.
    ///
    /// - Parameter process: That of the job's holder; `nil` if it is not known.
    /// - Returns: What is known, and the job as its worker has recorded it; `nil` if it has not.
    public func start(
        of lease: Lease, isSuspect: Bool, in process: WorkerProcess?
    ) -> (start: CrashAttribution.Start, job: StartedJob?) {
        // Even the only job of a worker may be one that it had not started.
        guard let started = process.flatMap({ processes[$0] ?? nil }) else { return (.notKnown, nil) }
        guard let mine = started.first(where: { $0.lease == lease }) else { return (.notStarted, nil) }
        // A suspect runs alone in its process.
        let isAlone = startedCount == 1 || isSuspect && started.count == 1
        return (isAlone ? .alone : .besideOthers, mine)
    }
}
