import StintCore

/// A ready job that a claim may take.
struct Candidate: Sendable {
    /// Of `stint.ready r` and `stint.jobs j`.
    static let columns = """
        r.job_id, r.priority, r.attempts, r.crashes, r.suspect, r.group_id, r.expires_at,
        coalesce(r.ready_at, j.enqueued_at), coalesce(octet_length(j.headers), 0) + CASE WHEN j.is_digest
            THEN (SELECT bytes FROM stint.digests WHERE job_id = j.id) ELSE octet_length(j.payload) END
        """

    let id: Int64
    let priority: Int64
    private(set) var attempts: Int64
    private(set) var crashes: Int64
    private(set) var suspect: Bool
    let group: Int64?
    private(set) var expiresAt: Timestamp?
    /// Since when it is ready.
    private(set) var readyAt: Timestamp
    /// Of its payload, or of its events, and of its headers, about.
    let bytes: Int
    let queue: ClaimableQueue

    init(_ row: PostgresRow, in queue: ClaimableQueue) throws {
        id = try row.int(0)
        priority = try row.int(1)
        attempts = try row.int(2)
        crashes = try row.int(3)
        suspect = try row.bool(4)
        group = try row.optionalInt(5)
        expiresAt = try row.optionalInt(6)
        readyAt = try row.int(7)
        bytes = Int(clamping: try row.optionalInt(8) ?? 0)
        self.queue = queue
    }

    /// One that is claimed by its id.
    init(_ job: Located, in queue: ClaimableQueue, readyAt: Timestamp) {
        id = job.id
        priority = job.place.priority
        // As if it had been kicked.
        attempts = job.state == .buried ? 0 : job.attempts
        crashes = job.state == .buried ? 0 : job.crashes
        suspect = job.suspect
        group = job.place.group
        expiresAt = job.place.expiresAt
        self.readyAt = readyAt
        bytes = 0
        self.queue = queue
    }

    /// As it was when it was taken.
    ///
    /// - Parameter row: Of `JobTransaction.deleteReady(_:)`.
    func asDeleted(_ row: PostgresRow) throws -> Candidate {
        var job = self
        (job.attempts, job.crashes, job.suspect) = (try row.int(3), try row.int(4), try row.bool(5))
        job.expiresAt = try row.optionalInt(7)
        job.readyAt = try row.optionalInt(8) ?? readyAt
        return job
    }

    var place: JobPlace { JobPlace(queue: queue.id, priority: priority, group: group, expiresAt: expiresAt) }

    func isExpired(_ now: Timestamp) -> Bool { expiresAt.map { $0 <= now } ?? false }

    func goesBefore(_ other: Candidate) -> Bool { (priority, id) < (other.priority, other.id) }
}
