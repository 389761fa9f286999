-- Stint's tables. A job is one row in stint_jobs, written once and never changed, and one row in exactly one of
-- stint_ready, stint_delayed, stint_leased, stint_buried and stint_done: its state. Moving a job between states
-- therefore never rewrites its payload.
--
-- To look at jobs use the view stint_job at the end of this file. All times are milliseconds since 1970 UTC, but for
-- stint_leases.deadline. There are no foreign keys: each would cost a look-up a row on the hottest statements.

-- One row a queue, with its counts: kept, not counted, so that reading them costs the same at ten million jobs.
CREATE TABLE stint_queues (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    paused       INTEGER NOT NULL DEFAULT 0,   -- 1: nothing is claimed
    retention_ms INTEGER NOT NULL DEFAULT 0,   -- how long done jobs are kept; 0: not at all
    ready        INTEGER NOT NULL DEFAULT 0,
    delayed      INTEGER NOT NULL DEFAULT 0,
    leased       INTEGER NOT NULL DEFAULT 0,
    buried       INTEGER NOT NULL DEFAULT 0,
    done         INTEGER NOT NULL DEFAULT 0    -- acknowledged since the queue was made, kept or not
) STRICT;

-- AUTOINCREMENT: an id is never used again, also not after the table was emptied.
CREATE TABLE stint_jobs (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_id       INTEGER NOT NULL,
    priority       INTEGER NOT NULL,
    max_attempts   INTEGER NOT NULL,
    max_crashes    INTEGER NOT NULL,
    time_to_run_ms INTEGER,                    -- NULL: the worker decides
    enqueued_at    INTEGER NOT NULL,
    content_type   TEXT    NOT NULL,
    headers        TEXT,                       -- lines `name: value`; NULL: none
    payload        BLOB    NOT NULL            -- last, so that the other columns are read without it
) STRICT;

-- Clustered by the order of claims: a claim reads and deletes neighbours.
CREATE TABLE stint_ready (
    queue_id INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    job_id   INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    crashes  INTEGER NOT NULL,
    suspect  INTEGER NOT NULL,                 -- 1: it may have killed its last worker and is claimed alone
    PRIMARY KEY (queue_id, priority, job_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE stint_delayed (
    job_id   INTEGER PRIMARY KEY,
    queue_id INTEGER NOT NULL,
    run_at   INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    crashes  INTEGER NOT NULL,
    suspect  INTEGER NOT NULL
) STRICT;
CREATE INDEX stint_delayed_due ON stint_delayed (queue_id, run_at, job_id);

-- One row a claim and queue. Its token is never used again.
CREATE TABLE stint_leases (
    token      INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_id   INTEGER NOT NULL,
    worker     TEXT    NOT NULL,               -- host:pid
    boot_id    TEXT    NOT NULL,
    deadline   INTEGER NOT NULL,               -- milliseconds of this boot's monotonic clock; it decides
    claimed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,               -- the deadline by the wall clock, for people
    jobs       INTEGER NOT NULL,               -- how many rows of stint_leased have this token
    shared     INTEGER NOT NULL DEFAULT 0      -- 1: its worker held other jobs too when the first of its leases ended
) STRICT;

-- One row a leased job: the primary key allows no second lease.
CREATE TABLE stint_leased (
    job_id   INTEGER PRIMARY KEY,
    token    INTEGER NOT NULL,
    attempts INTEGER NOT NULL,                 -- with the one that is running
    crashes  INTEGER NOT NULL,
    suspect  INTEGER NOT NULL
) STRICT;

CREATE TABLE stint_buried (
    job_id    INTEGER PRIMARY KEY,
    queue_id  INTEGER NOT NULL,
    buried_at INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    crashes   INTEGER NOT NULL,
    reason    TEXT    NOT NULL
) STRICT;
CREATE INDEX stint_buried_queue ON stint_buried (queue_id, job_id);

-- Only of queues with a retention.
CREATE TABLE stint_done (
    job_id   INTEGER PRIMARY KEY,
    queue_id INTEGER NOT NULL,
    done_at  INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    crashes  INTEGER NOT NULL
) STRICT;
CREATE INDEX stint_done_queue ON stint_done (queue_id, done_at, job_id);

-- A row stands here from the enqueue until the job is done or deleted.
CREATE TABLE stint_unique_keys (
    job_id   INTEGER PRIMARY KEY,
    queue_id INTEGER NOT NULL,
    key      TEXT    NOT NULL,
    UNIQUE (queue_id, key)
) STRICT;

-- The story of each attempt that did not end well; the last 50 of a job.
CREATE TABLE stint_failures (
    id      INTEGER PRIMARY KEY,
    job_id  INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL,                  -- failed, crashed, expired, buried
    error   TEXT    NOT NULL,
    worker  TEXT
) STRICT;
CREATE INDEX stint_failures_job ON stint_failures (job_id, id);

-- For people: every job with its state. For example, why were jobs buried?
--     SELECT reason, count(*) FROM stint_job WHERE state = 'buried' GROUP BY reason;
CREATE VIEW stint_job AS
WITH state (id, state, attempts, crashes, suspect, run_at, token, buried_at, reason, done_at) AS (
    SELECT j.id, 'ready', attempts, crashes, suspect, NULL, NULL, NULL, NULL, NULL
    FROM stint_jobs j JOIN stint_ready r ON r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id
    UNION ALL
    SELECT job_id, 'delayed', attempts, crashes, suspect, run_at, NULL, NULL, NULL, NULL FROM stint_delayed
    UNION ALL
    SELECT job_id, 'leased', attempts, crashes, suspect, NULL, token, NULL, NULL, NULL FROM stint_leased
    UNION ALL
    SELECT job_id, 'buried', attempts, crashes, 0, NULL, NULL, buried_at, reason, NULL FROM stint_buried
    UNION ALL
    SELECT job_id, 'done', attempts, crashes, 0, NULL, NULL, NULL, NULL, done_at FROM stint_done
)
SELECT j.id, q.name AS queue, s.state, j.priority, s.attempts, j.max_attempts, s.crashes, j.max_crashes, s.suspect,
       j.enqueued_at, s.run_at, l.worker, s.token, l.expires_at AS lease_expires_at, s.buried_at, s.reason, s.done_at,
       u.key AS unique_key, j.time_to_run_ms, j.content_type, j.headers, length(j.payload) AS payload_bytes
FROM state s
JOIN stint_jobs j ON j.id = s.id
JOIN stint_queues q ON q.id = j.queue_id
LEFT JOIN stint_leases l ON l.token = s.token
LEFT JOIN stint_unique_keys u ON u.job_id = j.id;
