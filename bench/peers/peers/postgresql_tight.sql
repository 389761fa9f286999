-- One wide table with a state, with all that makes it fast: no text, and a vacuum that keeps up.
DROP TABLE IF EXISTS jobs;
CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    leased_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    queue integer NOT NULL,
    priority integer NOT NULL DEFAULT 1024,
    leased_by integer,
    state smallint NOT NULL DEFAULT 0,
    attempt smallint NOT NULL DEFAULT 0,
    payload bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX jobs_ready ON jobs (queue, priority, id) WHERE state = 0;
CHECKPOINT;
