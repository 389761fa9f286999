import StintCore

/// The commands that kick jobs.
extension Broker {
    func kick(_ job: JobID) async throws -> Reply {
        guard let record = try await record(of: job) else { return .notFound }
        let isKicked: Bool
        switch record.state {
        case .buried: isKicked = try await change(job, .kick, in: [.buried])
        case .delayed where !Self.isDue(record): isKicked = try await change(job, .runNow, in: [.delayed])
        case .delayed, .ready, .leased, .done, .cancelled, .expired: isKicked = false
        }
        guard isKicked else { return .notFound }
        notes.change(job) { $0.kicks += 1 }
        poke([record.queue], .claim)
        return .kickedJob
    }

    func kick(_ bound: UInt32, of tube: UsedTube) async throws -> Reply {
        try await promote(in: tube.queue)
        var kicked = try await change(tube, .buried, .kick, limit: Int(bound))
        if kicked.isEmpty { kicked = try await change(tube, .delayed, .runNow, limit: Int(bound)) }
        for job in kicked { notes.change(job) { $0.kicks += 1 } }
        if !kicked.isEmpty { poke([tube.queue], .claim) }
        return .kicked(kicked.count)
    }

    private func change(
        _ tube: UsedTube, _ state: JobState, _ change: JobChange, limit: Int
    ) async throws -> [JobID] {
        var changed: [JobID] = []
        var cursor: SelectionCursor?
        while changed.count < limit {
            let selection = JobSelection(tube.query(state))
            let step = try await store.change(selection, change, from: cursor, limit: min(1_000, limit - changed.count))
            changed += step.jobs
            guard let next = step.next else { break }
            cursor = next
        }
        return changed
    }

    /// Changes a job if it is in one of these states.
    func change(_ job: JobID, _ change: JobChange, in states: Set<JobState>) async throws -> Bool {
        var selection = JobSelection(JobQuery(terms: [JobQuery.Term(.id(job))]))
        selection.states = states
        return try await store.change(selection, change, from: nil, limit: 1).jobs == [job]
    }
}
