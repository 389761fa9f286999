/// The statements of unique keys, and of the digests that are found by them.
extension HotSQL {
    /// Only of a job that exists: a key whose job another program has removed blocks no enqueue. Nor does that of a job
    /// that waits although its time is over: it will never run.
    package static let uniqueKeyHolder = """
        SELECT u.job_id FROM stint_unique_keys u JOIN stint_jobs j ON j.id = u.job_id
        WHERE u.queue_id = ?1 AND u.key = ?2
            AND NOT EXISTS (SELECT 1 FROM stint_delayed WHERE job_id = j.id AND expires_at <= ?3)
            AND NOT EXISTS (
                SELECT 1 FROM stint_ready
                WHERE queue_id = j.queue_id AND priority = j.priority AND job_id = j.id AND expires_at <= ?3)
        """
    package static let deleteUniqueKey = "DELETE FROM stint_unique_keys WHERE job_id = ?1"
    /// A job that can be replaced: never claimed, waiting, and no digest.
    package static let replaceable = """
        SELECT j.priority
        FROM stint_unique_keys u JOIN stint_jobs j ON j.id = u.job_id
        WHERE u.job_id = ?1 AND u.was_claimed = 0 AND j.is_digest = 0 AND \(isWaiting)
        """
    package static let isWaiting = """
        (EXISTS (SELECT 1 FROM stint_delayed WHERE job_id = j.id)
            OR EXISTS (SELECT 1 FROM stint_ready WHERE queue_id = j.queue_id AND priority = j.priority AND job_id = j.id))
        """
    /// Of a job that leaves its lease without being done: it takes no more events, and nothing replaces it.
    package static let markClaimed = "UPDATE stint_unique_keys SET was_claimed = 1 WHERE job_id = ?1"

    // MARK: - Digests

    /// The digest that takes the events of a key: never claimed, and waiting.
    package static let openDigest = """
        SELECT d.opened_at, d.start_limit, d.events, d.bytes, j.content_type, j.headers
        FROM stint_unique_keys u JOIN stint_digests d ON d.job_id = u.job_id JOIN stint_jobs j ON j.id = u.job_id
        WHERE u.job_id = ?1 AND u.was_claimed = 0 AND \(isWaiting)
        """
    package static let insertDigestJob = """
        INSERT INTO stint_jobs (queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at,
                                content_type, headers, payload, is_digest)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1)
        """
    package static let insertEvent = "INSERT INTO stint_events (job_id, payload) VALUES (?1, ?2)"
    package static let updateDigest = """
        UPDATE stint_digests SET events = ?2, bytes = ?3, start_limit = ?4 WHERE job_id = ?1
        """
    /// The events of a digest after the first, whose payload is the job's.
    package static let events = "SELECT payload FROM stint_events WHERE job_id = ?1 ORDER BY id"
    package static let deleteDigest = "DELETE FROM stint_digests WHERE job_id = ?1"
    package static let deleteEvents = "DELETE FROM stint_events WHERE job_id = ?1"
}
