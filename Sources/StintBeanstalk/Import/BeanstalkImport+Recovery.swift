import StintCore

/// What an import that was killed has left in the two queues in which jobs wait.
extension BeanstalkImport {
    /// What it had not begun to delete there is deleted here, and comes again if it is still there.
    ///
    /// If it is not, a client there has done it: unless that beanstalkd was started again, and has lost its jobs.
    func recoverHeld(from source: Source) async throws {
        try await forEachPage(of: Self.holdingQueue, from: source) { jobs in
            var drop: [JobID] = []
            var keep: [JobID] = []
            for job in jobs {
                let isKnown = source.instance != nil && job.instance == source.instance
                if job.isThere || isKnown { drop.append(job.held.job) } else { keep.append(job.held.job) }
            }
            if !drop.isEmpty { try await queue.delete(drop) }
            if !keep.isEmpty { try await queue.move(keep, to: Self.deletingQueue) }
        }
    }

    /// What it had begun to delete there is deleted there if that was not done, and moved to its place.
    func recoverDeleted(from source: Source, _ report: inout Report) async throws {
        var recovered = 0
        try await forEachPage(of: Self.deletingQueue, from: source) { jobs in
            let unburied = jobs.filter { $0.wasBuried && !$0.isBuried }
            if !unburied.isEmpty { try await queue.bury(unburied.map(\.held.job), reason: Self.burialReason) }
            for (tube, jobs) in Dictionary(grouping: jobs, by: \.tube) {
                let destination = try QueueName(tube)
                recovered += try await delete(jobs.filter(\.isThere).map(\.held), to: destination, source.client)
                let gone = jobs.filter { !$0.isThere }.map(\.held)
                if gone.isEmpty { continue }
                source.inFlight(gone.map { InFlight(id: $0.id, job: $0.job) })
                try await queue.move(gone.map(\.job), to: destination)
                recovered += gone.count
            }
        }
        report.recovered = recovered
    }

    /// A job that a killed import has left.
    private struct Left {
        let held: Held
        let tube: String
        let wasBuried: Bool
        let isBuried: Bool
        let instance: String?
        /// Whether it is still in that beanstalkd.
        let isThere: Bool
    }

    private func forEachPage(
        of waiting: QueueName, from source: Source, _ body: ([Left]) async throws -> Void
    ) async throws {
        let filter = JobFilter(queue: waiting, limit: Self.batch.jobs)
        var cursor: JobCursor?
        repeat {
            let page = try await queue.list(filter, after: cursor)
            var jobs: [Left] = []
            for record in page.jobs where record.headers[Header.server] == source.client.address {
                if let job = try await look(for: record, in: source.client) { jobs.append(job) }
            }
            try await body(jobs)
            cursor = page.next
        } while cursor != nil
    }

    private func look(for record: JobRecord, in client: BeanstalkClient) async throws -> Left? {
        guard let id = record.headers[Header.id].flatMap({ UInt64($0) }),
            let words = record.headers[Header.tube]?.split(separator: " "), let tube = words.first,
            let details = try await queue.job(record.id)
        else { return nil }
        let answer = try await client.ask("peek \(id)")
        // Another job may have its number by now, since a beanstalkd without a log begins again at 1.
        let isThere = answer.name == "FOUND" && answer.body == details.payload
        return Left(
            held: Held(id: id, job: record.id), tube: String(tube), wasBuried: words.count > 1,
            isBuried: record.state == .buried, instance: record.headers[Header.instance], isThere: isThere)
    }
}
