-- Who lives, and for how long a lease counts.

-- How long the lease was granted or last extended for. A deadline that lies further ahead than this is of an earlier
-- boot, whose clock was ahead of this one's. 0: granted before this migration; then the boot id tells.
ALTER TABLE stint_leases ADD COLUMN duration_ms INTEGER NOT NULL DEFAULT 0;

-- When a reaper first found the lease past its deadline although its worker lives, by the monotonic clock; NULL: never.
ALTER TABLE stint_leases ADD COLUMN overdue_since INTEGER;

-- The file that the worker's supervisor keeps locked as long as it lives; NULL: it has no supervisor.
ALTER TABLE stint_workers ADD COLUMN supervisor_file TEXT;

-- By which a write-ahead log is told from that of another file, or of an earlier state of this one: see LogOrigin.swift.
-- The one row changes at least once a second while Stint writes, and at the start of each log; the magic number finds it
-- without SQLite. Only blobs, so that its bytes are the same in a UTF-16 database.
CREATE TABLE stint_file (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    magic    BLOB    NOT NULL,
    file     BLOB    NOT NULL,                 -- by chance, another one in each copy that Stint makes
    sequence INTEGER NOT NULL,                 -- one more with each change
    token    BLOB    NOT NULL,                 -- by chance, new with each change
    previous BLOB    NOT NULL                  -- the token before
) STRICT;
INSERT INTO stint_file (id, magic, file, sequence, token, previous)
VALUES (1, x'5374696E7446696C654D61726B000001', randomblob(16), 1, randomblob(16), zeroblob(16));

-- The latest request to replace all workers (`stint workers restart`), which supervisors look for. At most one row.
CREATE TABLE stint_restarts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    requested_at INTEGER NOT NULL
) STRICT;

-- What became of the last insert into stint_enqueue, for the transaction that made it; one row. See docs/sql.md.
CREATE TABLE stint_enqueue_result (
    job_id       INTEGER,                      -- the new job, or the one that has the unique key
    is_duplicate INTEGER NOT NULL              -- 1: the unique key was taken, and nothing was added
) STRICT;

-- As before, and: the text must be what Stint itself takes (blanks and control characters of all of Unicode, valid UTF-8,
-- headers that can be read), a unique key without its job holds nothing back, and the result is told.
DROP TRIGGER stint_enqueue_insert;

