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
