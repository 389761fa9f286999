-- Operations: changes of many jobs in steps, whose record stays. And what a person says about a queue or a worker.

-- Why the queue is paused; NULL: it is not, or nobody said so.
ALTER TABLE stint_queues ADD COLUMN pause_reason TEXT;

-- One row an operation, and one a change of single jobs that named who made it. A step of an operation writes its row in
-- the transaction that changes the jobs. The latest 10,000 are kept for 90 days.
CREATE TABLE stint_operations (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    verb        TEXT    NOT NULL,              -- kick, bury, delete, restore and so on, for people
    change      TEXT,                          -- what is done, as JSON; NULL: jobs are brought back
    restores    INTEGER,                       -- the operation whose jobs are brought back
    selection   TEXT,                          -- which jobs, as JSON; NULL: single ones, or a restore
    filter      TEXT    NOT NULL,              -- the same, for people
    actor       TEXT,                          -- who; NULL: not known
    begun_at    INTEGER NOT NULL,
    ended_at    INTEGER,
    state       TEXT    NOT NULL,              -- running, paused, done, cancelled, failed
    failure     TEXT,
    total       INTEGER,                       -- how many jobs met the conditions before; NULL: not counted
    changed     INTEGER NOT NULL DEFAULT 0,
    skipped     INTEGER NOT NULL DEFAULT 0,    -- their unique key is taken
    cursor      TEXT,                          -- up to where its jobs were changed, as JSON
    pass        INTEGER NOT NULL DEFAULT 1,    -- how often the states were read, with this time
    pass_from   INTEGER NOT NULL DEFAULT 0,    -- `changed` when this pass began
    driver      INTEGER,                       -- by chance; who made the last step
    stepped_at  INTEGER,                       -- when
    restored    INTEGER NOT NULL DEFAULT 0,    -- how many of its deleted jobs were brought back
    restorable_until INTEGER                   -- when its deleted jobs go; NULL: it has none, or they are being brought back
) STRICT;
CREATE INDEX stint_operations_open ON stint_operations (id) WHERE state IN ('running', 'paused');
CREATE INDEX stint_operations_restorable ON stint_operations (restorable_until) WHERE restorable_until IS NOT NULL;

-- Jobs that an operation has deleted, until they go for good. They have their row in stint_jobs, so that no payload is
-- copied, and none in any state, so that nothing finds them. Their unique keys are free.
CREATE TABLE stint_deleted (
    job_id       INTEGER PRIMARY KEY,
    operation_id INTEGER NOT NULL,
    queue_id     INTEGER NOT NULL,
    state        TEXT    NOT NULL,             -- in which it was
    attempts     INTEGER NOT NULL,
    crashes      INTEGER NOT NULL,
    suspect      INTEGER NOT NULL,
    at           INTEGER,                      -- run_at, buried_at, done_at, cancelled_at or expired_at
    reason       TEXT,
    group_id     INTEGER,
    expires_at   INTEGER,
    holds_group  INTEGER NOT NULL,
    unique_key   TEXT,
    was_claimed  INTEGER NOT NULL,
    error_group  INTEGER
) STRICT;
CREATE INDEX stint_deleted_operation ON stint_deleted (operation_id, job_id);
CREATE INDEX stint_deleted_group ON stint_deleted (group_id) WHERE group_id IS NOT NULL;

-- What a worker was ordered to do: quiet, stop or restart; NULL: to work.
ALTER TABLE stint_workers ADD COLUMN command TEXT;
