import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The commands that look at jobs, and kick them.
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

    /// A job that is in the queue; `nil` if it does not exist, or is over.
    func record(of job: JobID) async throws -> JobRecord? {
        let query = JobQuery(terms: [JobQuery.Term(.id(job))])
        let page = try await store.page(JobFilter(query, limit: 1), after: nil)
        return page.jobs.first.flatMap { $0.state.isOver ? nil : $0 }
    }

    /// Changes a job if it is in one of these states.
    func change(_ job: JobID, _ change: JobChange, in states: Set<JobState>) async throws -> Bool {
        var selection = JobSelection(JobQuery(terms: [JobQuery.Term(.id(job))]))
        selection.states = states
        return try await store.change(selection, change, from: nil, limit: 1).jobs == [job]
    }

    // MARK: - Peek and kick

    func peek(_ job: JobID) async throws -> Reply {
        guard let details = try await store.job(job), !details.record.state.isOver else { return .notFound }
        return .found(job, details.payload)
    }

    func peek(_ state: Command.TubeState, of tube: UsedTube) async throws -> Reply {
        try await promote(in: tube.queue)
        let jobState: JobState =
            switch state {
            case .ready: .ready
            case .delayed: .delayed
            case .buried: .buried
            }
        // It may be taken before its body is read.
        for _ in 0..<10 {
            guard let job = try await first(tube.query(jobState)) else { return .notFound }
            if let details = try await store.job(job.id) { return .found(job.id, details.payload) }
        }
        return .notFound
    }

    private func first(_ query: JobQuery) async throws -> JobRecord? {
        var cursor: JobCursor?
        while true {
            // A page of a group's jobs may end early: the store reads a limited number of other jobs for it.
            let page = try await store.page(JobFilter(query, limit: 1), after: cursor)
            if let job = page.jobs.first { return job }
            guard let next = page.next else { return nil }
            cursor = next
        }
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

    // MARK: - Delayed jobs whose time has come

    /// A store makes them ready at the next claim. To a client they are ready at once.
    func promote(in tube: QueueName) async throws {
        while true {
            let filter = JobFilter(queue: tube, state: .delayed, limit: 30)
            let due = try await store.page(filter, after: nil).jobs.filter(Self.isDue)
            guard !due.isEmpty else { return }
            var selection = JobSelection(JobQuery(terms: due.map { JobQuery.Term(.id($0.id)) }))
            selection.states = [.delayed]
            _ = try await store.change(selection, .runNow, from: nil, limit: due.count)
        }
    }

    static func isDue(_ job: JobRecord) -> Bool { job.runAt.map { $0 <= Date() } ?? false }
}
