/// The statements of the hot path: plain enqueues, and acks with a claim, each one statement, so that a worker's exchange is
/// one round trip and one transaction. Enqueues and claims with limits, groups or unique keys are left to the verbs in
/// `Transactions`.
enum HotSQL {
    // MARK: - Enqueue

    /// Jobs without unique keys and groups.
    ///
    /// $1 queues, $2 priorities, $3 most attempts, $4 most crashes, $5 times to run, $6 delays, $7 times until they expire,
    /// $8 content types, $9 headers, $10 payloads, $11 the ids of all queues and $12 their names: if one has another name,
    /// nothing is enqueued
    static let enqueue = """
        WITH now AS MATERIALIZED (SELECT stint.now_ms() AS wall),
        known AS MATERIALIZED (
            SELECT bool_and(q.id IS NOT NULL) AS is_right
            FROM unnest($11::integer[], $12::text[]) AS k (id, name) LEFT JOIN stint.queues q USING (id, name)
        ), new AS MATERIALIZED (
            SELECT nextval('stint.job_ids') AS id, wall, j.*
            FROM now, unnest($1::integer[], $2::bigint[], $3::integer[], $4::integer[], $5::bigint[], $6::bigint[],
                             $7::bigint[], $8::text[], $9::text[], $10::bytea[])
                      AS j (queue_id, priority, max_attempts, max_crashes, time_to_run_ms, delay, expires, content_type,
                            headers, payload)
            WHERE (SELECT is_right FROM known)
        ), jobs AS (
            INSERT INTO stint.jobs (id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at,
                                    content_type, headers, payload)
            SELECT id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, wall, content_type, headers, payload
            FROM new
        ), ready AS (
            INSERT INTO stint.ready (job_id, queue_id, attempts, crashes, suspect, expires_at, priority)
            SELECT id, queue_id, 0, 0, false, wall + expires, priority FROM new WHERE delay <= 0
        ), delayed AS (
            INSERT INTO stint.delayed (job_id, queue_id, attempts, crashes, suspect, expires_at, run_at)
            SELECT id, queue_id, 0, 0, false, wall + expires, wall + delay FROM new WHERE delay > 0
        ), tally AS (
            INSERT INTO stint.tallies AS t (queue_id, start, slot, ready, delayed, enqueued)
            SELECT queue_id, now.wall - now.wall % \(Tally.period), \(Tally.slot), count(*) FILTER (WHERE delay <= 0),
                   count(*) FILTER (WHERE delay > 0), count(*)
            FROM new CROSS JOIN now GROUP BY queue_id, now.wall ORDER BY queue_id
            ON CONFLICT (queue_id, start, slot) DO UPDATE SET ready = t.ready + excluded.ready,
                delayed = t.delayed + excluded.delayed, enqueued = t.enqueued + excluded.enqueued
        )
        SELECT id FROM new
        """

    // MARK: - Acks and a claim

    /// See the migration `v006_exchange`. The claim takes nothing if the queue has limits or groups or is paused, or if a
    /// suspect or a job whose time is over is among the first jobs: then the verb in `Transactions` does it. It looks at
    /// nothing if the worker is not registered any more, or if the queue has too few jobs for a worker that has no idle slot.
    ///
    /// $1 tokens, $2 how many jobs of each are done, $3 these jobs, $4 the queue to claim from (NULL: none is claimed), $5 its
    /// name: one of another name is not plain; $6 the most jobs, $7 how many can start at once, $8 the most bytes, $9 the
    /// length of the lease, $10 the registration, $11 the worker's name; $12, $13 and $14 where to look:
    /// `Watermarks.Range`. These are looked at one after the other, until there are enough jobs. $15 the most delayed jobs
    /// that are made ready
    static let exchange = """
        SELECT lost, acked_tokens, acked_jobs, limited_queues, promoted, is_plain, is_special, is_cut, has_looked,
               microseconds, workers, wall, lease_token,
               job_id, job_priority, job_attempts, job_expires_at, job_max_attempts, job_time_to_run_ms, job_enqueued_at,
               job_is_digest, job_content_type, job_headers, job_payload
        FROM stint.exchange($1, $2, $3, $4::integer, $5, $6, $7, $8, $9, $10::bigint, $11, $12, $13, $14, $15)
        """
}
