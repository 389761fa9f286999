/// What is known about the jobs of workers whose leases end together.
package struct CrashEvidence: Sendable {
    package var ending: CrashAttribution.Ending
    /// The processes of these workers, each with the jobs that it had started; `nil` if these are unknown.
    package var processes: [ProcessIdentity: [StartedJob]?]
    /// Whether the workers held only one job; used if started jobs are unknown.
    package var heldOne: Bool

    package init(
        _ ending: CrashAttribution.Ending, of workers: [WorkerRecord] = [], heldOne: Bool = false
    ) {
        self.ending = ending
        self.heldOne = heldOne
        processes = [:]
        for worker in workers {
            let process = worker.registration.process
            switch (processes[process] ?? .some([]), worker.started) {
            case (let known?, let more?): processes[process] = .some(known + more)
            case (nil, _), (_, nil): processes.updateValue(nil, forKey: process)
            }
        }
    }

    /// The number of started jobs in all processes; `nil` if it is unknown for one of them.
    private var startedCount: Int? {
        processes.values.reduce(0 as Int?) { total, started in
            guard let total, let started else { return nil }
            return total + started.count
        }
    }

    package func start(
        of lease: Lease, isSuspect: Bool, in process: ProcessIdentity
    ) -> (start: CrashAttribution.Start, job: StartedJob?) {
        // If started jobs are unknown, a suspect counts as started alone: it was claimed alone, and is given back if
        // others run.
        guard let started = processes[process] ?? nil else {
            return (isSuspect || heldOne ? .alone : .notKnown, nil)
        }
        guard let mine = started.first(where: { $0.lease == lease }) else { return (.notStarted, nil) }
        // A suspect runs alone in its process.
        let isAlone = startedCount == 1 || isSuspect && started.count == 1
        return (isAlone ? .alone : .besideOthers, mine)
    }
}
