-- Buried jobs are grouped by their errors.

-- The number of the error's fingerprint, by which burials with like errors are found. NULL: buried before this
-- migration, or by another program; a reap fills it in.
ALTER TABLE stint_buried ADD COLUMN error_group INTEGER;
CREATE INDEX stint_buried_errors ON stint_buried (error_group, queue_id) WHERE error_group IS NOT NULL;
CREATE INDEX stint_buried_ungrouped ON stint_buried (job_id) WHERE error_group IS NULL;

-- How many jobs are buried with like errors: kept, not counted. A row is deleted with its last job.
CREATE TABLE stint_error_groups (
    error_group INTEGER NOT NULL,
    queue_id    INTEGER NOT NULL,              -- 0: all queues together
    buried      INTEGER NOT NULL,
    first_at    INTEGER NOT NULL,              -- when the first was buried since there were none
    last_at     INTEGER NOT NULL,
    PRIMARY KEY (error_group, queue_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX stint_error_groups_size ON stint_error_groups (queue_id, buried, error_group);