CREATE TRIGGER stint_enqueue_insert INSTEAD OF INSERT ON stint_enqueue
BEGIN
    SELECT CASE
        WHEN length(CAST('a' AS BLOB)) <> 1
        THEN RAISE(ABORT, 'stint_enqueue: this database is in UTF-16; Stint needs one in UTF-8, see docs/sql.md')
        WHEN typeof(coalesce(NEW.queue, 'default')) <> 'text'
            OR length(CAST(coalesce(NEW.queue, 'default') AS BLOB)) NOT BETWEEN 1 AND 200
            OR coalesce(NEW.queue, '') GLOB '-*'
            OR coalesce(NEW.queue, '') GLOB '*[' || char(1) || '-' || char(32) || char(127) || '-' || char(160) || char(0x1680)
                || char(0x2000) || '-' || char(0x200A) || char(0x2028) || char(0x2029) || char(0x202F) || char(0x205F)
                || char(0x3000) || ']*'
            OR instr(coalesce(NEW.queue, ''), char(0))
        THEN RAISE(ABORT, 'stint_enqueue: the queue''s name must be text of 1 to 200 bytes without white space and control characters, not starting with -')
        WHEN typeof(coalesce(NEW.payload, '')) NOT IN ('text', 'blob')
            OR length(CAST(coalesce(NEW.payload, '') AS BLOB)) > 16777216
        THEN RAISE(ABORT, 'stint_enqueue: the payload must be text or a blob of at most 16 MiB')
        WHEN typeof(coalesce(NEW.content_type, 'x')) <> 'text'
            OR length(CAST(coalesce(NEW.content_type, 'x') AS BLOB)) NOT BETWEEN 1 AND 255
            OR coalesce(NEW.content_type, 'x') GLOB '*[^ -~]*'
            OR instr(coalesce(NEW.content_type, 'x'), char(0))
        THEN RAISE(ABORT, 'stint_enqueue: the content type must be text of 1 to 255 printable ASCII characters')
        WHEN typeof(coalesce(NEW.headers, '')) <> 'text' OR length(CAST(coalesce(NEW.headers, '') AS BLOB)) > 65536
            OR instr(coalesce(NEW.headers, ''), char(0))
        THEN RAISE(ABORT, 'stint_enqueue: headers must be text of at most 64 KiB, a line `name: value` each')
        WHEN NEW.headers <> '' AND EXISTS (
            WITH RECURSIVE line (text, rest) AS (
                SELECT '', NEW.headers || char(10)
                UNION ALL
                SELECT substr(rest, 1, instr(rest, char(10)) - 1), substr(rest, instr(rest, char(10)) + 1)
                FROM line WHERE rest <> ''
            )
            SELECT 1 FROM line
            WHERE text <> '' AND (
                instr(text, ':') < 2
                OR text NOT GLOB '[a-zA-Z]*'
                OR substr(text, 1, instr(text, ':') - 1) GLOB '*[^a-zA-Z0-9-]*'
                OR text GLOB '*[' || char(1) || '-' || char(8) || char(11) || '-' || char(31) || char(127) || '-' || char(159)
                    || char(0x2028) || char(0x2029) || ']*')
        )
        THEN RAISE(ABORT, 'stint_enqueue: headers must be lines `name: value` whose names are ASCII letters, digits and -, a letter first, and whose values have no control characters')
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
        THEN RAISE(ABORT, 'stint_enqueue: the unique key must be text of 1 to 1024 bytes without NUL')
        -- Where not all is ASCII: each character, written again, has the same bytes. In pieces, since SQLite counts the
        -- characters of a text from its start each time.
        WHEN coalesce(NEW.queue, '') || coalesce(NEW.unique_key, '') || coalesce(NEW.headers, '')
                GLOB '*[^' || char(1) || '-~]*'
            AND EXISTS (
                WITH RECURSIVE
                piece (text, rest) AS (
                    SELECT '', coalesce(NEW.queue, '') || char(10) || coalesce(NEW.unique_key, '') || char(10)
                        || coalesce(NEW.headers, '')
                    UNION ALL
                    SELECT substr(rest, 1, 256), substr(rest, 257) FROM piece WHERE rest <> ''
                ),
                place (text, number) AS (
                    SELECT text, 1 FROM piece WHERE text <> ''
                    UNION ALL
                    SELECT text, number + 1 FROM place WHERE number < length(text)
                )
                SELECT 1 FROM place WHERE char(unicode(substr(text, number, 1))) <> substr(text, number, 1)
            )
        THEN RAISE(ABORT, 'stint_enqueue: queue, unique_key and headers must be valid UTF-8')
    END;

    INSERT INTO stint_queues (name)
    SELECT coalesce(NEW.queue, 'default')
    WHERE NOT EXISTS (SELECT 1 FROM stint_queues WHERE name = coalesce(NEW.queue, 'default'));

    -- Deleted and made anew, and not replaced: the conflict clause of the caller's statement would count.
    DELETE FROM stint_enqueue_result;
    INSERT INTO stint_enqueue_result (job_id, is_duplicate)
    SELECT holder, holder IS NOT NULL
    FROM (SELECT (
        SELECT u.job_id FROM stint_queues q JOIN stint_unique_keys u ON u.queue_id = q.id JOIN stint_jobs j ON j.id = u.job_id
        WHERE q.name = coalesce(NEW.queue, 'default') AND u.key = NEW.unique_key
    ) AS holder);

    INSERT INTO stint_jobs (queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at, content_type,
                            headers, payload)
    SELECT q.id, coalesce(NEW.priority, 1024), coalesce(NEW.max_attempts, 10), coalesce(NEW.max_crashes, 3),
           NEW.time_to_run_ms, CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER),
           coalesce(NEW.content_type,
                    CASE typeof(coalesce(NEW.payload, ''))
                        WHEN 'text' THEN 'text/plain; charset=utf-8' ELSE 'application/octet-stream' END),
           nullif(NEW.headers, ''), CAST(coalesce(NEW.payload, '') AS BLOB)
    FROM stint_enqueue_result r JOIN stint_queues q ON q.name = coalesce(NEW.queue, 'default')
    WHERE NOT r.is_duplicate;

    -- In a trigger last_insert_rowid() is that of its own inserts.
    UPDATE stint_enqueue_result SET job_id = last_insert_rowid() WHERE NOT is_duplicate;

    INSERT INTO stint_ready (queue_id, priority, job_id, attempts, crashes, suspect)
    SELECT j.queue_id, j.priority, j.id, 0, 0, 0 FROM stint_enqueue_result r JOIN stint_jobs j ON j.id = r.job_id
    WHERE NOT r.is_duplicate AND coalesce(NEW.delay_ms, 0) = 0;

    INSERT INTO stint_delayed (job_id, queue_id, run_at, attempts, crashes, suspect)
    SELECT j.id, j.queue_id, j.enqueued_at + NEW.delay_ms, 0, 0, 0
    FROM stint_enqueue_result r JOIN stint_jobs j ON j.id = r.job_id
    WHERE NOT r.is_duplicate AND NEW.delay_ms > 0;

    -- That of a job that another program took away, if any.
    DELETE FROM stint_unique_keys
    WHERE key = NEW.unique_key AND queue_id = (SELECT id FROM stint_queues WHERE name = coalesce(NEW.queue, 'default'))
        AND NOT (SELECT is_duplicate FROM stint_enqueue_result);

    INSERT INTO stint_unique_keys (job_id, queue_id, key)
    SELECT j.id, j.queue_id, NEW.unique_key FROM stint_enqueue_result r JOIN stint_jobs j ON j.id = r.job_id
    WHERE NOT r.is_duplicate AND NEW.unique_key IS NOT NULL;

    UPDATE stint_queues
    SET ready = ready + (coalesce(NEW.delay_ms, 0) = 0), delayed = delayed + (coalesce(NEW.delay_ms, 0) > 0)
    WHERE name = coalesce(NEW.queue, 'default') AND NOT (SELECT is_duplicate FROM stint_enqueue_result);
END;
