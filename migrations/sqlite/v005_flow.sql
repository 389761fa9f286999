-- Flow: groups and their limits, expiry, cancellation.

-- Limits of a queue; NULL: none. A rate is a number of starts in any window of a length.
ALTER TABLE stint_queues ADD COLUMN concurrency INTEGER;
ALTER TABLE stint_queues ADD COLUMN rate_starts INTEGER;
ALTER TABLE stint_queues ADD COLUMN rate_ms INTEGER;
ALTER TABLE stint_queues ADD COLUMN group_concurrency INTEGER;
ALTER TABLE stint_queues ADD COLUMN group_rate_starts INTEGER;
ALTER TABLE stint_queues ADD COLUMN group_rate_ms INTEGER;
ALTER TABLE stint_queues ADD COLUMN is_loose INTEGER NOT NULL DEFAULT 0;   -- 1: a job that waits for its retry lets its group go on
ALTER TABLE stint_queues ADD COLUMN is_fair INTEGER NOT NULL DEFAULT 1;    -- 0: priority alone decides, whatever the group

-- The group of the jobs without one; NULL: no job of the queue ever had a group, and claims look at none.
ALTER TABLE stint_queues ADD COLUMN ungrouped INTEGER;
-- The turn of the group that was served last. A group that gets its first job comes just before it, and so next.
ALTER TABLE stint_queues ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;

-- Since the queue was made, kept or not.
ALTER TABLE stint_queues ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stint_queues ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;

-- The tenants, customers or hosts for which jobs are. Claims serve the waiting groups by turn; each job that is served moves
-- the group's turn ahead, by less if its weight is greater.
CREATE TABLE stint_groups (
    id        INTEGER PRIMARY KEY,
    queue_id  INTEGER NOT NULL,
    name      TEXT    NOT NULL,                -- '': the jobs without a group
    weight    INTEGER NOT NULL DEFAULT 1,
    state     TEXT    NOT NULL DEFAULT 'idle', -- idle: no ready job; waiting: for its turn; full: until one of its jobs ends;
                                               -- paced: until resume_at
    turn      INTEGER NOT NULL DEFAULT 0,
    resume_at INTEGER,                         -- by this boot's monotonic clock
    UNIQUE (queue_id, name)
) STRICT;
CREATE INDEX stint_groups_turn ON stint_groups (queue_id, turn, id) WHERE state = 'waiting';
-- Mostly empty: an end of a job looks for its group only if any is full.
CREATE INDEX stint_groups_full ON stint_groups (queue_id) WHERE state = 'full';
CREATE INDEX stint_groups_resume ON stint_groups (queue_id, resume_at) WHERE state = 'paced';

-- How many jobs were claimed when, by the monotonic clock, of queues and groups with a rate.
CREATE TABLE stint_starts (
    queue_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,                 -- 0: all jobs of the queue
    at       INTEGER NOT NULL,
    starts   INTEGER NOT NULL,
    PRIMARY KEY (queue_id, group_id, at)
) STRICT, WITHOUT ROWID;

-- The group and the expiry go with the job from state to state. NULL: none; expires_at is by the wall clock.
ALTER TABLE stint_ready ADD COLUMN group_id INTEGER;
ALTER TABLE stint_ready ADD COLUMN expires_at INTEGER;
ALTER TABLE stint_delayed ADD COLUMN group_id INTEGER;
ALTER TABLE stint_delayed ADD COLUMN expires_at INTEGER;
ALTER TABLE stint_leased ADD COLUMN group_id INTEGER;
ALTER TABLE stint_leased ADD COLUMN expires_at INTEGER;
ALTER TABLE stint_buried ADD COLUMN group_id INTEGER;
ALTER TABLE stint_buried ADD COLUMN expires_at INTEGER;
ALTER TABLE stint_done ADD COLUMN group_id INTEGER;

