-- Who works, and how processes ended.

-- One row a worker, from its start to its orderly end or until it is known to be dead. Which jobs it has started
-- stands in a small file beside the database (-worker-ID), since a row a job would cost a transaction.
CREATE TABLE stint_workers (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    name             TEXT    NOT NULL,         -- host:pid, unless its user named it
    host             TEXT    NOT NULL,
    boot_id          TEXT    NOT NULL,
    namespaces       TEXT    NOT NULL,         -- in which pid and process_start mean something
    pid              INTEGER NOT NULL,
    process_start    INTEGER NOT NULL,         -- tells the process from a later one with the same pid
    supervisor_pid   INTEGER,                  -- NULL: nobody watches it
    supervisor_start INTEGER,
    queues           TEXT    NOT NULL,         -- with spaces between
    concurrency      INTEGER NOT NULL,
    registered_at    INTEGER NOT NULL,
    seen             INTEGER NOT NULL          -- when it last said that it lives, by this boot's monotonic clock
) STRICT;

ALTER TABLE stint_leases ADD COLUMN worker_id INTEGER;           -- NULL: its worker is not registered

-- What is known of the process that ran the attempt.
ALTER TABLE stint_failures ADD COLUMN exit_code INTEGER;
ALTER TABLE stint_failures ADD COLUMN signal TEXT;               -- SIGSEGV and the like
ALTER TABLE stint_failures ADD COLUMN peak_memory_bytes INTEGER;
ALTER TABLE stint_failures ADD COLUMN run_time_ms INTEGER;
ALTER TABLE stint_failures ADD COLUMN standard_error TEXT;       -- the last 4 KiB
