-- An enqueue with an idempotency key can be repeated: for a day the key finds what the first one has added, whatever has
-- become of that job. Each enqueue with such a key also removes some that are older.
CREATE TABLE stint_idempotency_keys (
    queue_id    INTEGER NOT NULL,
    key         TEXT    NOT NULL,
    job_id      INTEGER NOT NULL,
    enqueued_at INTEGER NOT NULL,
    PRIMARY KEY (queue_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX stint_idempotency_keys_age ON stint_idempotency_keys (enqueued_at);
