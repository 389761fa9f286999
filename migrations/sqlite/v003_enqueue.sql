-- For programs that have SQLite and no Stint: an insert into this view is an enqueue, and idle workers start it at once.
--
--     INSERT INTO stint_enqueue (queue, payload) VALUES ('mail', 'Hello');
--     INSERT INTO stint_enqueue (queue, payload, delay_ms, unique_key) VALUES ('mail', 'Hello', 60000, 'hello-42');
--
-- What is left out or NULL has Stint's default. Where the unique key is taken in its queue by a job that is not done,
-- nothing is added, and that is no error. Such programs must set `PRAGMA wal_autocheckpoint = 0`; see docs/sql.md.
CREATE VIEW stint_enqueue (
    queue, payload, content_type, headers, priority, delay_ms, max_attempts, max_crashes, time_to_run_ms, unique_key
) AS
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;

CREATE TRIGGER stint_enqueue_insert INSTEAD OF INSERT ON stint_enqueue
WHEN NOT EXISTS (
    SELECT 1 FROM stint_queues q JOIN stint_unique_keys u ON u.queue_id = q.id
    WHERE q.name = coalesce(NEW.queue, 'default') AND u.key = NEW.unique_key
)
BEGIN
    SELECT CASE
        WHEN typeof(coalesce(NEW.queue, 'default')) <> 'text'
            OR length(CAST(coalesce(NEW.queue, 'default') AS BLOB)) NOT BETWEEN 1 AND 200
            OR coalesce(NEW.queue, '') GLOB '-*'
            OR coalesce(NEW.queue, '') GLOB '*[' || char(1) || '-' || char(32) || char(127) || ']*'
            OR instr(coalesce(NEW.queue, ''), char(0))
        THEN RAISE(ABORT, 'stint_enqueue: the queue''s name must be text of 1 to 200 bytes without blanks and control characters, not starting with -')
        WHEN typeof(coalesce(NEW.payload, '')) NOT IN ('text', 'blob')
            OR length(CAST(coalesce(NEW.payload, '') AS BLOB)) > 16777216
        THEN RAISE(ABORT, 'stint_enqueue: the payload must be text or a blob of at most 16 MiB')
        WHEN typeof(coalesce(NEW.content_type, 'x')) <> 'text' OR length(coalesce(NEW.content_type, 'x')) NOT BETWEEN 1 AND 255
        THEN RAISE(ABORT, 'stint_enqueue: the content type must be text of 1 to 255 characters')
        WHEN typeof(coalesce(NEW.headers, '')) <> 'text' OR length(CAST(coalesce(NEW.headers, '') AS BLOB)) > 65536
        THEN RAISE(ABORT, 'stint_enqueue: headers must be text of at most 64 KiB, a line `name: value` each')
        WHEN typeof(coalesce(NEW.priority, 0)) <> 'integer' OR coalesce(NEW.priority, 0) NOT BETWEEN 0 AND 4294967295
        THEN RAISE(ABORT, 'stint_enqueue: the priority must be an integer from 0 to 4294967295')
        WHEN typeof(coalesce(NEW.delay_ms, 0)) <> 'integer' OR coalesce(NEW.delay_ms, 0) NOT BETWEEN 0 AND 3162240000000
        THEN RAISE(ABORT, 'stint_enqueue: delay_ms must be an integer from 0 to 3162240000000 (100 years)')
        WHEN typeof(coalesce(NEW.max_attempts, 1)) <> 'integer' OR coalesce(NEW.max_attempts, 1) NOT BETWEEN 1 AND 2147483647
        THEN RAISE(ABORT, 'stint_enqueue: max_attempts must be an integer from 1 to 2147483647')
        WHEN typeof(coalesce(NEW.max_crashes, 1)) <> 'integer' OR coalesce(NEW.max_crashes, 1) NOT BETWEEN 1 AND 2147483647
        THEN RAISE(ABORT, 'stint_enqueue: max_crashes must be an integer from 1 to 2147483647')
        WHEN typeof(coalesce(NEW.time_to_run_ms, 1)) <> 'integer'
            OR coalesce(NEW.time_to_run_ms, 1) NOT BETWEEN 1 AND 3162240000000
        THEN RAISE(ABORT, 'stint_enqueue: time_to_run_ms must be an integer from 1 to 3162240000000 (100 years)')
        WHEN typeof(coalesce(NEW.unique_key, 'x')) <> 'text'
            OR length(CAST(coalesce(NEW.unique_key, 'x') AS BLOB)) NOT BETWEEN 1 AND 1024
            OR instr(coalesce(NEW.unique_key, ''), char(0))
        THEN RAISE(ABORT, 'stint_enqueue: the unique key must be text of 1 to 1024 bytes')
    END;

    INSERT INTO stint_queues (name)
    SELECT coalesce(NEW.queue, 'default')
    WHERE NOT EXISTS (SELECT 1 FROM stint_queues WHERE name = coalesce(NEW.queue, 'default'));

    INSERT INTO stint_jobs (queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at, content_type,
                            headers, payload)
    SELECT q.id, coalesce(NEW.priority, 1024), coalesce(NEW.max_attempts, 10), coalesce(NEW.max_crashes, 3),
           NEW.time_to_run_ms, CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER),
           coalesce(NEW.content_type,
                    CASE typeof(coalesce(NEW.payload, ''))
                        WHEN 'text' THEN 'text/plain; charset=utf-8' ELSE 'application/octet-stream' END),
           nullif(NEW.headers, ''), CAST(coalesce(NEW.payload, '') AS BLOB)
    FROM stint_queues q WHERE q.name = coalesce(NEW.queue, 'default');

    -- In a trigger last_insert_rowid() is that of its own inserts: the job's id from here on.
    INSERT INTO stint_ready (queue_id, priority, job_id, attempts, crashes, suspect)
    SELECT queue_id, priority, id, 0, 0, 0 FROM stint_jobs
    WHERE id = last_insert_rowid() AND coalesce(NEW.delay_ms, 0) = 0;

    INSERT INTO stint_delayed (job_id, queue_id, run_at, attempts, crashes, suspect)
    SELECT id, queue_id, enqueued_at + NEW.delay_ms, 0, 0, 0 FROM stint_jobs
    WHERE id = last_insert_rowid() AND NEW.delay_ms > 0;

    INSERT INTO stint_unique_keys (job_id, queue_id, key)
    SELECT id, queue_id, NEW.unique_key FROM stint_jobs
    WHERE id = last_insert_rowid() AND NEW.unique_key IS NOT NULL;

    UPDATE stint_queues
    SET ready = ready + (coalesce(NEW.delay_ms, 0) = 0), delayed = delayed + (coalesce(NEW.delay_ms, 0) > 0)
    WHERE name = coalesce(NEW.queue, 'default');
END;
