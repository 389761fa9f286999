-- A job queue as River and Oban lay it out, with no column or index that the measured work does not need.
DROP TABLE IF EXISTS jobs;
CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    priority integer NOT NULL DEFAULT 1024,
    state text NOT NULL DEFAULT 'ready',
    attempt integer NOT NULL DEFAULT 0,
    -- The lease: a running job is visible, and whoever looks after the deadline can take it back.
    leased_by integer,
    leased_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    payload bytea NOT NULL
);
-- Only of what waits, so that it shrinks with the backlog. None for leases: done jobs leave the table, so a reaper can
-- read it whole, and a claim has one index less to write.
CREATE INDEX jobs_ready ON jobs (queue, priority, id) WHERE state = 'ready';
-- Now, so that it falls into no measurement; and before the fill, so that its pages need no full image at the claim.
CHECKPOINT;
