-- Acks and the next claim in one call. As statements of their own these cost twice as much, most of it before the first
-- row is read: each plan has all that an ack or a claim may ever need, and each execution prepares all of it. Here a statement
-- is executed only if it is needed, and the counts of both are written once. An older Stint goes on with its own statements
-- beside it: they lock the same rows in the same order.

CREATE FUNCTION stint.bucket(milliseconds bigint) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT width_bucket(greatest(milliseconds, 0) - 1, '{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192,
        16384, 32768, 65536, 131072, 262144, 524288, 1048576, 2097152, 4194304, 8388608, 16777216, 33554432, 67108864,
        134217728}'::bigint[]) + 1
$$;
COMMENT ON FUNCTION stint.bucket(bigint) IS 'Where stint.histogram() counts a time';

CREATE OR REPLACE FUNCTION stint.histogram(times bigint[]) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    counts bigint[] := '{}';
    time bigint;
    place integer;
BEGIN
    FOREACH time IN ARRAY coalesce(times, '{}') LOOP
        place := stint.bucket(time);
        FOR gap IN cardinality(counts) + 1..place LOOP counts[gap] := 0; END LOOP;
        counts[place] := counts[place] + 1;
    END LOOP;
    RETURN counts;
END
$$;

COMMENT ON COLUMN stint.tallies.slot IS
    '-2 - pg_backend_pid() % 30000 of one of Stint''s connections, 16 and more for applications (stint.caller_slot()), -1 for what was added up';

-- Locks, in the order in which all transactions do: the queue's, then the row of the worker, then rows of jobs. Each
-- statement sees what is committed when it begins, so what comes after the locks sees the settings and the worker as they
-- are then. The claim is for a queue without limits and groups; otherwise it is not made, and the first row says so.
-- Numbers that Swift has too: 1937009006 is JobTransaction.lockClass, 10000 is Tally.period, and slot is Tally.slot.
CREATE FUNCTION stint.exchange(
    tokens bigint[], token_jobs integer[], done_jobs bigint[], from_queue integer, from_name text, most bigint,
    idle_slots bigint, most_bytes bigint, lease_ms bigint, registration bigint, worker_name text, priorities bigint[],
    afters bigint[], untils bigint[], most_promotions bigint,
    OUT lost integer, OUT acked_tokens bigint[], OUT acked_jobs bigint[], OUT limited_queues integer[], OUT promoted bigint,
    OUT is_plain boolean, OUT is_special boolean, OUT is_cut boolean, OUT has_looked boolean, OUT microseconds bigint,
    OUT workers bigint, OUT wall bigint, OUT lease_token bigint,
    OUT job_id bigint, OUT job_priority bigint, OUT job_attempts integer, OUT job_expires_at bigint,
    OUT job_max_attempts integer, OUT job_time_to_run_ms bigint, OUT job_enqueued_at bigint, OUT job_is_digest boolean,
    OUT job_content_type text, OUT job_headers text, OUT job_payload bytea
) RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    test_steady CONSTANT bigint := nullif(current_setting('stint.test_steady_ms', true), '')::bigint;
    slot CONSTANT integer := -2 - pg_backend_pid() % 30000;
    is_registered boolean := true;
    -- The settings of this queue.
    settings_of integer;
    is_paused boolean;
    keeps boolean;
    is_limited boolean;
    held record;
    part record;
    asked bigint[];
    ended integer;
    last_job integer := 0;
    gone bigint[] := '{}';
    gone_digests bigint[];
    belongings record;
    run_ms bigint;
    of_token bigint[];
    -- What is added to the counts of from_queue, or of the first lease's queue if nothing is claimed.
    counted integer := from_queue;
    added_ready bigint := 0;
    -- The other queues: of each lease its queue, how many of its jobs have ended, and how long they ran.
    other_queues integer[] := '{}';
    other_ended integer[] := '{}';
    other_runs_ms bigint[] := '{}';
    done bigint := 0;
    runs_ms bigint := 0;
    runs bigint[] := '{}';
    taken integer := 0;
    waits_ms bigint := 0;
    waits bigint[] := '{}';
    wanted bigint;
    jumps bigint;
    chosen record;
    bytes bigint := 0;
