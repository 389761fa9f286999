-- Jobs that are enqueued again and again.

-- One row a schedule: when it ticks, and the job that each tick copies into stint_jobs.
CREATE TABLE stint_schedules (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT    NOT NULL UNIQUE,
    cron           TEXT,                       -- five fields, or six with the second first; NULL: at equal intervals
    time_zone      TEXT,                       -- whose clock cron means, by its IANA name
    every_ms       INTEGER,                    -- NULL: by cron
    every_from     INTEGER,                    -- a time from which the intervals count
    missed         TEXT    NOT NULL,           -- skip, once or all
    paused         INTEGER NOT NULL DEFAULT 0,
    ticked_until   INTEGER NOT NULL,           -- ticks up to here have made their jobs, or will make none
    next_tick      INTEGER,                    -- when to tick next; NULL: paused, or there will be no tick
    queue          TEXT    NOT NULL,
    priority       INTEGER NOT NULL,
    delay_ms       INTEGER NOT NULL,
    max_attempts   INTEGER NOT NULL,
    max_crashes    INTEGER NOT NULL,
    time_to_run_ms INTEGER,
    unique_key     TEXT,
    group_name     TEXT,
    expires_ms     INTEGER,
    on_conflict    TEXT    NOT NULL DEFAULT 'keep',
    debounce_ms    INTEGER,
    at_most_ms     INTEGER,
    max_events     INTEGER NOT NULL DEFAULT 1000,
    max_event_bytes INTEGER NOT NULL DEFAULT 16777216,
    content_type   TEXT    NOT NULL,
    headers        TEXT,
    payload        BLOB    NOT NULL,
    CHECK ((cron IS NULL) <> (every_ms IS NULL) AND (cron IS NULL) = (time_zone IS NULL))
) STRICT;
CREATE INDEX stint_schedules_due ON stint_schedules (next_tick) WHERE next_tick IS NOT NULL;
-- Finds those whose last tick was in what is the future now, since the clock was set back.
CREATE INDEX stint_schedules_ahead ON stint_schedules (ticked_until) WHERE next_tick IS NOT NULL;

-- The latest ticks that have made a job. The primary key allows no second job for a tick.
CREATE TABLE stint_schedule_ticks (
    schedule_id INTEGER NOT NULL,
    tick_at     INTEGER NOT NULL,
    job_id      INTEGER NOT NULL,              -- it may be done and deleted by now
    PRIMARY KEY (schedule_id, tick_at)
) STRICT, WITHOUT ROWID;