-- 1: it has a group, and its queue limits what runs of each: only these are counted, and so in an index.
ALTER TABLE stint_leased ADD COLUMN is_counted INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER stint_queues_count_groups AFTER UPDATE OF group_concurrency ON stint_queues
WHEN NEW.group_concurrency IS NOT NULL
BEGIN
    UPDATE stint_leased SET is_counted = 1
    WHERE is_counted = 0 AND group_id IN (SELECT id FROM stint_groups WHERE queue_id = NEW.id);
END;

-- 1: it was started, and its group waits for it.
ALTER TABLE stint_delayed ADD COLUMN holds_group INTEGER NOT NULL DEFAULT 0;

CREATE INDEX stint_ready_group ON stint_ready (group_id, priority, job_id, attempts, crashes, suspect, expires_at)
    WHERE group_id IS NOT NULL;
CREATE INDEX stint_leased_group ON stint_leased (group_id) WHERE is_counted = 1;
CREATE INDEX stint_delayed_group ON stint_delayed (group_id, holds_group) WHERE group_id IS NOT NULL;
CREATE INDEX stint_ready_expiry ON stint_ready (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX stint_delayed_expiry ON stint_delayed (expires_at) WHERE expires_at IS NOT NULL;

-- As stint_done: only of queues with a retention.
CREATE TABLE stint_cancelled (
    job_id       INTEGER PRIMARY KEY,
    queue_id     INTEGER NOT NULL,
    cancelled_at INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    crashes      INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    group_id     INTEGER
) STRICT;
CREATE INDEX stint_cancelled_queue ON stint_cancelled (queue_id, cancelled_at, job_id);

CREATE TABLE stint_expired (
    job_id     INTEGER PRIMARY KEY,
    queue_id   INTEGER NOT NULL,
    expired_at INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    crashes    INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    group_id   INTEGER
) STRICT;
CREATE INDEX stint_expired_queue ON stint_expired (queue_id, expired_at, job_id);

-- A group that no job names is deleted: see a reap.
CREATE INDEX stint_buried_group ON stint_buried (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX stint_done_group ON stint_done (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX stint_cancelled_group ON stint_cancelled (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX stint_expired_group ON stint_expired (group_id) WHERE group_id IS NOT NULL;

-- Digests: jobs that collect payloads. Events are added while the job has its unique key, was never claimed, and is ready or
-- delayed; so the rows of a job that was claimed once never change. The first event is the job's own payload.
CREATE TABLE stint_digests (
    job_id      INTEGER PRIMARY KEY,
    opened_at   INTEGER NOT NULL,
    start_limit INTEGER,                       -- the latest time to which events move its start; NULL: none
    events      INTEGER NOT NULL,              -- with the first
    bytes       INTEGER NOT NULL               -- of all their payloads
) STRICT;

-- The second event of a digest and those after it, in the order of their ids.
CREATE TABLE stint_events (
    id      INTEGER PRIMARY KEY,
    job_id  INTEGER NOT NULL,
    payload BLOB    NOT NULL
) STRICT;
CREATE INDEX stint_events_job ON stint_events (job_id);

-- 1: a digest. It is read with the payload, and 0 and 1 take no room in the row.
ALTER TABLE stint_jobs ADD COLUMN is_digest INTEGER NOT NULL DEFAULT 0;

-- 1: the job came back from a claim. It takes no more events, and nothing replaces it.
ALTER TABLE stint_unique_keys ADD COLUMN was_claimed INTEGER NOT NULL DEFAULT 0;

-- What became of the insert: added, duplicate, replaced (the earlier job has the new payload) or collected (by a digest).
ALTER TABLE stint_enqueue_result ADD COLUMN outcome TEXT NOT NULL DEFAULT 'added';

-- As before, with group, expiry and the two new states.
DROP VIEW stint_job;
CREATE VIEW stint_job AS
WITH state (id, state, attempts, crashes, suspect, run_at, token, buried_at, reason, done_at, cancelled_at, expired_at,
            group_id, expires_at) AS (
    SELECT j.id, 'ready', attempts, crashes, suspect, NULL, NULL, NULL, NULL, NULL, NULL, NULL, group_id, expires_at
    FROM stint_jobs j JOIN stint_ready r ON r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id
    UNION ALL
    SELECT job_id, 'delayed', attempts, crashes, suspect, run_at, NULL, NULL, NULL, NULL, NULL, NULL, group_id, expires_at
    FROM stint_delayed
    UNION ALL
    SELECT job_id, 'leased', attempts, crashes, suspect, NULL, token, NULL, NULL, NULL, NULL, NULL, group_id, expires_at
    FROM stint_leased
    UNION ALL
    SELECT job_id, 'buried', attempts, crashes, 0, NULL, NULL, buried_at, reason, NULL, NULL, NULL, group_id, expires_at
    FROM stint_buried
    UNION ALL
    SELECT job_id, 'done', attempts, crashes, 0, NULL, NULL, NULL, NULL, done_at, NULL, NULL, group_id, NULL FROM stint_done
    UNION ALL
    SELECT job_id, 'cancelled', attempts, crashes, 0, NULL, NULL, NULL, reason, NULL, cancelled_at, NULL, group_id, NULL
    FROM stint_cancelled
    UNION ALL
    SELECT job_id, 'expired', attempts, crashes, 0, NULL, NULL, NULL, reason, NULL, NULL, expired_at, group_id, NULL
    FROM stint_expired
)
SELECT j.id, q.name AS queue, s.state, j.priority, s.attempts, j.max_attempts, s.crashes, j.max_crashes, s.suspect,
       j.enqueued_at, s.run_at, l.worker, s.token, l.expires_at AS lease_expires_at, s.buried_at, s.reason, s.done_at,
       u.key AS unique_key, j.time_to_run_ms, j.content_type, j.headers,
       coalesce(d.bytes, length(j.payload)) AS payload_bytes,
       nullif(g.name, '') AS "group", s.expires_at, s.cancelled_at, s.expired_at, d.events
FROM state s
JOIN stint_jobs j ON j.id = s.id
JOIN stint_queues q ON q.id = j.queue_id
LEFT JOIN stint_leases l ON l.token = s.token
LEFT JOIN stint_unique_keys u ON u.job_id = j.id
LEFT JOIN stint_groups g ON g.id = s.group_id
LEFT JOIN stint_digests d ON d.job_id = j.id;

-- As before, with the columns "group", expires_ms, on_conflict, debounce_ms and at_most_ms.
DROP TRIGGER stint_enqueue_insert;
DROP VIEW stint_enqueue;
CREATE VIEW stint_enqueue (
    queue, payload, content_type, headers, priority, delay_ms, max_attempts, max_crashes, time_to_run_ms, unique_key,
    "group", expires_ms, on_conflict, debounce_ms, at_most_ms
) AS
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;

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
        WHEN typeof(coalesce(NEW."group", 'x')) <> 'text'
            OR length(CAST(coalesce(NEW."group", 'x') AS BLOB)) NOT BETWEEN 1 AND 200
            OR instr(coalesce(NEW."group", ''), char(0))
        THEN RAISE(ABORT, 'stint_enqueue: the group must be text of 1 to 200 bytes without NUL')
        WHEN typeof(coalesce(NEW.expires_ms, 1)) <> 'integer' OR coalesce(NEW.expires_ms, 1) NOT BETWEEN 1 AND 3162240000000
        THEN RAISE(ABORT, 'stint_enqueue: expires_ms must be an integer from 1 to 3162240000000 (100 years)')
        WHEN coalesce(NEW.on_conflict, 'keep') NOT IN ('keep', 'replace', 'collect')
        THEN RAISE(ABORT, 'stint_enqueue: on_conflict must be keep, replace or collect')
        WHEN coalesce(NEW.on_conflict, 'keep') <> 'keep' AND NEW.unique_key IS NULL
        THEN RAISE(ABORT, 'stint_enqueue: on_conflict other than keep needs a unique_key')
        WHEN NEW.debounce_ms IS NOT NULL AND coalesce(NEW.on_conflict, 'keep') <> 'collect'
        THEN RAISE(ABORT, 'stint_enqueue: debounce_ms goes with on_conflict ''collect'' only')
        WHEN typeof(coalesce(NEW.debounce_ms, 1)) <> 'integer' OR coalesce(NEW.debounce_ms, 1) NOT BETWEEN 1 AND 3162240000000
        THEN RAISE(ABORT, 'stint_enqueue: debounce_ms must be an integer from 1 to 3162240000000 (100 years)')
        WHEN NEW.debounce_ms IS NOT NULL AND coalesce(NEW.delay_ms, 0) <> 0
        THEN RAISE(ABORT, 'stint_enqueue: delay_ms and debounce_ms do not go together')
        WHEN NEW.at_most_ms IS NOT NULL AND NEW.debounce_ms IS NULL
        THEN RAISE(ABORT, 'stint_enqueue: at_most_ms goes with debounce_ms only')
        WHEN NEW.at_most_ms IS NOT NULL
            AND (typeof(NEW.at_most_ms) <> 'integer' OR NEW.at_most_ms NOT BETWEEN NEW.debounce_ms AND 3162240000000)
        THEN RAISE(ABORT, 'stint_enqueue: at_most_ms must be an integer from debounce_ms to 3162240000000 (100 years)')
        -- Where not all is ASCII: each character, written again, has the same bytes. In pieces, since SQLite counts the
        -- characters of a text from its start each time.
        WHEN coalesce(NEW.queue, '') || coalesce(NEW.unique_key, '') || coalesce(NEW."group", '') || coalesce(NEW.headers, '')
                GLOB '*[^' || char(1) || '-~]*'
            AND EXISTS (
                WITH RECURSIVE
                piece (text, rest) AS (
                    SELECT '', coalesce(NEW.queue, '') || char(10) || coalesce(NEW.unique_key, '') || char(10)
                        || coalesce(NEW."group", '') || char(10) || coalesce(NEW.headers, '')
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
        THEN RAISE(ABORT, 'stint_enqueue: queue, unique_key, group and headers must be valid UTF-8')
    END;

    INSERT INTO stint_queues (name)
    SELECT coalesce(NEW.queue, 'default')
    WHERE NOT EXISTS (SELECT 1 FROM stint_queues WHERE name = coalesce(NEW.queue, 'default'));

    -- Deleted and inserted, and not replaced: the conflict clause of the caller's statement would count.
    DELETE FROM stint_enqueue_result;
    INSERT INTO stint_enqueue_result (job_id, is_duplicate, outcome)
    SELECT CASE WHEN outcome <> 'added' THEN holder END, outcome = 'duplicate', outcome
    FROM (
        SELECT h.id AS holder, CASE
            WHEN h.id IS NULL THEN 'added'
            WHEN coalesce(NEW.on_conflict, 'keep') = 'keep' THEN 'duplicate'
            WHEN h.was_claimed OR NOT (
                EXISTS (SELECT 1 FROM stint_delayed WHERE job_id = h.id)
                OR EXISTS (SELECT 1 FROM stint_ready WHERE queue_id = h.queue_id AND priority = h.priority AND job_id = h.id))
            THEN 'added'
            WHEN NEW.on_conflict = 'replace' AND NOT h.is_digest THEN 'replaced'
            WHEN NEW.on_conflict = 'collect' AND h.is_digest AND EXISTS (
                SELECT 1 FROM stint_digests
                WHERE job_id = h.id AND events < 1000
                    AND bytes + length(CAST(coalesce(NEW.payload, '') AS BLOB)) <= 16777216)
                AND h.content_type = coalesce(NEW.content_type,
                    CASE typeof(coalesce(NEW.payload, ''))
                        WHEN 'text' THEN 'text/plain; charset=utf-8' ELSE 'application/octet-stream' END)
                -- The job's name: the end of the line that begins with `job-name:`.
                AND (SELECT count(DISTINCT trim(CASE WHEN start > 0
                        THEN substr(lines, start + 10, instr(substr(lines, start + 10), char(10)) - 1) ELSE '' END))
                     FROM (SELECT lines, instr(lower(lines), char(10) || 'job-name:') AS start
                           FROM (SELECT char(10) || coalesce(h.headers, '') || char(10) AS lines
                                 UNION ALL SELECT char(10) || coalesce(NEW.headers, '') || char(10)))) = 1
            THEN 'collected'
            ELSE 'added'
        END AS outcome
        FROM (SELECT 1) LEFT JOIN (
            SELECT j.id, j.queue_id, j.priority, j.is_digest, j.content_type, j.headers, u.was_claimed
            FROM stint_queues q JOIN stint_unique_keys u ON u.queue_id = q.id JOIN stint_jobs j ON j.id = u.job_id
            WHERE q.name = coalesce(NEW.queue, 'default') AND u.key = NEW.unique_key
                -- One that waits although its time is over never runs.
                AND NOT EXISTS (
                    SELECT 1 FROM stint_delayed WHERE job_id = j.id
                        AND expires_at <= CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER))
                AND NOT EXISTS (
                    SELECT 1 FROM stint_ready WHERE queue_id = j.queue_id AND priority = j.priority AND job_id = j.id
                        AND expires_at <= CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER))
        ) h
    );

    -- An event of a digest that takes it.
    INSERT INTO stint_events (job_id, payload)
    SELECT job_id, CAST(coalesce(NEW.payload, '') AS BLOB) FROM stint_enqueue_result WHERE outcome = 'collected';

    UPDATE stint_digests
    SET events = events + 1, bytes = bytes + length(CAST(coalesce(NEW.payload, '') AS BLOB)),
        start_limit = CASE WHEN NEW.at_most_ms IS NULL THEN start_limit
                           ELSE min(coalesce(start_limit, opened_at + NEW.at_most_ms), opened_at + NEW.at_most_ms) END
    WHERE job_id = (SELECT job_id FROM stint_enqueue_result WHERE outcome = 'collected');

    UPDATE stint_delayed
    SET run_at = (SELECT min(n.now + NEW.debounce_ms, coalesce(d.start_limit, n.now + NEW.debounce_ms))
                  FROM (SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now) n
                  JOIN stint_digests d ON d.job_id = stint_delayed.job_id)
    WHERE NEW.debounce_ms IS NOT NULL
        AND job_id = (SELECT job_id FROM stint_enqueue_result WHERE outcome = 'collected')
        AND run_at > CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER);

    -- A job that is replaced leaves its state, and comes into the next one as a new job does.
    UPDATE stint_queues
    SET ready = ready - (SELECT count(*) FROM stint_enqueue_result r JOIN stint_jobs j ON j.id = r.job_id JOIN stint_ready s
                         ON s.queue_id = j.queue_id AND s.priority = j.priority AND s.job_id = j.id WHERE r.outcome = 'replaced'),
        delayed = delayed - (SELECT count(*) FROM stint_enqueue_result r JOIN stint_delayed s ON s.job_id = r.job_id
                             WHERE r.outcome = 'replaced')
    WHERE name = coalesce(NEW.queue, 'default') AND EXISTS (SELECT 1 FROM stint_enqueue_result WHERE outcome = 'replaced');

    DELETE FROM stint_ready
    WHERE (queue_id, priority, job_id) = (
        SELECT j.queue_id, j.priority, j.id FROM stint_enqueue_result r JOIN stint_jobs j ON j.id = r.job_id
        WHERE r.outcome = 'replaced');

    DELETE FROM stint_delayed WHERE job_id = (SELECT job_id FROM stint_enqueue_result WHERE outcome = 'replaced');

    UPDATE stint_jobs
    SET priority = coalesce(NEW.priority, 1024), max_attempts = coalesce(NEW.max_attempts, 10),
        max_crashes = coalesce(NEW.max_crashes, 3), time_to_run_ms = NEW.time_to_run_ms,
        enqueued_at = CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER),
        content_type = coalesce(NEW.content_type,
            CASE typeof(coalesce(NEW.payload, ''))
                WHEN 'text' THEN 'text/plain; charset=utf-8' ELSE 'application/octet-stream' END),
        headers = nullif(NEW.headers, ''), payload = CAST(coalesce(NEW.payload, '') AS BLOB)
    WHERE id = (SELECT job_id FROM stint_enqueue_result WHERE outcome = 'replaced');

    INSERT INTO stint_jobs (queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at, content_type,
                            headers, payload, is_digest)
    SELECT q.id, coalesce(NEW.priority, 1024), coalesce(NEW.max_attempts, 10), coalesce(NEW.max_crashes, 3),
           NEW.time_to_run_ms, CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER),
           coalesce(NEW.content_type,
                    CASE typeof(coalesce(NEW.payload, ''))
                        WHEN 'text' THEN 'text/plain; charset=utf-8' ELSE 'application/octet-stream' END),
           nullif(NEW.headers, ''), CAST(coalesce(NEW.payload, '') AS BLOB), coalesce(NEW.on_conflict, 'keep') = 'collect'
    FROM stint_enqueue_result r JOIN stint_queues q ON q.name = coalesce(NEW.queue, 'default')
    WHERE r.outcome = 'added';

    -- In a trigger last_insert_rowid() is that of its own inserts.
    UPDATE stint_enqueue_result SET job_id = last_insert_rowid() WHERE outcome = 'added';

    INSERT INTO stint_digests (job_id, opened_at, start_limit, events, bytes)
    SELECT j.id, j.enqueued_at, j.enqueued_at + NEW.at_most_ms, 1, length(CAST(coalesce(NEW.payload, '') AS BLOB))
    FROM stint_enqueue_result r JOIN stint_jobs j ON j.id = r.job_id
    WHERE r.outcome = 'added' AND NEW.on_conflict = 'collect';

    -- The first group of a queue. Jobs without a group are a group of their own from now on: the one without a name.
    INSERT INTO stint_groups (queue_id, name)
    SELECT q.id, '' FROM stint_enqueue_result r JOIN stint_queues q ON q.name = coalesce(NEW.queue, 'default')
    WHERE r.outcome IN ('added', 'replaced') AND NEW."group" IS NOT NULL AND q.ungrouped IS NULL
        AND NOT EXISTS (SELECT 1 FROM stint_groups WHERE queue_id = q.id AND name = '');

    UPDATE stint_ready SET group_id = (SELECT id FROM stint_groups g WHERE g.queue_id = stint_ready.queue_id AND g.name = '')
    WHERE group_id IS NULL AND queue_id = (
        SELECT q.id FROM stint_enqueue_result r JOIN stint_queues q ON q.name = coalesce(NEW.queue, 'default')
        WHERE r.outcome IN ('added', 'replaced') AND NEW."group" IS NOT NULL AND q.ungrouped IS NULL);

    UPDATE stint_groups SET state = 'waiting'
    WHERE name = '' AND queue_id = (
        SELECT q.id FROM stint_enqueue_result r JOIN stint_queues q ON q.name = coalesce(NEW.queue, 'default')
        WHERE r.outcome IN ('added', 'replaced') AND NEW."group" IS NOT NULL AND q.ungrouped IS NULL);

    UPDATE stint_queues SET ungrouped = (SELECT id FROM stint_groups g WHERE g.queue_id = stint_queues.id AND g.name = '')
    WHERE name = coalesce(NEW.queue, 'default') AND ungrouped IS NULL AND NEW."group" IS NOT NULL
        AND (SELECT outcome IN ('added', 'replaced') FROM stint_enqueue_result);

    INSERT INTO stint_groups (queue_id, name)
    SELECT q.id, NEW."group" FROM stint_enqueue_result r JOIN stint_queues q ON q.name = coalesce(NEW.queue, 'default')
    WHERE r.outcome IN ('added', 'replaced') AND NEW."group" IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM stint_groups WHERE queue_id = q.id AND name = NEW."group");

    INSERT INTO stint_ready (queue_id, priority, job_id, attempts, crashes, suspect, group_id, expires_at)
    SELECT j.queue_id, j.priority, j.id, 0, 0, 0,
           CASE WHEN NEW."group" IS NULL THEN q.ungrouped
                ELSE (SELECT id FROM stint_groups g WHERE g.queue_id = q.id AND g.name = NEW."group") END,
           j.enqueued_at + NEW.expires_ms
    FROM stint_enqueue_result r JOIN stint_jobs j ON j.id = r.job_id JOIN stint_queues q ON q.id = j.queue_id
    WHERE r.outcome IN ('added', 'replaced') AND coalesce(nullif(NEW.delay_ms, 0), NEW.debounce_ms, 0) = 0;

    -- A group that has a job to run waits for its turn.
    UPDATE stint_groups SET state = 'waiting', turn = max(turn, (SELECT turn - 1 FROM stint_queues q WHERE q.id = queue_id))
    WHERE state = 'idle' AND coalesce(nullif(NEW.delay_ms, 0), NEW.debounce_ms, 0) = 0
        AND (SELECT outcome IN ('added', 'replaced') FROM stint_enqueue_result)
        AND queue_id = (SELECT id FROM stint_queues WHERE name = coalesce(NEW.queue, 'default'))
        AND name = coalesce(NEW."group", '');

    INSERT INTO stint_delayed (job_id, queue_id, run_at, attempts, crashes, suspect, group_id, expires_at)
    SELECT j.id, j.queue_id, j.enqueued_at + coalesce(nullif(NEW.delay_ms, 0), NEW.debounce_ms), 0, 0, 0,
           (SELECT id FROM stint_groups g WHERE g.queue_id = j.queue_id AND g.name = NEW."group"),
           j.enqueued_at + NEW.expires_ms
    FROM stint_enqueue_result r JOIN stint_jobs j ON j.id = r.job_id
    WHERE r.outcome IN ('added', 'replaced') AND coalesce(nullif(NEW.delay_ms, 0), NEW.debounce_ms, 0) > 0;

    -- That of a job that another program took away or that takes nothing more, if any.
    DELETE FROM stint_unique_keys
    WHERE key = NEW.unique_key AND queue_id = (SELECT id FROM stint_queues WHERE name = coalesce(NEW.queue, 'default'))
        AND (SELECT outcome = 'added' FROM stint_enqueue_result);

    INSERT INTO stint_unique_keys (job_id, queue_id, key)
    SELECT j.id, j.queue_id, NEW.unique_key FROM stint_enqueue_result r JOIN stint_jobs j ON j.id = r.job_id
    WHERE r.outcome = 'added' AND NEW.unique_key IS NOT NULL;

    UPDATE stint_queues
    SET ready = ready + (coalesce(nullif(NEW.delay_ms, 0), NEW.debounce_ms, 0) = 0),
        delayed = delayed + (coalesce(nullif(NEW.delay_ms, 0), NEW.debounce_ms, 0) > 0)
    WHERE name = coalesce(NEW.queue, 'default') AND (SELECT outcome IN ('added', 'replaced') FROM stint_enqueue_result);
END;
