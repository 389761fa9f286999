-- Receivers that are told of events, by jobs of the queue stint.webhooks.

CREATE TABLE stint_webhooks (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,
    url           TEXT    NOT NULL,
    events        TEXT    NOT NULL,                -- one a line, as buried, age:mail>10m
    template      TEXT    NOT NULL,                -- json or slack
    allow_private INTEGER NOT NULL DEFAULT 0,      -- 1: it may be sent to addresses of private networks
    secret        BLOB    NOT NULL,                -- the key of its signatures; who reads this file can sign
    delivered     INTEGER NOT NULL DEFAULT 0,      -- messages that the receiver has taken
    failed        INTEGER NOT NULL DEFAULT 0,      -- attempts that have failed
    last_job      INTEGER,                         -- the latest attempt
    last_at       INTEGER,
    last_status   INTEGER,                         -- NULL: no answer
    last_error    TEXT                             -- NULL: it was taken
) STRICT;

-- What a webhook was told. A row is written in the transaction that enqueues the message.
CREATE TABLE stint_webhook_states (
    webhook_id  INTEGER NOT NULL,
    event       TEXT    NOT NULL,
    queue_id    INTEGER NOT NULL,                  -- 0: the database
    seen        INTEGER NOT NULL,                  -- the total up to which happenings were told
    is_raised   INTEGER NOT NULL,                  -- 1: it was told last that a limit is exceeded
    notified_at INTEGER,
    PRIMARY KEY (webhook_id, event, queue_id)
) STRICT, WITHOUT ROWID;
