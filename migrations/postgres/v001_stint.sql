-- Stint's tables, in a schema of their own. A job is one row in stint.jobs and is in exactly one state: a row in
-- stint.ready, delayed, buried, done, cancelled or expired, or an element of a row in stint.leases. Moving a job between
-- states never rewrites its payload, and a claim of many jobs inserts one row.
--
-- To look at jobs use the view stint.job at the end of this file. All times are milliseconds since 1970 UTC, as in the
-- SQLite store, so that jobs move between both without a change, and no session's time zone matters. There are no foreign
-- keys: each would lock a row of a queue for each job.

-- The store's time is that of the server. Tests set stint.test_now_ms and stint.test_steady_ms in their transactions.
CREATE FUNCTION stint.now_ms() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('stint.test_now_ms', true), '')::bigint,
                    floor(date_part('epoch', clock_timestamp()) * 1000)::bigint)
$$;
COMMENT ON FUNCTION stint.now_ms() IS 'Milliseconds since 1970 UTC, by the clock of the server, when it is called';

CREATE TABLE stint.clock (
    id    boolean PRIMARY KEY DEFAULT true CHECK (id),
    jumps bigint  NOT NULL
);
INSERT INTO stint.clock (jumps) VALUES (0);
COMMENT ON TABLE stint.clock IS 'One row: by how many milliseconds the clock of the server was set ahead, less by how many it was set back';

-- PostgreSQL has no clock that is never set. Processes compare the server's with their own monotonic ones, and write down
-- its jumps before they look for leases that have ended.
CREATE FUNCTION stint.steady_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(nullif(current_setting('stint.test_steady_ms', true), '')::bigint,
                    stint.now_ms() - (SELECT jumps FROM stint.clock))
$$;
COMMENT ON FUNCTION stint.steady_ms() IS 'Milliseconds by a clock that does not follow when the clock of the server is set';

CREATE SEQUENCE stint.job_ids;
CREATE SEQUENCE stint.tokens;

-- A standby that becomes the primary may not have the last values of the sequence. It begins a new timeline, so each
-- timeline has its own range of 2^40 tokens.
CREATE FUNCTION stint.next_token() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint - 1 << 40)
           + nextval('stint.tokens')
$$;
COMMENT ON FUNCTION stint.next_token() IS 'A fencing token that was never used before, also not before a failover';

-- Both may be shorter than the other.
CREATE FUNCTION stint.add_counts(one bigint[], other bigint[]) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF cardinality(other) = 0 THEN RETURN one; END IF;
    IF cardinality(one) = 0 THEN RETURN other; END IF;
    FOR place IN 1..cardinality(other) LOOP
        one[place] := coalesce(one[place], 0) + other[place];
    END LOOP;
    RETURN one;
END
$$;
COMMENT ON FUNCTION stint.add_counts(bigint[], bigint[]) IS 'Adds two lists of counts, element by element';

-- As LatencyHistogram counts them: bucket 1 has times up to 1 ms, bucket 2 up to 2 ms, and so on, each twice as long.
CREATE FUNCTION stint.histogram(times bigint[]) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    bounds CONSTANT bigint[] := ARRAY[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072,
        262144, 524288, 1048576, 2097152, 4194304, 8388608, 16777216, 33554432, 67108864, 134217728];
    counts bigint[] := '{}';
    time bigint;
    place integer;
BEGIN
    FOREACH time IN ARRAY coalesce(times, '{}') LOOP
        place := width_bucket(time - 1, bounds) + 1;
        FOR gap IN cardinality(counts) + 1..place LOOP counts[gap] := 0; END LOOP;
        counts[place] := counts[place] + 1;
    END LOOP;
    RETURN counts;
END
$$;
COMMENT ON FUNCTION stint.histogram(bigint[]) IS 'Counts times in milliseconds by their lengths';

CREATE AGGREGATE stint.sum_counts(bigint[]) (SFUNC = stint.add_counts, STYPE = bigint[], INITCOND = '{}');
COMMENT ON AGGREGATE stint.sum_counts(bigint[]) IS 'Adds lists of counts, element by element';

CREATE TABLE stint.migrations (
    version    integer PRIMARY KEY,
    name       text   NOT NULL,
    sql        text   NOT NULL,
    applied_at bigint NOT NULL
);
COMMENT ON TABLE stint.migrations IS 'The migrations that were applied, with their whole text';

