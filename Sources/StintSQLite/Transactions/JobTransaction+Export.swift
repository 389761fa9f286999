import StintCore

/// Jobs with all that is known of them, for another store.
extension JobTransaction {
    static let jobsToExport = """
        SELECT j.id, j.queue_id, coalesce((SELECT bytes FROM stint_digests WHERE job_id = j.id), length(j.payload))
        FROM stint_jobs j WHERE j.id > ?1 ORDER BY j.id LIMIT ?2
        """

    func exportJobs(of names: [QueueName]?, after id: JobID?, limit: Int) throws -> ExportedJobs {
        let limit = max(1, min(limit, StoredJob.maximumCount))
        let queues = try names.map { Set(try $0.compactMap(knownQueueID)) }
        var (found, bytes, rows, last): ([Int64], Int64, Int, Int64?) = ([], 0, 0, nil)
        var isCut = false
        _ = try statement(Self.jobsToExport).rows(id?.rawValue ?? .min, Int64(JobFilter.maximumRowsRead)) {
            row -> Void? in
            guard found.count < limit, bytes < StoredJob.maximumBytes else {
                isCut = true
                return nil
            }
            (rows, last) = (rows + 1, row.int(0))
            guard queues?.contains(row.int(1)) ?? true else { return () }
            found.append(row.int(0))
            bytes += row.tally(2)
            return ()
        }
        let jobs = try found.compactMap { try storedJob(JobID(rawValue: $0)) }
        let isMore = isCut || rows == JobFilter.maximumRowsRead
        return ExportedJobs(jobs, next: isMore ? last.map(JobID.init(rawValue:)) : nil)
    }

    static let unrecorded = """
        SELECT (SELECT ready_at FROM stint_ready r
                WHERE r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id),
               (SELECT burial FROM stint_buried WHERE job_id = j.id),
               coalesce((SELECT holds_group FROM stint_delayed WHERE job_id = j.id), 0),
               coalesce((SELECT was_claimed FROM stint_unique_keys WHERE job_id = j.id), 0),
               d.opened_at, d.start_limit
        FROM stint_jobs j LEFT JOIN stint_digests d ON d.job_id = j.id
        WHERE j.id = ?1
        """

    /// `nil` if it is in no state.
    func storedJob(_ id: JobID) throws -> StoredJob? {
        guard var stored = try job(id).map({ StoredJob($0) }) else { return nil }
        _ = try statement(Self.unrecorded).first(id.rawValue) { row in
            stored.readyAt = row.optionalInt(0)
            stored.burial = row.optionalInt(1)
            stored.holdsGroup = row.int(2) != 0
            stored.wasClaimed = row.int(3) != 0
            stored.openedAt = row.optionalInt(4)
            stored.startLimit = row.optionalInt(5)
        }
        return stored
    }
}
