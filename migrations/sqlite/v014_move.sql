-- A move of all jobs to another database, or from another one: at most one row for each direction. Other processes read it
-- before they change anything but by an enqueue. While jobs arrive, a trigger (stint_arriving) refuses those of SQL, too.
CREATE TABLE stint_moves (
    direction    TEXT    PRIMARY KEY,          -- out: the jobs leave, or have left; in: they come, or came
    move_id      TEXT    NOT NULL,             -- the same in both databases
    run          TEXT    NOT NULL,             -- of the process that moves
    phase        TEXT    NOT NULL,             -- out: copying, frozen, moved; in: arriving, arrived
    peer         TEXT    NOT NULL,             -- the address of the other database
    frozen_until INTEGER,                      -- while frozen: until then only enqueues are accepted
    started_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- While jobs leave: those that were added, changed or deleted, in the order of the changes. Written by triggers that exist only
-- then (stint_noted_…). After the move: those that were enqueued here and are to be forwarded.
CREATE TABLE stint_move_notes (
    note   INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL
) STRICT;

-- Jobs of the other database that were enqueued there after the move, and forwarded. They stay: a process may have read such a
-- job before another one has deleted it there.
CREATE TABLE stint_forwarded (
    move_id TEXT    NOT NULL,
    job_id  INTEGER NOT NULL,
    PRIMARY KEY (move_id, job_id)
) STRICT, WITHOUT ROWID;
