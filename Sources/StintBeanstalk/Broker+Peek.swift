import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The commands that look at jobs.
extension Broker {
    /// A job that is in the queue; `nil` if it does not exist, or is over.
    func record(of job: JobID) async throws -> JobRecord? {
        let query = JobQuery(terms: [JobQuery.Term(.id(job))])
        let page = try await store.page(JobFilter(query, limit: 1), after: nil)
        return page.jobs.first.flatMap { $0.state.isOver ? nil : $0 }
    }

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
