/// Workers that are provably dead and whose end nobody saw, for stores that can prove a death on their own machine.
package enum DeadWorkers {
    /// What has ended together: a supervisor's workers, or those of one process.
    package struct Group: Sendable {
        package let workers: [WorkerID]
        package let end: WorkerEnd
    }

    /// What a worker has ended with.
    private enum EndedWith: Hashable {
        case supervisor(String)
        case process(ProcessIdentity)
    }

    /// One that has a supervisor is left to it as long as that lives: only the supervisor knows how its worker ended.
    ///
    /// - Parameter boot: Of whoever looks.
    package static func groups(_ workers: [WorkerRecord], boot: String) -> [Group] {
        let dead = workers.filter { $0.liveness == .dead }
        let groups = Dictionary(grouping: dead) {
            $0.registration.supervisorSign.map(EndedWith.supervisor) ?? .process($0.registration.process)
        }
        return groups.values.sorted { $0[0].id.rawValue < $1[0].id.rawValue }.compactMap { workers in
            WorkerEnd(ofUnseen: workers, boot: boot).map { Group(workers: workers.map(\.id), end: $0) }
        }
    }
}

extension WorkerEnd {
    /// Of workers that are dead, and whose end nobody saw; `nil`: their supervisor lives, and will see to their jobs.
    init?(ofUnseen workers: [WorkerRecord], boot: String) {
        // They ended together: an order to one of them was an order to all.
        guard let first = workers.first(where: \.isToldToStop) ?? workers.first,
            let ending = CrashAttribution.Ending(ofUnseen: first, boot: boot)
        else { return nil }
        switch ending {
        case .leaseRanOut: return nil
        case .stoppedByOrder: self = .stopped
        case .diedWithOthers: self = first.supervisorLiveness == nil ? .diedWithMachine : .diedWithSupervisor
        case .diedByItself: self = .died("died, and nobody saw how", nil)
        }
    }
}
