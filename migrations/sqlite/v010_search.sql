-- Free text: which queues are indexed, and how far. The index itself is the FTS5 table stint_search, with a row a job and
-- its id as rowid. It is created when a queue is switched on first, since not every SQLite has FTS5.

-- 1: the texts of its jobs are indexed, after their commits, by whoever reaps.
ALTER TABLE stint_queues ADD COLUMN search INTEGER NOT NULL DEFAULT 0;

-- One row a queue that is switched on, or was and is not removed from the index yet.
CREATE TABLE stint_search_queues (
    queue_id    INTEGER PRIMARY KEY,
    indexed_to  INTEGER NOT NULL DEFAULT 0,        -- jobs with greater ids are not indexed yet
    dropped_to  INTEGER NOT NULL DEFAULT 0,        -- jobs up to this id are not indexed any more: there would be too many
    is_dropping INTEGER NOT NULL DEFAULT 0,        -- 1: it was switched off; what is indexed goes
    jobs        INTEGER NOT NULL DEFAULT 0,        -- rows of stint_search_jobs with bytes
    bytes       INTEGER NOT NULL DEFAULT 0,        -- their sum
    max_bytes   INTEGER NOT NULL DEFAULT 268435456 -- beyond this the oldest jobs go
) STRICT;

-- One row an indexed job, and one a job that was looked at and cannot be indexed: a digest, or one with a long text.
CREATE TABLE stint_search_jobs (
    job_id   INTEGER PRIMARY KEY,
    queue_id INTEGER NOT NULL,
    bytes    INTEGER                               -- of its text, and 32; NULL: it is not indexed
) STRICT;
CREATE INDEX stint_search_jobs_queue ON stint_search_jobs (queue_id, job_id);
CREATE INDEX stint_search_jobs_unindexed ON stint_search_jobs (queue_id, job_id) WHERE bytes IS NULL;

-- Jobs whose text has changed, or whose queue, until they are indexed again. Only of queues that are switched on.
CREATE TABLE stint_search_changes (
    queue_id INTEGER NOT NULL,
    job_id   INTEGER NOT NULL,
    PRIMARY KEY (queue_id, job_id)
) STRICT, WITHOUT ROWID;

-- Another program has replaced the payload of a job.
CREATE TRIGGER stint_search_replaced AFTER INSERT ON stint_enqueue_result WHEN NEW.outcome = 'replaced'
BEGIN
    INSERT INTO stint_search_changes (queue_id, job_id)
    SELECT j.queue_id, j.id FROM stint_jobs j JOIN stint_queues q ON q.id = j.queue_id
    WHERE j.id = NEW.job_id AND q.search = 1
        AND NOT EXISTS (SELECT 1 FROM stint_search_changes c WHERE c.queue_id = j.queue_id AND c.job_id = j.id);
END;
