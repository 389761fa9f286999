-- Who lives, and for how long a lease counts.

-- How long the lease was granted or last extended for. A deadline that lies further ahead than this is of an earlier
-- boot, whose clock was ahead of this one's. 0: granted before this migration; then the boot id tells.
ALTER TABLE stint_leases ADD COLUMN duration_ms INTEGER NOT NULL DEFAULT 0;

-- When a reaper first found the lease past its deadline although its worker lives, by the monotonic clock; NULL: never.
ALTER TABLE stint_leases ADD COLUMN overdue_since INTEGER;

-- The file that the worker's supervisor keeps locked as long as it lives; NULL: it has no supervisor.
ALTER TABLE stint_workers ADD COLUMN supervisor_file TEXT;

-- The latest request to replace all workers (`stint workers restart`), which supervisors look for. At most one row.
CREATE TABLE stint_restarts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    requested_at INTEGER NOT NULL
) STRICT;
