-- For programs with a driver of PostgreSQL and no Stint: what they enqueue or acknowledge is a part of their own transaction.
--
--     SELECT job_id FROM stint.enqueue('Hello', queue => 'mail');
--     SELECT * FROM stint.enqueue('Hello', queue => 'mail', unique_key => 'hello-42', delay_ms => 60000);
--     SELECT stint.ack(token, job_id);
--
-- What is left out or NULL has Stint's default. Both run as their owner, so a role that may use the schema and execute
-- stint.enqueue can enqueue, and nothing else; see docs/postgresql.md.

-- pg_temp is named in each search_path, and last: otherwise types of the caller's own would be found first, and their checks
-- would run as the owner.

-- The time as stint.now_ms() tells it, but only members of the owner's role can set it for tests: whoever may enqueue must not
-- set the clock.
CREATE FUNCTION stint.caller_now_ms() RETURNS bigint LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN pg_has_role(session_user, current_user, 'MEMBER') THEN stint.now_ms()
                ELSE floor(date_part('epoch', clock_timestamp()) * 1000)::bigint END
$$;
COMMENT ON FUNCTION stint.caller_now_ms() IS 'Milliseconds since 1970 UTC, for functions that run as their owner';

-- The row of stint.tallies of this connection. It is locked until the application commits, so it is none that Stint's own
-- connections use.
CREATE FUNCTION stint.caller_slot() RETURNS smallint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT (16 + pg_backend_pid() % 30000)::smallint
$$;
COMMENT ON FUNCTION stint.caller_slot() IS 'The slot of stint.tallies for transactions of applications';

-- Why Stint would refuse a job; NULL: it would not.
CREATE FUNCTION stint.enqueue_problem(
    payload bytea, queue text, content_type text, headers text, priority bigint, delay_ms bigint, max_attempts bigint,
    max_crashes bigint, time_to_run_ms bigint, unique_key text, "group" text, expires_ms bigint, on_conflict text,
    debounce_ms bigint, at_most_ms bigint, idempotency_key text
) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN octet_length(queue) NOT BETWEEN 1 AND 200 OR queue LIKE '-%'
            OR queue ~ '[\u0001-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]'
        THEN 'the queue''s name must be text of 1 to 200 bytes without white space and control characters, not starting with -'
        WHEN octet_length(payload) > 16777216 THEN 'the payload must have at most 16 MiB'
        WHEN octet_length(content_type) NOT BETWEEN 1 AND 255 OR content_type ~ '[^\u0020-\u007E]'
        THEN 'content_type must be text of 1 to 255 printable ASCII characters'
        WHEN octet_length(headers) > 65536 THEN 'headers must be text of at most 64 KiB, a line `name: value` each'
        WHEN EXISTS (
            SELECT 1 FROM regexp_split_to_table(headers, '\n') AS line
            WHERE line <> '' AND line !~ '^[a-zA-Z][a-zA-Z0-9-]*:[^\u0001-\u0008\u000B-\u001F\u007F-\u009F\u2028\u2029]*$')
        THEN 'headers must be lines `name: value` whose names are ASCII letters, digits and -, a letter first, and whose values have no control characters'
        WHEN priority NOT BETWEEN 0 AND 4294967295 THEN 'priority must be from 0 to 4294967295'
        WHEN delay_ms NOT BETWEEN 0 AND 3162240000000 THEN 'delay_ms must be from 0 to 3162240000000 (100 years)'
        WHEN max_attempts NOT BETWEEN 1 AND 2147483647 THEN 'max_attempts must be from 1 to 2147483647'
        WHEN max_crashes NOT BETWEEN 1 AND 2147483647 THEN 'max_crashes must be from 1 to 2147483647'
        WHEN time_to_run_ms NOT BETWEEN 1 AND 3162240000000 THEN 'time_to_run_ms must be from 1 to 3162240000000 (100 years)'
        WHEN octet_length(unique_key) NOT BETWEEN 1 AND 1024 THEN 'unique_key must be text of 1 to 1024 bytes'
        WHEN octet_length(idempotency_key) NOT BETWEEN 1 AND 1024 THEN 'idempotency_key must be text of 1 to 1024 bytes'
        WHEN octet_length("group") NOT BETWEEN 1 AND 200 THEN 'group must be text of 1 to 200 bytes'
        WHEN expires_ms NOT BETWEEN 1 AND 3162240000000 THEN 'expires_ms must be from 1 to 3162240000000 (100 years)'
        WHEN on_conflict NOT IN ('keep', 'replace', 'collect') THEN 'on_conflict must be keep, replace or collect'
        WHEN on_conflict <> 'keep' AND unique_key IS NULL THEN 'on_conflict other than keep needs a unique_key'
        WHEN debounce_ms IS NOT NULL AND on_conflict <> 'collect' THEN 'debounce_ms goes with on_conflict ''collect'' only'
        WHEN debounce_ms NOT BETWEEN 1 AND 3162240000000 THEN 'debounce_ms must be from 1 to 3162240000000 (100 years)'
        WHEN debounce_ms IS NOT NULL AND delay_ms <> 0 THEN 'delay_ms and debounce_ms do not go together'
        WHEN at_most_ms IS NOT NULL AND debounce_ms IS NULL THEN 'at_most_ms goes with debounce_ms only'
        WHEN at_most_ms NOT BETWEEN debounce_ms AND 3162240000000
        THEN 'at_most_ms must be from debounce_ms to 3162240000000 (100 years)'
    END
