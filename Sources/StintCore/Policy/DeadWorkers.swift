/// Workers that are provably dead and whose end was not observed, for stores that can prove a death; see ``Liveness``.
public enum DeadWorkers {
    /// Workers that ended together: those of one supervisor, or of one process.
    public struct Group: Sendable {
        public let workers: [WorkerID]
        public let end: WorkerEnd
    }

    /// What a worker ended together with.
    private enum EndedWith: Hashable {
        case supervisor(String)
        case process(WorkerProcess)
    }

    /// A worker is left to its supervisor as long as that lives: only the supervisor knows how its worker ended.
    public static func groups(_ workers: [WorkerRecord]) -> [Group] {
        let dead = workers.filter { $0.liveness == .dead }
        let groups = Dictionary(grouping: dead) {
            $0.registration.supervisorSign.map(EndedWith.supervisor) ?? .process($0.registration.process)
        }
        return groups.values.sorted { $0[0].id.rawValue < $1[0].id.rawValue }.compactMap { workers in
            WorkerEnd(ofUnseen: workers).map { Group(workers: workers.map(\.id), end: $0) }
        }
    }
}

extension WorkerEnd {
    /// How dead workers ended, if that was not observed; `nil` if their supervisor lives, which will reclaim their
    /// jobs.
    init?(ofUnseen workers: [WorkerRecord]) {
        guard let first = workers.first, let ending = CrashAttribution.Ending(ofUnseen: first, with: workers) else {
            return nil
        }
        switch ending {
        case .leaseRanOut: return nil
        case .stoppedByOrder: self = .stopped
        case .diedWithOthers: self = first.supervisorLiveness == nil ? .diedWithMachine : .diedWithSupervisor
        case .diedByItself: self = .died("died; how is not known", nil)
        }
    }
}

extension JobStore {
    /// `reclaimDead()` of a store that can prove deaths: reclaims the jobs of each group.
    ///
    /// - Parameter workers: All of them, or at least all that are dead.
    public func reclaimDead(among workers: [WorkerRecord]) async throws -> ReapReport {
        var total = ReapReport()
        for group in DeadWorkers.groups(workers) {
            total += try await reclaim(from: group.workers, group.end)
        }
        return total
    }
}
