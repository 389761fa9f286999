-- What happens in queues, counted in the transactions that do it.

-- Since when the job has been ready, if it has not been so since its enqueue: it was delayed, failed, or a person made it
-- ready. NULL takes no room in the row and in the index, and is what most jobs have.
ALTER TABLE stint_ready ADD COLUMN ready_at INTEGER;
CREATE INDEX stint_ready_since ON stint_ready (queue_id, ready_at) WHERE ready_at IS NOT NULL;

-- The counts of the queue's last minute in which something happened. They stand in a row that is written anyway, and go
-- to stint_buckets when something happens in a later minute; what is here is not there yet.
ALTER TABLE stint_queues ADD COLUMN minute INTEGER NOT NULL DEFAULT 0;      -- when it begins
-- '[[enqueued, started, done, failed, crashed, lost, buried, cancelled, expired], waits, runs]', as in stint_buckets.
-- Zeros at the end of a list are left out.
ALTER TABLE stint_queues ADD COLUMN activity TEXT NOT NULL DEFAULT '';

-- What happened in a minute or an hour, and since the queue is counted. Minutes go after an hour, hours after three days.
CREATE TABLE stint_buckets (
    seconds   INTEGER NOT NULL,                -- 60, 3600; 0: all the time, with start 0
    start     INTEGER NOT NULL,
    queue_id  INTEGER NOT NULL,
    enqueued  INTEGER NOT NULL DEFAULT 0,
    started   INTEGER NOT NULL DEFAULT 0,      -- claimed
    done      INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,      -- attempts
    crashed   INTEGER NOT NULL DEFAULT 0,      -- attempts that are blamed on the job
    lost      INTEGER NOT NULL DEFAULT 0,      -- attempts whose end nobody knows
    buried    INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    expired   INTEGER NOT NULL DEFAULT 0,
    -- Times from ready to claimed: '[the sum of all in ms, how many up to 1 ms, up to 2 ms, up to 4 ms, …]'
    waits     TEXT    NOT NULL DEFAULT '[0]',
    -- Times from the claim to the end, of attempts that ran and were settled.
    runs      TEXT    NOT NULL DEFAULT '[0]',
    PRIMARY KEY (seconds, start, queue_id)
) STRICT, WITHOUT ROWID;

-- For people: the counts, with those of the last minute. For example, how many jobs were done in each of the last hours?
--     SELECT datetime(start / 1000, 'unixepoch') AS hour, done FROM stint_activity WHERE queue = 'mail' AND seconds = 3600;
CREATE VIEW stint_activity AS
WITH bucket (seconds, start, queue_id, enqueued, started, done, failed, crashed, lost, buried, cancelled, expired) AS (
    SELECT seconds, start, queue_id, enqueued, started, done, failed, crashed, lost, buried, cancelled, expired
    FROM stint_buckets
    UNION ALL
    SELECT seconds, CASE seconds WHEN 0 THEN 0 ELSE minute - minute % (seconds * 1000) END, id,
           coalesce(json_extract(activity, '$[0][0]'), 0),
           coalesce(json_extract(activity, '$[0][1]'), 0),
           coalesce(json_extract(activity, '$[0][2]'), 0),
           coalesce(json_extract(activity, '$[0][3]'), 0),
           coalesce(json_extract(activity, '$[0][4]'), 0),
           coalesce(json_extract(activity, '$[0][5]'), 0),
           coalesce(json_extract(activity, '$[0][6]'), 0),
           coalesce(json_extract(activity, '$[0][7]'), 0),
           coalesce(json_extract(activity, '$[0][8]'), 0)
    FROM stint_queues, (SELECT 60 AS seconds UNION ALL SELECT 3600 UNION ALL SELECT 0) WHERE json_valid(activity)
)
SELECT q.name AS queue, seconds, start, sum(b.enqueued) AS enqueued, sum(b.started) AS started, sum(b.done) AS done,
       sum(b.failed) AS failed, sum(b.crashed) AS crashed, sum(b.lost) AS lost, sum(b.buried) AS buried,
       sum(b.cancelled) AS cancelled, sum(b.expired) AS expired
FROM bucket b JOIN stint_queues q ON q.id = b.queue_id
GROUP BY q.name, seconds, start;

-- Counts what other programs enqueue. It is updated last, and only there, when a job is added. An upsert would have the
-- conflict clause of the caller's statement.
CREATE TRIGGER stint_enqueue_counted AFTER UPDATE OF job_id ON stint_enqueue_result WHEN NEW.outcome = 'added'
BEGIN
    INSERT INTO stint_buckets (seconds, start, queue_id)
    SELECT p.seconds, CASE p.seconds WHEN 0 THEN 0 ELSE j.enqueued_at - j.enqueued_at % (p.seconds * 1000) END, j.queue_id
    FROM stint_jobs j, (SELECT 60 AS seconds UNION ALL SELECT 3600 UNION ALL SELECT 0) p
    WHERE j.id = NEW.job_id AND NOT EXISTS (
        SELECT 1 FROM stint_buckets b WHERE b.seconds = p.seconds AND b.queue_id = j.queue_id
            AND b.start = CASE p.seconds WHEN 0 THEN 0 ELSE j.enqueued_at - j.enqueued_at % (p.seconds * 1000) END);

    UPDATE stint_buckets SET enqueued = enqueued + 1
    WHERE (seconds, start, queue_id) IN (
        SELECT p.seconds, CASE p.seconds WHEN 0 THEN 0 ELSE j.enqueued_at - j.enqueued_at % (p.seconds * 1000) END, j.queue_id
        FROM stint_jobs j, (SELECT 60 AS seconds UNION ALL SELECT 3600 UNION ALL SELECT 0) p WHERE j.id = NEW.job_id);
END;

-- Finds the last deaths among any number of other failures.
CREATE INDEX stint_failures_deaths ON stint_failures (id) WHERE kind IN ('crashed', 'lost', 'expired');
