/// The comparison of both databases before the commit.
extension DatabaseMove {
    /// Compares all jobs of both, page by page. Those that differ because they have just changed are noted, so they are copied
    /// and compared again.
    mutating func compare() async throws {
        var differing = Set<JobID>()
        var (last, compared): (JobID?, Int) = (nil, 0)
        repeat {
            let page = try await source.exportJobs(of: nil, after: last, limit: StoredJob.maximumCount)
            let end = page.next ?? lastCopied
            let copies = try await copies(after: last, upTo: end)
            let originals = Dictionary(uniqueKeysWithValues: page.jobs.map { ($0.id, $0) })
            for id in Set(originals.keys).union(copies.keys) where !isSame(originals[id], copies[id]) {
                differing.insert(id)
            }
            compared += page.jobs.count
            last = page.next
            report(.compared(jobs: compared))
        } while last != nil
        var attempt = 0
        while !differing.isEmpty {
            attempt += 1
            try await copyNoted()
            for id in differing {
                let before = JobID(rawValue: id.rawValue - 1)
                let original = try await source.exportJobs(of: nil, after: before, limit: 1).jobs.first { $0.id == id }
                if isSame(original, try await copies(after: before, upTo: id)[id]) { differing.remove(id) }
            }
            guard attempt < Self.attempts || differing.isEmpty else {
                throw StintError(
                    .storageFailed,
                    "job \(differing.min()!) is not the same in both databases (\(differing.count) in all), though nothing has noted a "
                        + "change of it: the move was not made; run stint doctor on both")
            }
        }
    }

    private func copies(after id: JobID?, upTo end: JobID?) async throws -> [JobID: StoredJob] {
        var (last, found): (JobID?, [JobID: StoredJob]) = (id, [:])
        guard let end else { return found }
        while true {
            let page = try await target.exportJobs(of: nil, after: last, limit: StoredJob.maximumCount)
            for job in page.jobs where job.id <= end { found[job.id] = job }
            guard let next = page.next, next < end else { return found }
            last = next
        }
    }

    /// A job that is running there waits here.
    private func isSame(_ original: StoredJob?, _ copy: StoredJob?) -> Bool {
        guard var original, var copy else { return original == nil && copy == nil }
        if original.record.state == .leased {
            original = original.released(at: copy.readyAt ?? 0)
        }
        // Since its enqueue: a store may say so, or nothing.
        if original.readyAt == original.record.enqueuedAtMilliseconds { original.readyAt = nil }
        if copy.readyAt == copy.record.enqueuedAtMilliseconds { copy.readyAt = nil }
        return original == copy
    }
}