$$;
COMMENT ON FUNCTION stint.enqueue_problem IS 'Why stint.enqueue refuses a job; NULL: it does not';

CREATE FUNCTION stint.queue_named(queue text) RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id integer;
BEGIN
    SELECT id INTO found_id FROM stint.queues WHERE name = queue;
    IF found_id IS NULL THEN
        INSERT INTO stint.queues (name) VALUES (queue) ON CONFLICT DO NOTHING;
        SELECT id INTO found_id FROM stint.queues WHERE name = queue;
    END IF;
    IF found_id IS NULL THEN
        RAISE EXCEPTION 'stint.enqueue: another transaction has just created the queue %: begin again', queue
            USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION stint.queue_named(text) IS 'The id of a queue, which is created if it does not exist';

CREATE FUNCTION stint.group_named(queue integer, group_name text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT id INTO found_id FROM stint.groups WHERE queue_id = queue AND name = group_name;
    IF found_id IS NULL THEN
        -- The first group of a queue: its jobs without a group are one too, from now on.
        UPDATE stint.queues SET has_groups = true WHERE id = queue AND NOT has_groups;
        INSERT INTO stint.turns (queue_id, turn) VALUES (queue, 0) ON CONFLICT DO NOTHING;
        INSERT INTO stint.groups (queue_id, name) VALUES (queue, '') ON CONFLICT DO NOTHING;
        INSERT INTO stint.groups (queue_id, name) VALUES (queue, group_name) ON CONFLICT DO NOTHING;
        SELECT id INTO found_id FROM stint.groups WHERE queue_id = queue AND name = group_name;
    END IF;
    IF found_id IS NULL THEN
        RAISE EXCEPTION 'stint.enqueue: another transaction has just created the group %: begin again', group_name
            USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION stint.group_named(integer, text) IS 'The id of a group, which is created if it does not exist';

-- Takes a job out of its state for a newer one that replaces it: it must be waiting.
CREATE FUNCTION stint.take_waiting(job bigint) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM stint.delayed WHERE job_id = job;
    IF FOUND THEN RETURN 'delayed'; END IF;
    DELETE FROM stint.ready r USING stint.jobs j
    WHERE j.id = job AND r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id AND r.group_id IS NULL;
    IF FOUND THEN RETURN 'ready'; END IF;
    DELETE FROM stint.ready r USING stint.jobs j
    WHERE j.id = job AND r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id AND r.group_id IS NOT NULL;
    IF FOUND THEN RETURN 'ready'; END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION stint.take_waiting(bigint) IS 'Takes a job out of its state: ready or delayed, or NULL if it is in neither';

CREATE FUNCTION stint.look_waiting(job bigint, OUT is_waiting boolean, OUT expires_at bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
    SELECT true, d.expires_at FROM stint.delayed d WHERE d.job_id = job
    UNION ALL
    SELECT true, r.expires_at FROM stint.jobs j JOIN stint.ready r
        ON r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id AND r.group_id IS NULL
    WHERE j.id = job
    UNION ALL
    SELECT true, r.expires_at FROM stint.jobs j JOIN stint.ready r
        ON r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id AND r.group_id IS NOT NULL
    WHERE j.id = job
$$;
COMMENT ON FUNCTION stint.look_waiting(bigint) IS 'Whether a job is ready or delayed; NULL: it is not';

-- The same, and locks the row that says so, so that no claim takes the job meanwhile.
CREATE FUNCTION stint.lock_waiting(job bigint, OUT is_waiting boolean, OUT expires_at bigint, OUT run_at bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    is_waiting := true;
    SELECT d.expires_at, d.run_at INTO expires_at, run_at FROM stint.delayed d WHERE d.job_id = job FOR UPDATE;
    IF FOUND THEN RETURN; END IF;
    SELECT r.expires_at INTO expires_at FROM stint.jobs j JOIN stint.ready r
        ON r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id AND r.group_id IS NULL
    WHERE j.id = job FOR UPDATE OF r;
    IF FOUND THEN RETURN; END IF;
    SELECT r.expires_at INTO expires_at FROM stint.jobs j JOIN stint.ready r
        ON r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id AND r.group_id IS NOT NULL
    WHERE j.id = job FOR UPDATE OF r;
    is_waiting := FOUND;
END
$$;
COMMENT ON FUNCTION stint.lock_waiting(bigint) IS 'Whether a job is ready or delayed; the row that says so is locked';

CREATE FUNCTION stint.job_name(headers text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT btrim((regexp_match(headers, '(?:^|\n)job-name:([^\n]*)', 'i'))[1], E' \t')
$$;
COMMENT ON FUNCTION stint.job_name(text) IS 'The value of the header job-name; NULL: there is none';

CREATE FUNCTION stint.enqueue(
    payload bytea, queue text DEFAULT 'default', content_type text DEFAULT NULL, headers text DEFAULT NULL,
    priority bigint DEFAULT NULL, delay_ms bigint DEFAULT NULL, max_attempts bigint DEFAULT NULL,
    max_crashes bigint DEFAULT NULL, time_to_run_ms bigint DEFAULT NULL, unique_key text DEFAULT NULL,
    "group" text DEFAULT NULL, expires_ms bigint DEFAULT NULL, on_conflict text DEFAULT 'keep',
    debounce_ms bigint DEFAULT NULL, at_most_ms bigint DEFAULT NULL, idempotency_key text DEFAULT NULL,
    OUT job_id bigint, OUT outcome text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    new_payload bytea := coalesce(enqueue.payload, '');
    queue_name text := coalesce(enqueue.queue, 'default');
    type text := coalesce(enqueue.content_type, 'application/octet-stream');
    policy text := coalesce(enqueue.on_conflict, 'keep');
    new_priority bigint := coalesce(enqueue.priority, 1024);
    attempts bigint := coalesce(enqueue.max_attempts, 10);
    crashes bigint := coalesce(enqueue.max_crashes, 3);
    delay bigint := coalesce(least(enqueue.debounce_ms, enqueue.at_most_ms), enqueue.delay_ms, 0);
    problem text := stint.enqueue_problem(
        new_payload, queue_name, type, enqueue.headers, new_priority, coalesce(enqueue.delay_ms, 0), attempts, crashes,
        enqueue.time_to_run_ms, enqueue.unique_key, enqueue."group", enqueue.expires_ms, policy, enqueue.debounce_ms,
        enqueue.at_most_ms, enqueue.idempotency_key);
    the_queue integer;
    the_group bigint;
    wall bigint;
    holder record;
    state record;
    digest record;
    taken text;
    start bigint;
    new_limit bigint;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'stint.enqueue: %', problem USING ERRCODE = 'invalid_parameter_value';
    END IF;
    the_queue := stint.queue_named(queue_name);
    IF enqueue."group" IS NOT NULL THEN
        -- A claim by turns, which holds the lock alone, takes groups without ready jobs out of the line.
        PERFORM pg_advisory_xact_lock_shared(1937009006, the_queue);
        the_group := stint.group_named(the_queue, enqueue."group");
    END IF;

    IF enqueue.idempotency_key IS NOT NULL THEN
        wall := stint.caller_now_ms();
        -- Others that enqueue with this key wait here for the commit of the one that was first.
        INSERT INTO stint.idempotency_keys AS k (queue_id, key, job_id, enqueued_at)
        VALUES (the_queue, enqueue.idempotency_key, 0, wall)
        ON CONFLICT (queue_id, key) DO UPDATE SET enqueued_at = excluded.enqueued_at
            WHERE k.enqueued_at <= wall - 86400000;
        IF NOT FOUND THEN
            SELECT k.job_id, 'duplicate' INTO job_id, outcome FROM stint.idempotency_keys k
            WHERE k.queue_id = the_queue AND k.key = enqueue.idempotency_key;
            RETURN;
        END IF;
        DELETE FROM stint.idempotency_keys k USING (
            SELECT o.queue_id, o.key FROM stint.idempotency_keys o WHERE o.enqueued_at <= wall - 86400000
            ORDER BY o.enqueued_at LIMIT 10 FOR UPDATE SKIP LOCKED) old
        WHERE k.queue_id = old.queue_id AND k.key = old.key;
    END IF;

    IF enqueue.unique_key IS NULL THEN
        job_id := nextval('stint.job_ids');
        outcome := 'added';
    END IF;
    FOR try IN 1..20 LOOP
        EXIT WHEN outcome IS NOT NULL;
        -- Others that enqueue this key wait here for the commit of the one that was first.
        INSERT INTO stint.unique_keys (job_id, queue_id, key)
        VALUES (nextval('stint.job_ids'), the_queue, enqueue.unique_key)
        ON CONFLICT (queue_id, key) DO NOTHING RETURNING unique_keys.job_id INTO job_id;
        IF FOUND THEN
            outcome := 'added';
            EXIT;
        END IF;
        SELECT u.job_id, u.was_claimed, j.is_digest, j.content_type, j.headers INTO holder
        FROM stint.unique_keys u LEFT JOIN stint.jobs j ON j.id = u.job_id
        WHERE u.queue_id = the_queue AND u.key = enqueue.unique_key FOR UPDATE OF u;
        CONTINUE WHEN NOT FOUND;
        job_id := holder.job_id;
        wall := stint.caller_now_ms();
        IF policy = 'keep' THEN
            SELECT * INTO state FROM stint.look_waiting(holder.job_id);
        ELSE
            SELECT * INTO state FROM stint.lock_waiting(holder.job_id);
        END IF;
        IF holder.is_digest IS NOT NULL AND NOT (coalesce(state.is_waiting AND state.expires_at <= wall, false)) THEN
            IF policy = 'keep' THEN
                outcome := 'duplicate';
                EXIT;
            END IF;
            IF policy = 'replace' AND state.is_waiting AND NOT holder.was_claimed AND NOT holder.is_digest THEN
                taken := stint.take_waiting(holder.job_id);
                outcome := 'replaced';
                EXIT;
            END IF;
            IF policy = 'collect' AND state.is_waiting AND NOT holder.was_claimed AND holder.is_digest
                AND holder.content_type = type
                AND stint.job_name(holder.headers) IS NOT DISTINCT FROM stint.job_name(enqueue.headers)
            THEN
                SELECT * INTO digest FROM stint.digests d WHERE d.job_id = holder.job_id;
                IF digest.events < 1000 AND digest.bytes + octet_length(new_payload) <= 16777216 THEN
                    outcome := 'collected';
                    EXIT;
                END IF;
            END IF;
        END IF;
        -- The new job becomes the next one of the key.
        DELETE FROM stint.unique_keys u WHERE u.queue_id = the_queue AND u.key = enqueue.unique_key;
    END LOOP;
    IF outcome IS NULL THEN
        RAISE EXCEPTION 'stint.enqueue: the unique key % was taken and freed by others 20 times in a row', enqueue.unique_key
            USING ERRCODE = 'serialization_failure', HINT = 'Begin the transaction again.';
    END IF;
    IF enqueue.idempotency_key IS NOT NULL THEN
        UPDATE stint.idempotency_keys k SET job_id = enqueue.job_id
        WHERE k.queue_id = the_queue AND k.key = enqueue.idempotency_key;
    END IF;
    IF outcome = 'duplicate' THEN RETURN; END IF;

    wall := stint.caller_now_ms();
    IF outcome = 'collected' THEN
        new_limit := least(digest.start_limit, digest.opened_at + enqueue.at_most_ms);
        INSERT INTO stint.events (job_id, payload) VALUES (enqueue.job_id, new_payload);
        UPDATE stint.digests d
        SET events = events + 1, bytes = bytes + octet_length(new_payload), start_limit = new_limit
        WHERE d.job_id = enqueue.job_id;
        IF enqueue.debounce_ms IS NOT NULL AND state.run_at > wall THEN
            start := least(wall + enqueue.debounce_ms, new_limit);
            UPDATE stint.delayed d SET run_at = start WHERE d.job_id = enqueue.job_id;
            -- A worker that sleeps until the old start must wake.
            IF start < state.run_at THEN PERFORM pg_notify('stint', 'sql ' || the_queue); END IF;
        END IF;
        RETURN;
    END IF;

    IF outcome = 'replaced' THEN
        UPDATE stint.jobs j
        SET priority = new_priority, max_attempts = attempts, max_crashes = crashes, time_to_run_ms = enqueue.time_to_run_ms,
            enqueued_at = wall, content_type = type, headers = nullif(enqueue.headers, ''), payload = new_payload
        WHERE j.id = enqueue.job_id;
    ELSE
        INSERT INTO stint.jobs (id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at, is_digest,
                                content_type, headers, payload)
        VALUES (enqueue.job_id, the_queue, new_priority, attempts, crashes, enqueue.time_to_run_ms, wall, policy = 'collect',
                type, nullif(enqueue.headers, ''), new_payload);
        IF policy = 'collect' THEN
            INSERT INTO stint.digests (job_id, opened_at, start_limit, events, bytes)
            VALUES (enqueue.job_id, wall, wall + enqueue.at_most_ms, 1, octet_length(new_payload));
        END IF;
    END IF;
    IF delay > 0 THEN
        INSERT INTO stint.delayed (job_id, queue_id, attempts, crashes, suspect, group_id, expires_at, run_at)
        VALUES (enqueue.job_id, the_queue, 0, 0, false, the_group, wall + enqueue.expires_ms, wall + delay);
    ELSE
        INSERT INTO stint.ready (job_id, queue_id, attempts, crashes, suspect, group_id, expires_at, priority, ready_at)
        VALUES (enqueue.job_id, the_queue, 0, 0, false, the_group, wall + enqueue.expires_ms, new_priority,
                CASE WHEN outcome = 'replaced' THEN wall END);
        UPDATE stint.groups g
        SET is_in_line = true,
            turn = greatest(g.turn, coalesce((SELECT t.turn FROM stint.turns t WHERE t.queue_id = the_queue), 0) - 1)
        WHERE g.id = the_group AND NOT g.is_in_line;
    END IF;
    INSERT INTO stint.tallies AS t (queue_id, start, slot, ready, delayed, enqueued)
    VALUES (the_queue, wall - wall % 10000, stint.caller_slot(),
            (delay <= 0)::integer - coalesce((taken = 'ready')::integer, 0),
            (delay > 0)::integer - coalesce((taken = 'delayed')::integer, 0), (outcome = 'added')::integer)
    ON CONFLICT (queue_id, start, slot) DO UPDATE SET ready = t.ready + excluded.ready,
        delayed = t.delayed + excluded.delayed, enqueued = t.enqueued + excluded.enqueued;
    PERFORM pg_notify('stint', 'sql ' || the_queue);
END
$$;
COMMENT ON FUNCTION stint.enqueue(
    bytea, text, text, text, bigint, bigint, bigint, bigint, bigint, text, text, bigint, text, bigint, bigint, text) IS
    'Adds a job; the outcome is added, duplicate, replaced or collected, and job_id the job that has the payload or the unique key';

CREATE FUNCTION stint.enqueue(
    payload text, queue text DEFAULT 'default', content_type text DEFAULT NULL, headers text DEFAULT NULL,
    priority bigint DEFAULT NULL, delay_ms bigint DEFAULT NULL, max_attempts bigint DEFAULT NULL,
    max_crashes bigint DEFAULT NULL, time_to_run_ms bigint DEFAULT NULL, unique_key text DEFAULT NULL,
    "group" text DEFAULT NULL, expires_ms bigint DEFAULT NULL, on_conflict text DEFAULT 'keep',
    debounce_ms bigint DEFAULT NULL, at_most_ms bigint DEFAULT NULL, idempotency_key text DEFAULT NULL,
    OUT job_id bigint, OUT outcome text
) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM stint.enqueue(
        convert_to(payload, 'UTF8'), queue, coalesce(content_type, 'text/plain; charset=utf-8'), headers, priority, delay_ms,
        max_attempts, max_crashes, time_to_run_ms, unique_key, "group", expires_ms, on_conflict, debounce_ms, at_most_ms,
        idempotency_key)
$$;
COMMENT ON FUNCTION stint.enqueue(
    text, text, text, text, bigint, bigint, bigint, bigint, bigint, text, text, bigint, text, bigint, bigint, text) IS
    'Adds a job whose payload is text; the content type is text/plain if none is given';

-- The end of a job that its holder has done, in the transaction in which it did it.
CREATE FUNCTION stint.ack(token bigint, job bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    wall bigint := stint.caller_now_ms();
    lease record;
    settings record;
    place integer;
    run bigint;
BEGIN
    SELECT l.queue_id, l.claimed_at, l.job_ids, l.attempts, l.crashes, l.group_ids INTO lease
    FROM stint.leases l WHERE l.token = ack.token FOR UPDATE;
    place := array_position(lease.job_ids, ack.job);
    IF place IS NULL THEN RETURN false; END IF;
    IF cardinality(lease.job_ids) = 1 THEN
        DELETE FROM stint.leases l WHERE l.token = ack.token;
    ELSE
        UPDATE stint.leases l
        SET job_ids = l.job_ids[:place - 1] || l.job_ids[place + 1:],
            attempts = l.attempts[:place - 1] || l.attempts[place + 1:],
            crashes = l.crashes[:place - 1] || l.crashes[place + 1:],
            group_ids = l.group_ids[:place - 1] || l.group_ids[place + 1:],
            expiries = l.expiries[:place - 1] || l.expiries[place + 1:]
        WHERE l.token = ack.token;
    END IF;
    SELECT q.retention_ms > 0 AS keeps, coalesce(q.concurrency, q.group_concurrency) IS NOT NULL AS is_limited INTO settings
    FROM stint.queues q WHERE q.id = lease.queue_id;
    IF settings.keeps THEN
        INSERT INTO stint.done (job_id, done_at, queue_id, attempts, crashes, group_id)
        VALUES (ack.job, wall, lease.queue_id, lease.attempts[place], lease.crashes[place], lease.group_ids[place]);
    ELSE
        DELETE FROM stint.jobs WHERE id = ack.job;
        DELETE FROM stint.failures WHERE job_id = ack.job;
        DELETE FROM stint.digests WHERE job_id = ack.job;
        DELETE FROM stint.events WHERE job_id = ack.job;
    END IF;
    DELETE FROM stint.unique_keys WHERE job_id = ack.job;
    run := greatest(0, wall - lease.claimed_at);
    INSERT INTO stint.tallies AS t (queue_id, start, slot, leased, done, runs_ms, runs)
    VALUES (lease.queue_id, wall - wall % 10000, stint.caller_slot(), -1, 1, run, stint.histogram(ARRAY[run]))
    ON CONFLICT (queue_id, start, slot) DO UPDATE SET leased = t.leased + excluded.leased, done = t.done + excluded.done,
        runs_ms = t.runs_ms + excluded.runs_ms, runs = stint.add_counts(t.runs, excluded.runs);
    -- Listeners look; the end of a job may let another one of a queue with limits start.
    PERFORM pg_notify('stint', 'sql ' || CASE WHEN settings.is_limited THEN lease.queue_id::text ELSE '' END);
    RETURN true;
END
$$;
COMMENT ON FUNCTION stint.ack(bigint, bigint) IS
    'Ends a job that is done; false: its lease is lost, so another worker may run it, and this transaction should be undone';

REVOKE ALL ON FUNCTION stint.enqueue(
    bytea, text, text, text, bigint, bigint, bigint, bigint, bigint, text, text, bigint, text, bigint, bigint, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION stint.enqueue(
    text, text, text, text, bigint, bigint, bigint, bigint, bigint, text, text, bigint, text, bigint, bigint, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION stint.ack(bigint, bigint) FROM PUBLIC;