BEGIN
    lost := 0;
    promoted := 0;
    acked_tokens := '{}';
    acked_jobs := '{}';
    limited_queues := '{}';
    IF from_queue IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared(1937009006, from_queue);
        IF registration IS NOT NULL THEN
            PERFORM FROM stint.workers w WHERE w.id = registration FOR KEY SHARE;
            is_registered := FOUND;
        END IF;
        SELECT q.id, q.paused, q.retention_ms > 0, coalesce(q.concurrency, q.group_concurrency) IS NOT NULL,
               q.name = from_name AND NOT q.paused AND NOT q.has_groups
                   AND coalesce(q.concurrency, q.rate_starts, q.group_concurrency, q.group_rate_starts) IS NULL
        INTO settings_of, is_paused, keeps, is_limited, is_plain FROM stint.queues q WHERE q.id = from_queue;
        is_plain := coalesce(is_plain, false);
        wall := stint.now_ms();
        IF NOT is_paused AND EXISTS (
            SELECT FROM stint.delayed d WHERE d.queue_id = from_queue AND d.run_at <= exchange.wall AND d.group_id IS NULL)
        THEN
            WITH due AS MATERIALIZED (
                SELECT d.job_id FROM stint.delayed d
                WHERE d.queue_id = from_queue AND d.run_at <= exchange.wall AND d.group_id IS NULL
                ORDER BY d.run_at, d.job_id LIMIT most_promotions FOR UPDATE SKIP LOCKED
            ), ripe AS (
                DELETE FROM stint.delayed d USING due WHERE d.job_id = due.job_id
                RETURNING d.job_id, d.run_at, d.queue_id, d.attempts, d.crashes, d.suspect, d.expires_at
            ), added AS (
                INSERT INTO stint.ready (job_id, priority, queue_id, attempts, crashes, suspect, expires_at, ready_at)
                SELECT r.job_id, j.priority, r.queue_id, r.attempts, r.crashes, r.suspect, r.expires_at, r.run_at
                FROM ripe r JOIN stint.jobs j ON j.id = r.job_id
            )
            SELECT count(*) INTO promoted FROM ripe;
            added_ready := promoted;
        END IF;
    END IF;

    -- Acks: token_jobs[i] of done_jobs are of tokens[i]. Leases are locked in the order of their tokens.
    wall := stint.now_ms();
    FOR i IN 1..cardinality(tokens) LOOP
        asked := done_jobs[last_job + 1:last_job + token_jobs[i]];
        last_job := last_job + token_jobs[i];
        DELETE FROM stint.leases l WHERE l.token = tokens[i] AND l.job_ids <@ asked
        RETURNING l.queue_id, l.claimed_at, l.job_ids, l.attempts, l.crashes, l.group_ids INTO held;
        IF NOT FOUND THEN
            SELECT l.queue_id, l.claimed_at, l.job_ids, l.attempts, l.crashes, l.group_ids INTO held
            FROM stint.leases l WHERE l.token = tokens[i] FOR UPDATE;
            SELECT array_agg(h.job ORDER BY h.place) AS job_ids, array_agg(h.attempts ORDER BY h.place) AS attempts,
                   array_agg(h.crashes ORDER BY h.place) AS crashes, array_agg(h.group_id ORDER BY h.place) AS group_ids
            INTO part
            FROM unnest(held.job_ids, held.attempts, held.crashes, held.group_ids)
                WITH ORDINALITY AS h (job, attempts, crashes, group_id, place)
            WHERE h.job = ANY (asked);
            ended := coalesce(cardinality(part.job_ids), 0);
            lost := lost + cardinality(asked) - ended;
            CONTINUE WHEN ended = 0;
            IF ended = cardinality(held.job_ids) THEN
                DELETE FROM stint.leases l WHERE l.token = tokens[i];
            ELSE
                UPDATE stint.leases l
                SET (job_ids, attempts, crashes, group_ids, expiries) = (
                    SELECT array_agg(h.job ORDER BY h.place), array_agg(h.attempts ORDER BY h.place),
                           array_agg(h.crashes ORDER BY h.place),
                           CASE WHEN l.group_ids IS NOT NULL THEN array_agg(l.group_ids[h.place] ORDER BY h.place) END,
                           CASE WHEN l.expiries IS NOT NULL THEN array_agg(l.expiries[h.place] ORDER BY h.place) END
                    FROM unnest(l.job_ids, l.attempts, l.crashes) WITH ORDINALITY AS h (job, attempts, crashes, place)
                    WHERE h.job <> ALL (asked))
                WHERE l.token = tokens[i];
            END IF;
            held.job_ids := part.job_ids;
            held.attempts := part.attempts;
            held.crashes := part.crashes;
            held.group_ids := CASE WHEN held.group_ids IS NOT NULL THEN part.group_ids END;
        ELSE
            ended := cardinality(held.job_ids);
            lost := lost + cardinality(asked) - ended;
        END IF;
        acked_tokens := acked_tokens || array_fill(tokens[i], ARRAY[ended]);
        acked_jobs := acked_jobs || held.job_ids;

        IF settings_of IS DISTINCT FROM held.queue_id THEN
            SELECT q.id, q.retention_ms > 0, coalesce(q.concurrency, q.group_concurrency) IS NOT NULL
            INTO settings_of, keeps, is_limited FROM stint.queues q WHERE q.id = held.queue_id;
        END IF;
        IF is_limited AND held.queue_id <> ALL (limited_queues) THEN
            limited_queues := limited_queues || held.queue_id;
        END IF;
        IF keeps THEN
            INSERT INTO stint.done (job_id, done_at, queue_id, attempts, crashes, group_id)
            SELECT h.job, exchange.wall, held.queue_id, h.attempts, h.crashes, h.group_id
            FROM unnest(held.job_ids, held.attempts, held.crashes, held.group_ids) AS h (job, attempts, crashes, group_id);
        ELSE
            gone := gone || held.job_ids;
        END IF;
        -- All were claimed at once, so they have the same run time.
        run_ms := greatest(0, wall - held.claimed_at);
        of_token := array_fill(0::bigint, ARRAY[stint.bucket(run_ms) - 1]) || ended::bigint;
        counted := coalesce(counted, held.queue_id);
        IF held.queue_id = counted THEN
            done := done + ended;
            runs_ms := runs_ms + run_ms * ended;
            runs := CASE WHEN cardinality(runs) = 0 THEN of_token ELSE stint.add_counts(runs, of_token) END;
        ELSE
            other_queues := other_queues || held.queue_id;
            other_ended := other_ended || ended;
            other_runs_ms := other_runs_ms || run_ms;
        END IF;
    END LOOP;
    IF cardinality(other_queues) > 0 THEN
        INSERT INTO stint.tallies AS t (queue_id, start, slot, leased, done, runs_ms, runs)
        SELECT o.queue_id, exchange.wall - exchange.wall % 10000, slot, -sum(o.ended), sum(o.ended), sum(o.run_ms * o.ended),
               stint.sum_counts(array_fill(0::bigint, ARRAY[stint.bucket(o.run_ms) - 1]) || o.ended::bigint)
        FROM unnest(other_queues, other_ended, other_runs_ms) AS o (queue_id, ended, run_ms)
        GROUP BY o.queue_id ORDER BY o.queue_id
        ON CONFLICT (queue_id, start, slot) DO UPDATE SET leased = t.leased + excluded.leased,
            done = t.done + excluded.done, runs_ms = t.runs_ms + excluded.runs_ms,
            runs = stint.add_counts(t.runs, excluded.runs);
    END IF;
    IF cardinality(gone) > 0 THEN
        WITH deleted AS (DELETE FROM stint.jobs j WHERE j.id = ANY (gone) RETURNING j.id, j.is_digest)
        SELECT array_agg(d.id) FILTER (WHERE d.is_digest) INTO gone_digests FROM deleted d;
        IF gone_digests IS NOT NULL THEN
            DELETE FROM stint.digests d WHERE d.job_id = ANY (gone_digests);
            DELETE FROM stint.events e WHERE e.job_id = ANY (gone_digests);
        END IF;
    END IF;
    IF cardinality(acked_jobs) > 0 THEN
        -- Few jobs have unique keys or failures: a look at the range of the ids spares most acks a look-up for each job.
        SELECT EXISTS (SELECT FROM stint.unique_keys u WHERE u.job_id BETWEEN r.low AND r.high) AS keys,
               EXISTS (SELECT FROM stint.failures f WHERE f.job_id BETWEEN r.low AND r.high) AS failures
        INTO belongings FROM (SELECT min(a.job) AS low, max(a.job) AS high FROM unnest(acked_jobs) AS a (job) OFFSET 0) r;
        IF belongings.keys THEN DELETE FROM stint.unique_keys u WHERE u.job_id = ANY (acked_jobs); END IF;
        IF belongings.failures THEN DELETE FROM stint.failures f WHERE f.job_id = ANY (gone); END IF;
    END IF;

    -- The claim. It takes nothing if a suspect or a job whose time is over is among the first jobs.
    has_looked := false;
    is_special := false;
    is_cut := false;
    IF is_plain AND is_registered THEN
        SELECT stint.now_ms(), c.jumps INTO wall, jumps FROM stint.clock c;
        wanted := most;
        IF idle_slots < most THEN
            SELECT coalesce(sum(t.ready), 0) + added_ready INTO wanted FROM stint.tallies t WHERE t.queue_id = from_queue;
            wanted := CASE WHEN wanted >= most * 100 THEN most
                ELSE least(most, greatest(idle_slots, wanted / greatest(1, (SELECT count(*) FROM stint.workers)))) END;
        END IF;
        has_looked := wanted > 0;
    END IF;
    IF has_looked THEN
        -- The time begins in the statement, so that it is without its planning.
        SELECT began.at, look.* INTO chosen
        FROM (SELECT clock_timestamp() AS at OFFSET 0) began CROSS JOIN LATERAL (
            SELECT array_agg(r.place) AS places, array_agg(r.job_id) AS ids, array_agg(r.attempts + 1) AS attempts,
                   array_agg(r.crashes) AS crashes, array_agg(r.expires_at) AS expiries, array_agg(r.since) AS since,
                   array_agg(r.bytes) AS bytes, sum(r.bytes) AS all_bytes, min(r.since) AS first, max(r.since) AS last,
                   sum(r.since)::bigint AS all_since, bool_or(r.is_digest) AS has_digests, count(r.expires_at) > 0 AS expires,
                   coalesce(bool_or(r.suspect OR r.expires_at <= exchange.wall), false) AS is_special
            FROM (
                SELECT f.*, coalesce(f.ready_at, j.enqueued_at) AS since, j.is_digest,
                       octet_length(j.payload)::bigint + coalesce(octet_length(j.headers), 0) AS bytes
                FROM (
                    SELECT r.*, w.number
                    FROM unnest(priorities, afters, untils) WITH ORDINALITY AS w (priority, after, until, number)
                    CROSS JOIN LATERAL (
                        SELECT s.ctid AS place, s.job_id, s.priority, s.attempts, s.crashes, s.suspect, s.expires_at, s.ready_at
                        FROM stint.ready s
                        WHERE s.queue_id = from_queue AND s.group_id IS NULL
                            AND (s.priority, s.job_id) > (w.priority, w.after) AND s.priority < w.until
                        ORDER BY s.priority, s.job_id FOR UPDATE SKIP LOCKED
                    ) r
                    ORDER BY w.number LIMIT wanted
                ) f CROSS JOIN LATERAL (
                    SELECT j.enqueued_at, j.is_digest, j.payload, j.headers FROM stint.jobs j WHERE j.id = f.job_id OFFSET 0
                ) j
                ORDER BY f.number, f.priority, f.job_id
            ) r
            WHERE began.at IS NOT NULL
        ) look;
        microseconds := extract(epoch FROM clock_timestamp() - chosen.at) * 1000000;
        -- Workers whose looks are slow take turns. Only for these the number matters, and counting takes time.
        workers := CASE WHEN microseconds < 1000 THEN 1 ELSE (SELECT count(*) FROM stint.workers) END;
        is_special := chosen.is_special;
        IF NOT is_special THEN
            taken := coalesce(cardinality(chosen.ids), 0);
            IF chosen.has_digests THEN
                SELECT array_agg(CASE WHEN j.is_digest THEN d.bytes + coalesce(octet_length(j.headers), 0)
                                 ELSE chosen.bytes[u.number] END ORDER BY u.number)
                INTO chosen.bytes
                FROM unnest(chosen.ids) WITH ORDINALITY AS u (id, number) JOIN stint.jobs j ON j.id = u.id
                    LEFT JOIN stint.digests d ON d.job_id = j.id;
            END IF;
            IF chosen.has_digests OR chosen.all_bytes > most_bytes THEN
                FOR number IN 1..taken LOOP
                    bytes := bytes + coalesce(chosen.bytes[number], 0);
                    IF bytes > most_bytes AND number > 1 THEN
                        is_cut := true;
                        taken := number - 1;
                        EXIT;
                    END IF;
                END LOOP;
            END IF;
        END IF;
    END IF;
    IF taken > 0 THEN
        IF is_cut THEN
            chosen.places := chosen.places[:taken];
            chosen.ids := chosen.ids[:taken];
            chosen.attempts := chosen.attempts[:taken];
            chosen.crashes := chosen.crashes[:taken];
            chosen.expiries := chosen.expiries[:taken];
            chosen.since := chosen.since[:taken];
        END IF;
        DELETE FROM stint.ready r WHERE r.ctid = ANY (chosen.places);
        INSERT INTO stint.leases (token, deadline, claimed_at, expires_at, duration_ms, worker_id, queue_id, worker, job_ids,
                                  attempts, crashes, expiries)
        VALUES (stint.next_token(),
                CASE WHEN test_steady IS NULL THEN exchange.wall - jumps ELSE test_steady END
                    + lease_ms,
                exchange.wall, exchange.wall + lease_ms, lease_ms, registration, from_queue, worker_name, chosen.ids,
                chosen.attempts, chosen.crashes, CASE WHEN chosen.expires THEN chosen.expiries END)
        RETURNING token INTO lease_token;
        IF NOT is_cut AND chosen.last <= wall AND stint.bucket(wall - chosen.first) = stint.bucket(wall - chosen.last) THEN
            waits_ms := taken * wall - chosen.all_since;
            waits := array_fill(0::bigint, ARRAY[stint.bucket(wall - chosen.first) - 1]) || taken::bigint;
        ELSE
            SELECT sum(greatest(0, exchange.wall - s.since)), stint.histogram(array_agg(greatest(0, exchange.wall - s.since)))
            INTO waits_ms, waits FROM unnest(chosen.since) AS s (since);
        END IF;
    END IF;

    IF promoted > 0 OR done > 0 OR taken > 0 THEN
        INSERT INTO stint.tallies AS t (queue_id, start, slot, ready, delayed, leased, started, done, waits_ms, runs_ms, waits,
                                        runs)
        VALUES (counted, wall - wall % 10000, slot, promoted - taken, -promoted, taken - done, taken, done, waits_ms,
                runs_ms, waits, runs)
        ON CONFLICT (queue_id, start, slot) DO UPDATE SET ready = t.ready + excluded.ready,
            delayed = t.delayed + excluded.delayed, leased = t.leased + excluded.leased,
            started = t.started + excluded.started, done = t.done + excluded.done,
            waits_ms = t.waits_ms + excluded.waits_ms, runs_ms = t.runs_ms + excluded.runs_ms,
            waits = stint.add_counts(t.waits, excluded.waits), runs = stint.add_counts(t.runs, excluded.runs);
    ELSIF cardinality(tokens) = 0 THEN
        -- Nothing was written, so nothing has asked yet whether the jobs are being moved, which each write of a lease asks.
        DELETE FROM stint.leases l WHERE l.token = 0;
    END IF;
    IF lost = 0 THEN
        acked_tokens := NULL;
        acked_jobs := NULL;
    END IF;
    RETURN NEXT;
    IF taken > 0 THEN
        RETURN QUERY
        SELECT NULL::integer, NULL::bigint[], NULL::bigint[], NULL::integer[], NULL::bigint, NULL::boolean, NULL::boolean,
               NULL::boolean, NULL::boolean, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
               j.id, j.priority, u.attempts, u.expires_at, j.max_attempts, j.time_to_run_ms, j.enqueued_at, j.is_digest,
               j.content_type, j.headers, j.payload
        FROM unnest(chosen.ids, chosen.attempts, chosen.expiries) WITH ORDINALITY AS u (id, attempts, expires_at, number)
            CROSS JOIN LATERAL (SELECT * FROM stint.jobs j WHERE j.id = u.id OFFSET 0) j
        ORDER BY u.number;
    END IF;
END
$$;
COMMENT ON FUNCTION stint.exchange(
    bigint[], integer[], bigint[], integer, text, bigint, bigint, bigint, bigint, bigint, text, bigint[], bigint[], bigint[],
    bigint) IS
    'For workers: ends jobs that are done, and claims the next ones of a queue without limits and groups; the first row has what both have in common, and each further one a job';