-- Names are compared and ordered by their bytes, as in the SQLite store.
CREATE TABLE stint.queues (
    id                integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name              text COLLATE "C" NOT NULL UNIQUE,
    paused            boolean NOT NULL DEFAULT false,
    pause_reason      text,
    retention_ms      bigint  NOT NULL DEFAULT 0,
    concurrency       integer,
    rate_starts       integer,
    rate_ms           bigint,
    group_concurrency integer,
    group_rate_starts integer,
    group_rate_ms     bigint,
    is_loose          boolean NOT NULL DEFAULT false,
    is_fair           boolean NOT NULL DEFAULT true,
    search            boolean NOT NULL DEFAULT false,
    has_groups        boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE stint.queues IS 'One row a queue with its settings; its counts are in stint.tallies';
COMMENT ON COLUMN stint.queues.paused IS 'Nothing is claimed';
COMMENT ON COLUMN stint.queues.pause_reason IS 'NULL: it is not paused, or no reason was given';
COMMENT ON COLUMN stint.queues.retention_ms IS 'How long jobs are kept when they are over; 0: not at all';
COMMENT ON COLUMN stint.queues.concurrency IS 'The most jobs that are leased at once; NULL: no limit';
COMMENT ON COLUMN stint.queues.rate_starts IS 'The most claimed jobs in any window of rate_ms; NULL: no limit';
COMMENT ON COLUMN stint.queues.is_loose IS 'A job that waits for its retry lets its group go on';
COMMENT ON COLUMN stint.queues.is_fair IS 'false: priority alone decides, whatever the group';
COMMENT ON COLUMN stint.queues.search IS 'A setting for stores with an index of free text; this one has none';
COMMENT ON COLUMN stint.queues.has_groups IS 'One of its jobs has, or had, a group; claims serve the groups by turn';

-- How many jobs are in each state, and what happened: each row has the changes of ten seconds, made by one in sixteen
-- connections, and the sums are over all rows of a queue. One row a queue would be locked by every commit, and under an
-- old snapshot each change would search all its dead versions. A reap adds finished rows to stint.buckets and to the row
-- with start 0 and slot -1.
CREATE TABLE stint.tallies (
    queue_id  integer  NOT NULL,
    start     bigint   NOT NULL,
    slot      smallint NOT NULL,
    ready     bigint   NOT NULL DEFAULT 0,
    delayed   bigint   NOT NULL DEFAULT 0,
    leased    bigint   NOT NULL DEFAULT 0,
    buried    bigint   NOT NULL DEFAULT 0,
    enqueued  bigint   NOT NULL DEFAULT 0,
    started   bigint   NOT NULL DEFAULT 0,
    done      bigint   NOT NULL DEFAULT 0,
    failed    bigint   NOT NULL DEFAULT 0,
    crashed   bigint   NOT NULL DEFAULT 0,
    lost      bigint   NOT NULL DEFAULT 0,
    burials   bigint   NOT NULL DEFAULT 0,
    cancelled bigint   NOT NULL DEFAULT 0,
    expired   bigint   NOT NULL DEFAULT 0,
    waits_ms  bigint   NOT NULL DEFAULT 0,
    runs_ms   bigint   NOT NULL DEFAULT 0,
    waits     bigint[] NOT NULL DEFAULT '{}',
    runs      bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (queue_id, start, slot)
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE stint.tallies IS 'Changes of the counts of queues: their sums are the counts';
COMMENT ON COLUMN stint.tallies.start IS 'When the ten seconds begin; 0: all time before the other rows';
COMMENT ON COLUMN stint.tallies.slot IS 'pg_backend_pid() & 15 of one of Stint''s connections, more for applications (stint.caller_slot()), -1 for what was added up';
COMMENT ON COLUMN stint.tallies.buried IS 'The change of the number of buried jobs; burials counts only those that came';
COMMENT ON COLUMN stint.tallies.waits IS 'Times from ready to claimed: how many up to 1 ms, up to 2 ms, up to 4 ms and so on';
COMMENT ON COLUMN stint.tallies.runs IS 'Times from the claim to the end of attempts that ran and were settled, likewise';

CREATE TABLE stint.buckets (
    seconds   integer  NOT NULL,
    start     bigint   NOT NULL,
    queue_id  integer  NOT NULL,
    enqueued  bigint   NOT NULL DEFAULT 0,
    started   bigint   NOT NULL DEFAULT 0,
    done      bigint   NOT NULL DEFAULT 0,
    failed    bigint   NOT NULL DEFAULT 0,
    crashed   bigint   NOT NULL DEFAULT 0,
    lost      bigint   NOT NULL DEFAULT 0,
    buried    bigint   NOT NULL DEFAULT 0,
    cancelled bigint   NOT NULL DEFAULT 0,
    expired   bigint   NOT NULL DEFAULT 0,
    waits_ms  bigint   NOT NULL DEFAULT 0,
    runs_ms   bigint   NOT NULL DEFAULT 0,
    waits     bigint[] NOT NULL DEFAULT '{}',
    runs      bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (seconds, start, queue_id)
);
COMMENT ON TABLE stint.buckets IS 'What happened in a minute (kept for an hour) or an hour (kept for three days), but for what is still in stint.tallies';

-- Fixed lengths first. A job that was claimed once never changes, but for its priority.
CREATE TABLE stint.jobs (
    id             bigint  PRIMARY KEY,
    priority       bigint  NOT NULL,
    enqueued_at    bigint  NOT NULL,
    time_to_run_ms bigint,
    queue_id       integer NOT NULL,
    max_attempts   integer NOT NULL,
    max_crashes    integer NOT NULL,
    is_digest      boolean NOT NULL DEFAULT false,
    content_type   text    NOT NULL,
    headers        text,
    payload        bytea   NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
-- Payloads are read once each; and a claim that had to decompress them would take longer.
ALTER TABLE stint.jobs ALTER COLUMN payload SET STORAGE EXTERNAL;
COMMENT ON TABLE stint.jobs IS 'One row a job with its payload, whatever its state';
COMMENT ON COLUMN stint.jobs.time_to_run_ms IS 'NULL: the worker decides';
COMMENT ON COLUMN stint.jobs.headers IS 'Lines `name: value`; NULL: none';

CREATE TABLE stint.ready (
    job_id     bigint  NOT NULL,
    priority   bigint  NOT NULL,
    queue_id   integer NOT NULL,
    attempts   integer NOT NULL,
    crashes    integer NOT NULL,
    suspect    boolean NOT NULL,
    group_id   bigint,
    expires_at bigint,
    ready_at   bigint
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE stint.ready IS 'Jobs that wait for a worker, in the order of priority, then id';
COMMENT ON COLUMN stint.ready.suspect IS 'It may have killed its last worker and is claimed alone';
COMMENT ON COLUMN stint.ready.ready_at IS 'NULL: since its enqueue';
-- Claims of jobs without a group, and of jobs of one group, each read one range of an index.
CREATE UNIQUE INDEX ready_line ON stint.ready (queue_id, priority, job_id) WHERE group_id IS NULL;
CREATE UNIQUE INDEX ready_grouped ON stint.ready (queue_id, priority, job_id) WHERE group_id IS NOT NULL;
CREATE INDEX ready_group ON stint.ready (group_id, priority, job_id) WHERE group_id IS NOT NULL;
CREATE INDEX ready_expiry ON stint.ready (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX ready_since ON stint.ready (queue_id, ready_at) WHERE ready_at IS NOT NULL;

CREATE TABLE stint.delayed (
    job_id      bigint  PRIMARY KEY,
    run_at      bigint  NOT NULL,
    queue_id    integer NOT NULL,
    attempts    integer NOT NULL,
    crashes     integer NOT NULL,
    suspect     boolean NOT NULL,
    holds_group boolean NOT NULL DEFAULT false,
    group_id    bigint,
    expires_at  bigint
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX delayed_due ON stint.delayed (queue_id, run_at, job_id);
CREATE INDEX delayed_group ON stint.delayed (group_id, holds_group, job_id) WHERE group_id IS NOT NULL;
CREATE INDEX delayed_expiry ON stint.delayed (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE stint.delayed IS 'Jobs that become ready at a time';
COMMENT ON COLUMN stint.delayed.holds_group IS 'It was started, and its group waits for it if the queue is strict';

-- The arrays have an element for each job that is still held, in the same order.
CREATE TABLE stint.leases (
    token         bigint   PRIMARY KEY,
    deadline      bigint   NOT NULL,
    claimed_at    bigint   NOT NULL,
    expires_at    bigint   NOT NULL,
    duration_ms   bigint   NOT NULL,
    worker_id     bigint,
    queue_id      integer  NOT NULL,
    suspect       boolean  NOT NULL DEFAULT false,
    worker        text     NOT NULL,
    job_ids       bigint[] NOT NULL,
    attempts      integer[] NOT NULL,
    crashes       integer[] NOT NULL,
    group_ids     bigint[],
    expiries      bigint[]
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX leases_deadline ON stint.leases (deadline);
CREATE INDEX leases_worker ON stint.leases (worker_id) WHERE worker_id IS NOT NULL;
CREATE INDEX leases_queue ON stint.leases (queue_id);
COMMENT ON TABLE stint.leases IS 'One row a claim and queue, with the jobs that its worker holds; stint.leased has a row a job';
COMMENT ON COLUMN stint.leases.token IS 'The fencing token: never used again';
COMMENT ON COLUMN stint.leases.deadline IS 'By stint.steady_ms(): when the jobs may be reclaimed, unless the lease is extended';
COMMENT ON COLUMN stint.leases.expires_at IS 'The deadline by the wall clock, for people';
COMMENT ON COLUMN stint.leases.duration_ms IS 'How long it was granted or last extended for';
COMMENT ON COLUMN stint.leases.worker_id IS 'NULL: its worker is not registered';
COMMENT ON COLUMN stint.leases.worker IS 'host:pid';
COMMENT ON COLUMN stint.leases.suspect IS 'Of its only job: it may have killed its last worker';
COMMENT ON COLUMN stint.leases.attempts IS 'With the one that is running';
COMMENT ON COLUMN stint.leases.group_ids IS 'NULL: none of the jobs has a group';
COMMENT ON COLUMN stint.leases.expiries IS 'NULL: none of the jobs expires';

CREATE VIEW stint.leased AS
SELECT h.job_id, l.token, l.queue_id, h.attempts, h.crashes, l.suspect, l.group_ids[h.place] AS group_id,
       l.expiries[h.place] AS expires_at, l.worker, l.worker_id, l.claimed_at, l.expires_at AS lease_expires_at
FROM stint.leases l,
     unnest(l.job_ids, l.attempts, l.crashes) WITH ORDINALITY AS h (job_id, attempts, crashes, place);
COMMENT ON VIEW stint.leased IS 'Jobs that a worker holds';

CREATE TABLE stint.buried (
    job_id      bigint  PRIMARY KEY,
    buried_at   bigint  NOT NULL,
    error_group bigint  NOT NULL,
    queue_id    integer NOT NULL,
    attempts    integer NOT NULL,
    crashes     integer NOT NULL,
    group_id    bigint,
    expires_at  bigint,
    reason      text    NOT NULL
);
CREATE INDEX buried_queue ON stint.buried (queue_id, job_id);
CREATE INDEX buried_errors ON stint.buried (error_group, queue_id, job_id);
CREATE INDEX buried_group ON stint.buried (group_id, job_id) WHERE group_id IS NOT NULL;
COMMENT ON TABLE stint.buried IS 'Jobs that were set aside until a person kicks or deletes them';
COMMENT ON COLUMN stint.buried.error_group IS 'The number of the fingerprint of the error';

CREATE TABLE stint.error_groups (
    error_group bigint  NOT NULL,
    queue_id    integer NOT NULL,
    buried      bigint  NOT NULL,
    first_at    bigint  NOT NULL,
    last_at     bigint  NOT NULL,
    PRIMARY KEY (error_group, queue_id)
);
CREATE INDEX error_groups_size ON stint.error_groups (queue_id, buried, error_group);
COMMENT ON TABLE stint.error_groups IS 'How many jobs are buried with like errors; queue_id 0: in all queues together';

CREATE TABLE stint.done (
    job_id   bigint  PRIMARY KEY,
    done_at  bigint  NOT NULL,
    queue_id integer NOT NULL,
    attempts integer NOT NULL,
    crashes  integer NOT NULL,
    group_id bigint
);
CREATE INDEX done_queue ON stint.done (queue_id, done_at, job_id);
CREATE INDEX done_group ON stint.done (group_id, job_id) WHERE group_id IS NOT NULL;
COMMENT ON TABLE stint.done IS 'Jobs that were acknowledged, of queues with a retention';

CREATE TABLE stint.cancelled (
    job_id       bigint  PRIMARY KEY,
    cancelled_at bigint  NOT NULL,
    queue_id     integer NOT NULL,
    attempts     integer NOT NULL,
    crashes      integer NOT NULL,
    group_id     bigint,
    reason       text    NOT NULL
);
CREATE INDEX cancelled_queue ON stint.cancelled (queue_id, cancelled_at, job_id);
CREATE INDEX cancelled_group ON stint.cancelled (group_id, job_id) WHERE group_id IS NOT NULL;
COMMENT ON TABLE stint.cancelled IS 'Jobs that were called off, of queues with a retention';

CREATE TABLE stint.expired (
    job_id     bigint  PRIMARY KEY,
    expired_at bigint  NOT NULL,
    queue_id   integer NOT NULL,
    attempts   integer NOT NULL,
    crashes    integer NOT NULL,
    group_id   bigint,
    reason     text    NOT NULL
);
CREATE INDEX expired_queue ON stint.expired (queue_id, expired_at, job_id);
CREATE INDEX expired_group ON stint.expired (group_id, job_id) WHERE group_id IS NOT NULL;
COMMENT ON TABLE stint.expired IS 'Jobs whose time was over before their start, of queues with a retention';

CREATE TABLE stint.unique_keys (
    job_id      bigint  NOT NULL,
    queue_id    integer NOT NULL,
    was_claimed boolean NOT NULL DEFAULT false,
    key         text COLLATE "C" NOT NULL,
    PRIMARY KEY (queue_id, key)
);
CREATE UNIQUE INDEX unique_keys_job ON stint.unique_keys (job_id);
COMMENT ON TABLE stint.unique_keys IS 'A row from the enqueue until the job is over or deleted';
COMMENT ON COLUMN stint.unique_keys.was_claimed IS 'It came back from a claim: it takes no more events, and nothing replaces it';

CREATE TABLE stint.idempotency_keys (
    enqueued_at bigint  NOT NULL,
    job_id      bigint  NOT NULL,
    queue_id    integer NOT NULL,
    key         text COLLATE "C" NOT NULL,
    PRIMARY KEY (queue_id, key)
);
CREATE INDEX idempotency_keys_age ON stint.idempotency_keys (enqueued_at);
COMMENT ON TABLE stint.idempotency_keys IS 'What was enqueued with a key in the last day, so that it can be repeated';

CREATE TABLE stint.digests (
    job_id      bigint  PRIMARY KEY,
    opened_at   bigint  NOT NULL,
    start_limit bigint,
    events      integer NOT NULL,
    bytes       bigint  NOT NULL
);
COMMENT ON TABLE stint.digests IS 'Jobs that collect events; the payload of the first is the job''s own';
COMMENT ON COLUMN stint.digests.start_limit IS 'The latest time to which events move its start; NULL: none';
COMMENT ON COLUMN stint.digests.bytes IS 'Of the payloads of all events';

CREATE TABLE stint.events (
    id      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    job_id  bigint NOT NULL,
    payload bytea  NOT NULL
);
ALTER TABLE stint.events ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX events_job ON stint.events (job_id, id);
COMMENT ON TABLE stint.events IS 'The second event of a digest and those after it, in the order of their ids';

-- The groups of a queue are in its line while they have ready jobs. Claims serve them by turn: each job that is served
-- moves the group's turn ahead, by less if its weight is greater. A claim of such a queue holds its lock (an advisory one,
-- see docs) alone; what makes one of its jobs with a group ready holds it together with others.
CREATE TABLE stint.groups (
    id         bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    turn       bigint  NOT NULL DEFAULT 0,
    resume_at  bigint,
    queue_id   integer NOT NULL,
    weight     integer NOT NULL DEFAULT 1,
    is_in_line boolean NOT NULL DEFAULT false,
    name       text COLLATE "C" NOT NULL,
    UNIQUE (queue_id, name)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE INDEX groups_line ON stint.groups (queue_id, turn, id) WHERE is_in_line AND resume_at IS NULL;
CREATE INDEX groups_resume ON stint.groups (queue_id, resume_at) WHERE resume_at IS NOT NULL;
COMMENT ON TABLE stint.groups IS 'The tenants, customers or hosts for which jobs are; what runs of each is in stint.leases';
COMMENT ON COLUMN stint.groups.name IS 'Empty: the jobs without a group, whose group_id is NULL';
COMMENT ON COLUMN stint.groups.is_in_line IS 'It may have ready jobs; not kept for the jobs without a group';
COMMENT ON COLUMN stint.groups.resume_at IS 'By stint.steady_ms(): when its rate allows the next start; NULL: now';

CREATE TABLE stint.turns (
    queue_id integer PRIMARY KEY,
    turn     bigint  NOT NULL
) WITH (fillfactor = 30);
COMMENT ON TABLE stint.turns IS 'The turn of the group of a queue that was served last';

CREATE TABLE stint.starts (
    queue_id integer NOT NULL,
    group_id bigint  NOT NULL,
    at       bigint  NOT NULL,
    starts   integer NOT NULL,
    PRIMARY KEY (queue_id, group_id, at)
);
COMMENT ON TABLE stint.starts IS 'How many jobs were claimed when, by stint.steady_ms(), of queues and groups with a rate; group_id 0: all jobs of the queue';

CREATE TABLE stint.failures (
    id                bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    job_id            bigint  NOT NULL,
    at                bigint  NOT NULL,
    peak_memory_bytes bigint,
    run_time_ms       bigint,
    attempt           integer NOT NULL,
    exit_code         integer,
    kind              text    NOT NULL,
    error             text    NOT NULL,
    worker            text,
    signal            text,
    standard_error    text
);
CREATE INDEX failures_job ON stint.failures (job_id, id);
CREATE INDEX failures_deaths ON stint.failures (id) WHERE kind IN ('crashed', 'lost', 'expired');
COMMENT ON TABLE stint.failures IS 'Attempts that did not end well; the last 50 of a job';
COMMENT ON COLUMN stint.failures.kind IS 'failed, crashed, expired (its lease), lost, buried or refused';
COMMENT ON COLUMN stint.failures.standard_error IS 'The last 4 KiB';

CREATE TABLE stint.workers (
    id                 bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    registered_at      bigint  NOT NULL,
    seen               bigint  NOT NULL,
    concurrency        integer NOT NULL,
    name               text    NOT NULL,
    process            text    NOT NULL,
    process_name       text    NOT NULL,
    supervisor         text,
    supervisor_name    text,
    supervisor_sign    text,
    scoreboard         text,
    queues             text    NOT NULL,
    command            text
);
CREATE INDEX workers_process ON stint.workers (process);
COMMENT ON TABLE stint.workers IS 'One row a worker, from its start to its orderly end or until it is known to be dead';
COMMENT ON COLUMN stint.workers.process IS 'Distinguishes the process from every other one, of any machine and time';
COMMENT ON COLUMN stint.workers.seen IS 'When it last said that it lives, by stint.steady_ms()';
COMMENT ON COLUMN stint.workers.supervisor_sign IS 'A file in a folder of its machine, which its supervisor keeps locked as long as it lives';
COMMENT ON COLUMN stint.workers.scoreboard IS 'A file in the same folder, which it keeps locked as long as it lives: what it has started; NULL: none';
COMMENT ON COLUMN stint.workers.queues IS 'With spaces between';
COMMENT ON COLUMN stint.workers.command IS 'What it was ordered to do: quiet, stop or restart; NULL: to work';

CREATE TABLE stint.restarts (
    id           bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    requested_at bigint NOT NULL
);
COMMENT ON TABLE stint.restarts IS 'The latest request to replace all workers; at most one row';

CREATE TABLE stint.schedules (
    id              bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name            text COLLATE "C" NOT NULL UNIQUE,
    cron            text,
    time_zone       text,
    every_ms        bigint,
    every_from      bigint,
    missed          text    NOT NULL,
    paused          boolean NOT NULL DEFAULT false,
    ticked_until    bigint  NOT NULL,
    next_tick       bigint,
    queue           text COLLATE "C" NOT NULL,
    priority        bigint  NOT NULL,
    delay_ms        bigint  NOT NULL,
    max_attempts    integer NOT NULL,
    max_crashes     integer NOT NULL,
    time_to_run_ms  bigint,
    unique_key      text COLLATE "C",
    group_name      text COLLATE "C",
    expires_ms      bigint,
    on_conflict     text    NOT NULL DEFAULT 'keep',
    debounce_ms     bigint,
    at_most_ms      bigint,
    max_events      integer NOT NULL DEFAULT 1000,
    max_event_bytes integer NOT NULL DEFAULT 16777216,
    content_type    text    NOT NULL,
    headers         text,
    payload         bytea   NOT NULL,
    CHECK ((cron IS NULL) <> (every_ms IS NULL) AND (cron IS NULL) = (time_zone IS NULL))
);
CREATE INDEX schedules_due ON stint.schedules (next_tick) WHERE next_tick IS NOT NULL;
CREATE INDEX schedules_ahead ON stint.schedules (ticked_until) WHERE next_tick IS NOT NULL;
COMMENT ON TABLE stint.schedules IS 'One row a schedule: when it ticks, and the job that each tick makes';
COMMENT ON COLUMN stint.schedules.cron IS 'Five fields, or six with the second first; NULL: at equal intervals, every_ms';
COMMENT ON COLUMN stint.schedules.every_from IS 'A time from which the intervals count';
COMMENT ON COLUMN stint.schedules.missed IS 'skip, once or all';
COMMENT ON COLUMN stint.schedules.ticked_until IS 'Ticks up to here have made their jobs, or will make none';
COMMENT ON COLUMN stint.schedules.next_tick IS 'NULL: paused, or there will be no tick';

CREATE TABLE stint.schedule_ticks (
    schedule_id bigint NOT NULL,
    tick_at     bigint NOT NULL,
    job_id      bigint NOT NULL,
    PRIMARY KEY (schedule_id, tick_at)
);
COMMENT ON TABLE stint.schedule_ticks IS 'The latest ticks that have made a job: the primary key allows no second job for a tick';

CREATE TABLE stint.operations (
    id               bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    verb             text    NOT NULL,
    change           text,
    restores         bigint,
    selection        text,
    filter           text    NOT NULL,
    actor            text,
    begun_at         bigint  NOT NULL,
    ended_at         bigint,
    state            text    NOT NULL,
    failure          text,
    total            bigint,
    changed          bigint  NOT NULL DEFAULT 0,
    skipped          bigint  NOT NULL DEFAULT 0,
    cursor           text,
    pass             bigint  NOT NULL DEFAULT 1,
    pass_from        bigint  NOT NULL DEFAULT 0,
    driver           bigint,
    stepped_at       bigint,
    restored         bigint  NOT NULL DEFAULT 0,
    restorable_until bigint
);
CREATE INDEX operations_open ON stint.operations (id) WHERE state IN ('running', 'paused');
CREATE INDEX operations_restorable ON stint.operations (restorable_until) WHERE restorable_until IS NOT NULL;
COMMENT ON TABLE stint.operations IS 'Changes of many jobs in steps; and changes of single jobs that named who made them';
COMMENT ON COLUMN stint.operations.change IS 'What is done, as JSON; NULL: jobs are brought back';
COMMENT ON COLUMN stint.operations.restores IS 'The operation whose jobs are brought back';
COMMENT ON COLUMN stint.operations.selection IS 'Which jobs, as JSON; NULL: single ones, or a restore';
COMMENT ON COLUMN stint.operations.filter IS 'The same, for people';
COMMENT ON COLUMN stint.operations.state IS 'running, paused, done, cancelled or failed';
COMMENT ON COLUMN stint.operations.total IS 'How many jobs met the conditions before; NULL: not counted';
COMMENT ON COLUMN stint.operations.skipped IS 'Their unique key is taken';
COMMENT ON COLUMN stint.operations.cursor IS 'Up to where its jobs were changed, as JSON';
COMMENT ON COLUMN stint.operations.pass IS 'How often the states were read, with this time';
COMMENT ON COLUMN stint.operations.pass_from IS 'The value of changed when this pass began';
COMMENT ON COLUMN stint.operations.driver IS 'Who made the last step: a random number';
COMMENT ON COLUMN stint.operations.restored IS 'How many of its deleted jobs were brought back';
COMMENT ON COLUMN stint.operations.restorable_until IS 'When its deleted jobs go; NULL: it has none, or they are being brought back';

CREATE TABLE stint.deleted (
    job_id       bigint  PRIMARY KEY,
    operation_id bigint  NOT NULL,
    queue_id     integer NOT NULL,
    state        text    NOT NULL,
    attempts     integer NOT NULL,
    crashes      integer NOT NULL,
    suspect      boolean NOT NULL,
    at           bigint,
    reason       text,
    group_id     bigint,
    expires_at   bigint,
    holds_group  boolean NOT NULL,
    unique_key   text COLLATE "C",
    was_claimed  boolean NOT NULL,
    error_group  bigint
);
CREATE INDEX deleted_operation ON stint.deleted (operation_id, job_id);
CREATE INDEX deleted_group ON stint.deleted (group_id) WHERE group_id IS NOT NULL;
COMMENT ON TABLE stint.deleted IS 'Jobs that an operation has deleted, until they go for good: they are in no state, so nothing finds them';
COMMENT ON COLUMN stint.deleted.at IS 'run_at, buried_at, done_at, cancelled_at or expired_at';

CREATE TABLE stint.webhooks (
    id            bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name          text COLLATE "C" NOT NULL UNIQUE,
    url           text    NOT NULL,
    events        text    NOT NULL,
    template      text    NOT NULL,
    allow_private boolean NOT NULL DEFAULT false,
    secret        bytea   NOT NULL,
    delivered     bigint  NOT NULL DEFAULT 0,
    failed        bigint  NOT NULL DEFAULT 0,
    last_job      bigint,
    last_at       bigint,
    last_status   integer,
    last_error    text
);
COMMENT ON TABLE stint.webhooks IS 'Receivers that are told of events, by jobs of the queue stint.webhooks';
COMMENT ON COLUMN stint.webhooks.events IS 'One a line, as buried, age:mail>10m';
COMMENT ON COLUMN stint.webhooks.secret IS 'The key of its signatures: who can read it can sign';

CREATE TABLE stint.webhook_states (
    webhook_id  bigint  NOT NULL,
    event       text    NOT NULL,
    queue_id    integer NOT NULL,
    seen        bigint  NOT NULL,
    is_raised   boolean NOT NULL,
    notified_at bigint,
    PRIMARY KEY (webhook_id, event, queue_id)
);
COMMENT ON TABLE stint.webhook_states IS 'What a webhook was told; queue_id 0: of all queues';
COMMENT ON COLUMN stint.webhook_states.seen IS 'The total up to which happenings were told';

-- For people: every job with its state. For example, why were jobs buried?
--     SELECT reason, count(*) FROM stint.job WHERE state = 'buried' GROUP BY reason;
CREATE VIEW stint.job AS
WITH state (id, state, attempts, crashes, suspect, run_at, token, worker, lease_expires_at, buried_at, reason, done_at,
            cancelled_at, expired_at, group_id, expires_at, ready_at) AS NOT MATERIALIZED (
    SELECT j.id, 'ready', r.attempts, r.crashes, r.suspect, NULL::bigint, NULL::bigint, NULL, NULL::bigint, NULL::bigint,
           NULL, NULL::bigint, NULL::bigint, NULL::bigint, r.group_id, r.expires_at, r.ready_at
    FROM stint.jobs j
    JOIN stint.ready r ON r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id AND r.group_id IS NULL
    UNION ALL
    SELECT j.id, 'ready', r.attempts, r.crashes, r.suspect, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, r.group_id,
           r.expires_at, r.ready_at
    FROM stint.jobs j
    JOIN stint.ready r ON r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id
        AND r.group_id IS NOT NULL
    UNION ALL
    SELECT job_id, 'delayed', attempts, crashes, suspect, run_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, group_id,
           expires_at, NULL
    FROM stint.delayed
    UNION ALL
    SELECT job_id, 'leased', attempts, crashes, suspect, NULL, token, worker, lease_expires_at, NULL, NULL, NULL, NULL,
           NULL, group_id, expires_at, NULL
    FROM stint.leased
    UNION ALL
    SELECT job_id, 'buried', attempts, crashes, false, NULL, NULL, NULL, NULL, buried_at, reason, NULL, NULL, NULL, group_id,
           expires_at, NULL
    FROM stint.buried
    UNION ALL
    SELECT job_id, 'done', attempts, crashes, false, NULL, NULL, NULL, NULL, NULL, NULL, done_at, NULL, NULL, group_id, NULL,
           NULL
    FROM stint.done
    UNION ALL
    SELECT job_id, 'cancelled', attempts, crashes, false, NULL, NULL, NULL, NULL, NULL, reason, NULL, cancelled_at, NULL,
           group_id, NULL, NULL
    FROM stint.cancelled
    UNION ALL
    SELECT job_id, 'expired', attempts, crashes, false, NULL, NULL, NULL, NULL, NULL, reason, NULL, NULL, expired_at,
           group_id, NULL, NULL
    FROM stint.expired
)
SELECT j.id, q.name AS queue, s.state, j.priority, s.attempts, j.max_attempts, s.crashes, j.max_crashes, s.suspect,
       j.enqueued_at, s.run_at, s.worker, s.token, s.lease_expires_at, s.buried_at, s.reason, s.done_at,
       u.key AS unique_key, j.time_to_run_ms, j.content_type, j.headers,
       coalesce(d.bytes, octet_length(j.payload)) AS payload_bytes, nullif(g.name, '') AS "group", s.expires_at,
       s.cancelled_at, s.expired_at, d.events, j.queue_id, s.group_id, s.ready_at
FROM state s
JOIN stint.jobs j ON j.id = s.id
JOIN stint.queues q ON q.id = j.queue_id
LEFT JOIN stint.unique_keys u ON u.job_id = j.id
LEFT JOIN stint.groups g ON g.id = s.group_id
LEFT JOIN stint.digests d ON d.job_id = j.id;
COMMENT ON VIEW stint.job IS 'Every job with its state';

CREATE VIEW stint.queue AS
SELECT q.id, q.name, coalesce(sum(t.ready), 0)::bigint AS ready, coalesce(sum(t.delayed), 0)::bigint AS delayed,
       coalesce(sum(t.leased), 0)::bigint AS leased, coalesce(sum(t.buried), 0)::bigint AS buried,
       coalesce(sum(t.done), 0)::bigint AS done, coalesce(sum(t.cancelled), 0)::bigint AS cancelled,
       coalesce(sum(t.expired), 0)::bigint AS expired, q.paused, q.pause_reason
FROM stint.queues q LEFT JOIN stint.tallies t ON t.queue_id = q.id
GROUP BY q.id;
COMMENT ON VIEW stint.queue IS 'Every queue with its counts; done, cancelled and expired count since it was created';
