/// The statements of the hot path: plain enqueues, acks and claims, each one statement, so that a worker's exchange is one
/// round trip and one transaction. They do the same as the verbs in `Transactions`, for the cases that have neither
/// limits, groups nor unique keys.
enum HotSQL {
    /// The wall clock and the steady one, as `stint.now_ms()` and `stint.steady_ms()` tell them: these would be called as
    /// functions here, which costs more than all of a small claim.
    private static let now = """
        SELECT n.wall, coalesce(nullif(current_setting('stint.test_steady_ms', true), '')::bigint,
                                n.wall - (SELECT jumps FROM stint.clock)) AS steady
        FROM (SELECT stint.now_ms() AS wall OFFSET 0) n
        """
    /// How long a statement has taken until a row of its result, in microseconds.
    static let microseconds = "(extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000000)::bigint"
    /// The row of a tally that counts now; `now.wall` is the time.
    private static let tallyRow = "now.wall - now.wall % \(Tally.period), \(Tally.slot)"

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
            SELECT queue_id, \(tallyRow), count(*) FILTER (WHERE delay <= 0), count(*) FILTER (WHERE delay > 0), count(*)
            FROM new CROSS JOIN now GROUP BY queue_id, now.wall ORDER BY queue_id
            ON CONFLICT (queue_id, start, slot) DO UPDATE SET ready = t.ready + excluded.ready,
                delayed = t.delayed + excluded.delayed, enqueued = t.enqueued + excluded.enqueued
        )
        SELECT id FROM new
        """

    // MARK: - Ack

    /// $1 tokens, $2 jobs
    static let acknowledge = """
        WITH now AS MATERIALIZED (SELECT stint.now_ms() AS wall),
        asked AS MATERIALIZED (
            SELECT token, array_agg(job) AS jobs FROM unnest($1::bigint[], $2::bigint[]) AS s (token, job) GROUP BY token
        ), held AS MATERIALIZED (
            SELECT token, queue_id, claimed_at, job_ids, attempts, crashes, group_ids FROM stint.leases
            WHERE token = ANY ($1) ORDER BY token FOR UPDATE
        ), acked AS MATERIALIZED (
            SELECT h.token, h.queue_id, h.claimed_at, j.job, h.attempts[j.place] AS attempts, h.crashes[j.place] AS crashes,
                   h.group_ids[j.place] AS group_id, h.job_ids <@ asked.jobs AS is_all, q.retention_ms > 0 AS is_kept,
                   coalesce(q.concurrency, q.group_concurrency) IS NOT NULL AS is_limited
            FROM held h JOIN asked USING (token) JOIN stint.queues q ON q.id = h.queue_id
            CROSS JOIN LATERAL unnest(h.job_ids) WITH ORDINALITY AS j (job, place)
            WHERE j.job = ANY (asked.jobs)
        ), ended AS (
            DELETE FROM stint.leases l USING (SELECT DISTINCT token FROM acked WHERE is_all) e WHERE l.token = e.token
        ), shrunk AS (
            UPDATE stint.leases l SET \(LeaseRow.without(jobs: "s.jobs"))
            FROM (SELECT DISTINCT token, asked.jobs FROM acked JOIN asked USING (token) WHERE NOT is_all) s
            WHERE l.token = s.token
        ), kept AS (
            INSERT INTO stint.done (job_id, done_at, queue_id, attempts, crashes, group_id)
            SELECT job, wall, queue_id, attempts, crashes, group_id FROM acked CROSS JOIN now WHERE is_kept
        ), gone AS (
            DELETE FROM stint.jobs j USING acked WHERE j.id = acked.job AND NOT acked.is_kept RETURNING j.id, j.is_digest
        ), keys AS (
            DELETE FROM stint.unique_keys u USING acked WHERE u.job_id = acked.job AND \(anyOf("unique_keys"))
        ), failures AS (
            DELETE FROM stint.failures f USING gone WHERE f.job_id = gone.id AND \(anyOf("failures"))
        ), digests AS (
            DELETE FROM stint.digests d USING gone WHERE gone.is_digest AND d.job_id = gone.id
        ), events AS (
            DELETE FROM stint.events e USING gone WHERE gone.is_digest AND e.job_id = gone.id
        ), tally AS (
            INSERT INTO stint.tallies AS t (queue_id, start, slot, leased, done, runs_ms, runs)
            SELECT queue_id, \(tallyRow), -count(*), count(*), sum(greatest(0, now.wall - claimed_at)),
                   stint.histogram(array_agg(greatest(0, now.wall - claimed_at)))
            FROM acked CROSS JOIN now GROUP BY queue_id, now.wall ORDER BY queue_id
            ON CONFLICT (queue_id, start, slot) DO UPDATE SET leased = t.leased + excluded.leased,
                done = t.done + excluded.done, runs_ms = t.runs_ms + excluded.runs_ms,
                runs = stint.add_counts(t.runs, excluded.runs)
        )
        SELECT token, job, queue_id, is_limited FROM acked
        """

    /// Few jobs have unique keys or failures: one look at the range of the ids spares most acks a look-up for each job.
    private static func anyOf(_ table: String) -> String {
        """
        EXISTS (SELECT 1 FROM stint.\(table)
                WHERE job_id BETWEEN (SELECT min(job) FROM acked) AND (SELECT max(job) FROM acked))
        """
    }

    // MARK: - Claim

    /// The first statement of an exchange that claims: it takes the locks, in the order in which all transactions do: the
    /// queue's, then the row of the worker, then rows of jobs. The claim, which comes in a statement of its own, must see
    /// the queue's settings and the worker as they are when the locks are had. The delayed jobs whose time has come are
    /// made ready meanwhile.
    ///
    /// $1 the queue, $2 the most delayed jobs, $3 the registration
    static let lockAndPromote = """
        WITH now AS MATERIALIZED (SELECT stint.now_ms() AS wall),
        worker AS MATERIALIZED (SELECT id FROM stint.workers WHERE id = $3::bigint FOR KEY SHARE),
        due AS MATERIALIZED (
            SELECT job_id FROM stint.delayed
            WHERE queue_id = (SELECT id FROM stint.queues WHERE id = $1 AND NOT paused)
                AND run_at <= (SELECT wall FROM now) AND group_id IS NULL
            ORDER BY run_at, job_id LIMIT $2 FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM stint.delayed d USING due WHERE d.job_id = due.job_id
            RETURNING d.job_id, d.run_at, d.queue_id, d.attempts, d.crashes, d.suspect, d.expires_at
        ), added AS (
            INSERT INTO stint.ready (job_id, priority, queue_id, attempts, crashes, suspect, expires_at, ready_at)
            SELECT g.job_id, j.priority, g.queue_id, g.attempts, g.crashes, g.suspect, g.expires_at, g.run_at
            FROM gone g JOIN stint.jobs j ON j.id = g.job_id
        ), tally AS (
            INSERT INTO stint.tallies AS t (queue_id, start, slot, ready, delayed)
            SELECT $1, \(tallyRow), count(*), -count(*) FROM gone CROSS JOIN now GROUP BY now.wall
            ON CONFLICT (queue_id, start, slot) DO UPDATE SET ready = t.ready + excluded.ready,
                delayed = t.delayed + excluded.delayed
        )
        SELECT pg_advisory_xact_lock_shared(\(JobTransaction.lockClass), $1), (SELECT count(*) FROM worker),
               (SELECT count(*) FROM gone)
        """

    /// Takes nothing if the queue has limits or groups or is paused (`is_plain` is false), or if a suspect or a job whose
    /// time is over is among the first jobs (`is_special`): then the verb in `Transactions` does it. Otherwise
    /// there is a row for each job, or one without a job, also if the worker is not registered any more or the queue has
    /// too few jobs for one that has no idle slot (`has_looked` is false).
    ///
    /// $1 the queue, $2 the most jobs, $3 how many can start at once, $4 the most bytes, $5 the length of the lease, $6 the
    /// registration, $7 the worker's name, $8 the queue's name: one of another name is not plain; $9, $10 and $11 where to
    /// look: `Watermarks.Range`. These are looked at one after the other, until there are enough jobs.
    static let claim = """
        WITH now AS MATERIALIZED (\(now)),
        plain AS MATERIALIZED (
            SELECT id FROM stint.queues
            WHERE id = $1 AND name = $8 AND NOT paused AND NOT has_groups
                AND coalesce(concurrency, rate_starts, group_concurrency, group_rate_starts) IS NULL
        ), worker AS MATERIALIZED (
            SELECT $6::bigint IS NULL OR EXISTS (SELECT 1 FROM stint.workers WHERE id = $6) AS is_registered
        ), most AS MATERIALIZED (
            SELECT CASE WHEN $3::bigint >= $2::bigint OR known.ready >= $2::bigint * 100 THEN $2
                        ELSE least($2, greatest($3, known.ready / greatest(1, (SELECT count(*) FROM stint.workers)))) END
                   AS jobs
            FROM (
                SELECT CASE WHEN $3::bigint < $2::bigint
                    THEN (SELECT coalesce(sum(ready), 0)::bigint FROM stint.tallies WHERE queue_id = $1) END AS ready
            ) known
        ), first AS MATERIALIZED (
            SELECT r.* FROM unnest($9::bigint[], $10::bigint[], $11::bigint[])
                                WITH ORDINALITY AS w (priority, after, until, number)
            CROSS JOIN LATERAL (
                SELECT ctid AS place, job_id, priority, attempts, crashes, suspect, expires_at, ready_at FROM stint.ready
                WHERE queue_id = (SELECT id FROM plain) AND group_id IS NULL
                    AND (priority, job_id) > (w.priority, w.after) AND priority < w.until
                    AND (SELECT is_registered FROM worker)
                ORDER BY priority, job_id FOR UPDATE SKIP LOCKED
            ) r
            ORDER BY w.number LIMIT (SELECT jobs FROM most)
        ), special AS MATERIALIZED (
            SELECT coalesce(bool_or(suspect OR expires_at <= (SELECT wall FROM now)), false) AS is_any FROM first
        ), sized AS MATERIALIZED (
            SELECT f.place, f.attempts, f.crashes, f.expires_at, coalesce(f.ready_at, j.enqueued_at) AS ready_at, j.id,
                   j.priority, j.max_attempts, j.time_to_run_ms, j.enqueued_at, j.is_digest, j.content_type, j.headers,
                   j.payload,
                   sum(coalesce(octet_length(j.headers), 0) + CASE WHEN j.is_digest
                       THEN (SELECT bytes FROM stint.digests WHERE job_id = j.id) ELSE octet_length(j.payload) END)
                       OVER (ORDER BY f.priority, f.job_id) AS bytes,
                   row_number() OVER (ORDER BY f.priority, f.job_id) AS number
            FROM first f JOIN stint.jobs j ON j.id = f.job_id WHERE NOT (SELECT is_any FROM special)
        ), taken AS MATERIALIZED (
            SELECT * FROM sized WHERE bytes <= $4 OR number = 1
        ), gone AS (
            DELETE FROM stint.ready r USING taken WHERE r.ctid = taken.place
        ), lease AS (
            INSERT INTO stint.leases (token, deadline, claimed_at, expires_at, duration_ms, worker_id, queue_id, worker,
                                      job_ids, attempts, crashes, expiries)
            SELECT stint.next_token(), now.steady + $5::bigint, now.wall, now.wall + $5::bigint, $5::bigint, $6::bigint, $1,
                   $7, array_agg(id ORDER BY number), array_agg(attempts + 1 ORDER BY number),
                   array_agg(crashes ORDER BY number),
                   CASE WHEN count(expires_at) > 0 THEN array_agg(expires_at ORDER BY number) END
            FROM taken CROSS JOIN now GROUP BY now.wall, now.steady
            RETURNING token
        ), tally AS (
            INSERT INTO stint.tallies AS t (queue_id, start, slot, ready, leased, started, waits_ms, waits)
            SELECT $1, \(tallyRow), -count(*), count(*), count(*), sum(greatest(0, now.wall - ready_at)),
                   stint.histogram(array_agg(greatest(0, now.wall - ready_at)))
            FROM taken CROSS JOIN now GROUP BY now.wall
            ON CONFLICT (queue_id, start, slot) DO UPDATE SET ready = t.ready + excluded.ready,
                leased = t.leased + excluded.leased, started = t.started + excluded.started,
                waits_ms = t.waits_ms + excluded.waits_ms, waits = stint.add_counts(t.waits, excluded.waits)
        )
        SELECT (SELECT count(*) FROM plain) > 0 AS is_plain, special.is_any,
               (SELECT count(*) FROM sized) > (SELECT count(*) FROM taken) AS is_cut, now.wall, lease.token, taken.id,
               taken.priority, taken.attempts, taken.expires_at, taken.max_attempts, taken.time_to_run_ms,
               taken.enqueued_at, taken.is_digest, taken.content_type, taken.headers, taken.payload,
               (SELECT jobs FROM most) > 0 AND (SELECT is_registered FROM worker) AS has_looked,
               \(microseconds) AS microseconds, (SELECT count(*) FROM stint.workers) AS workers
        FROM special CROSS JOIN now LEFT JOIN taken ON true LEFT JOIN lease ON true ORDER BY taken.number
        """
}
