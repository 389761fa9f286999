import GRDB
import StintSQLiteMigrations

/// A database as an earlier Stint left it, with rows in every table that its schema had. The times are those of a
/// `TestClock`.
package enum Fixture {
    /// What the schemas 1, 2, … added to the contents. Append-only, like the migrations: the next one needs its own, or
    /// the tests fail. Columns are named, so that each also fits the schemas after it.
    package static let contents = [
        jobs, workers, enqueued, hardening, flow, schedules, errors, activity, operations, search, webhooks,
        idempotency, burials, move, writers,
    ]

    /// With jobs in every state: job 3 is leased alone, 4 and 5 together, 6 from an earlier boot, 10 with time left.
    private static let jobs = """
        INSERT INTO stint_queues (id, name, paused, retention_ms, ready, delayed, leased, buried, done) VALUES
            (1, 'q', 0, 3600000, 1, 1, 5, 1, 7), (2, 'paused', 1, 0, 1, 0, 0, 0, 0);
        INSERT INTO stint_jobs (id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at,
                                content_type, headers, payload)
            SELECT value, 1, 10, 3, 2, 5000, 1700000000000 + value, 'text/plain', 'a: b',
                   CAST('job ' || value AS BLOB)
            FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 10)
                  SELECT value FROM n) WHERE value <> 9;
        INSERT INTO stint_jobs (id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at,
                                content_type, headers, payload) VALUES
            (9, 2, 10, 3, 2, NULL, 1700000000009, 'text/plain', NULL, x'00FF');
        INSERT INTO stint_ready (queue_id, priority, job_id, attempts, crashes, suspect) VALUES
            (1, 10, 1, 1, 0, 1), (2, 10, 9, 0, 0, 0);
        INSERT INTO stint_delayed (job_id, queue_id, run_at, attempts, crashes, suspect) VALUES
            (2, 1, 1900000000000, 1, 1, 0);
        INSERT INTO stint_leases (token, queue_id, worker, boot_id, deadline, claimed_at, expires_at, jobs, shared) VALUES
            (21, 1, 'host:1', 'boot-1', 5010000, 1, 2, 1, 0), (22, 1, 'host:2', 'boot-1', 5010000, 1, 2, 2, 0),
            (23, 1, 'host:3', 'boot-0', 9999999, 1, 2, 1, 0), (24, 1, 'host:4', 'boot-1', 5020000, 1, 2, 1, 0);
        INSERT INTO stint_leased (job_id, token, attempts, crashes, suspect) VALUES
            (3, 21, 1, 0, 0), (4, 22, 1, 0, 0), (5, 22, 1, 0, 0), (6, 23, 1, 0, 0), (10, 24, 1, 0, 0);
        INSERT INTO stint_buried (job_id, queue_id, buried_at, attempts, crashes, reason) VALUES
            (7, 1, 1700000000100, 3, 2, 'crashed 2 times');
        INSERT INTO stint_done (job_id, queue_id, done_at, attempts, crashes) VALUES (8, 1, 1800000000000, 1, 0);
        INSERT INTO stint_unique_keys (job_id, queue_id, key) VALUES (2, 1, 'k');
        INSERT INTO stint_failures (id, job_id, attempt, at, kind, error, worker) VALUES
            (1, 7, 1, 1700000000050, 'crashed', 'SIGSEGV', 'host:9'),
            (2, 2, 1, 1700000000060, 'failed', 'refused', NULL);
        """

    /// Workers of a boot that is over, one with a supervisor and the lease of job 6; the record of a death.
    private static let workers = """
        INSERT INTO stint_workers (id, name, host, boot_id, namespaces, pid, process_start, supervisor_pid,
                                   supervisor_start, queues, concurrency, registered_at, seen) VALUES
            (31, 'host:3', 'host', 'boot-0', 'pid:[1]', 3, 30, 2, 20, 'q paused', 4, 1700000000000, 4000000),
            (32, 'named', 'host', 'boot-0', 'pid:[1]', 4, 40, NULL, NULL, 'q', 1, 1700000000001, 4000001);
        UPDATE stint_leases SET worker_id = 31 WHERE token = 23;
        INSERT INTO stint_failures (id, job_id, attempt, at, kind, error, worker, exit_code, signal, peak_memory_bytes,
                                    run_time_ms, standard_error) VALUES
            (3, 7, 2, 1700000000070, 'crashed', 'killed by SIGKILL', 'host:9', NULL, 'SIGKILL', 1048576, 1200, 'oom'),
            (4, 7, 3, 1700000000080, 'failed', 'exit 1', 'host:9', 1, NULL, NULL, NULL, NULL);
        """

    /// Jobs as other programs enqueue them.
    private static let enqueued = """
        INSERT INTO stint_enqueue (queue, payload, unique_key, headers) VALUES ('sql', 'from SQL', 'sql-1', 'x: y');
        INSERT INTO stint_enqueue (queue, payload, delay_ms) VALUES ('sql', 'later', 3162240000000);
        """

    /// A worker that has a supervisor, with a lease that is found past its deadline.
    private static let hardening = """
        INSERT INTO stint_workers (id, name, host, boot_id, namespaces, pid, process_start, queues, concurrency,
                                   registered_at, seen, supervisor_file) VALUES
            (33, 'host:5', 'host', 'boot-1', 'pid:[1]', 5, 50, 'other', 1, 1700000000002, 5000000, 'stint.db-supervisor-1');
        INSERT INTO stint_enqueue (queue, payload) VALUES ('sql', 'with a result');
        INSERT INTO stint_restarts (requested_at) VALUES (1700000000003);
        """

    /// A queue with limits and two groups: job 101 is a digest of two events, 102 has a group and an expiry, 103 is
    /// cancelled, 104 has expired.
    private static let flow = """
        INSERT INTO stint_queues (id, name, paused, retention_ms, ready, delayed, leased, buried, done, cancelled, expired,
                                  concurrency, rate_starts, rate_ms, group_concurrency, turn) VALUES
            (50, 'flow', 0, 3600000, 2, 0, 0, 0, 0, 1, 1, 4, 100, 60000, 2, 3000000);
        INSERT INTO stint_groups (id, queue_id, name, weight, state, turn) VALUES
            (501, 50, '', 1, 'waiting', 3000000), (502, 50, 'tenant', 2, 'waiting', 3000000);
        UPDATE stint_queues SET ungrouped = 501 WHERE id = 50;
        INSERT INTO stint_starts (queue_id, group_id, at, starts) VALUES (50, 0, 4999000, 3);
        INSERT INTO stint_jobs (id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at,
                                content_type, headers, payload, is_digest) VALUES
            (101, 50, 10, 3, 2, NULL, 1700000000101, 'text/plain', NULL, CAST('first' AS BLOB), 1),
            (102, 50, 10, 3, 2, NULL, 1700000000102, 'text/plain', NULL, CAST('job 102' AS BLOB), 0),
            (103, 50, 10, 3, 2, NULL, 1700000000103, 'text/plain', NULL, CAST('job 103' AS BLOB), 0),
            (104, 50, 10, 3, 2, NULL, 1700000000104, 'text/plain', NULL, CAST('job 104' AS BLOB), 0);
        INSERT INTO stint_ready (queue_id, priority, job_id, attempts, crashes, suspect, group_id, expires_at) VALUES
            (50, 10, 101, 0, 0, 0, 501, NULL), (50, 10, 102, 0, 0, 0, 502, 1900000000000);
        INSERT INTO stint_digests (job_id, opened_at, start_limit, events, bytes) VALUES (101, 1700000000101, NULL, 2, 11);
        INSERT INTO stint_events (id, job_id, payload) VALUES (1, 101, CAST('second' AS BLOB));
        INSERT INTO stint_unique_keys (job_id, queue_id, key) VALUES (101, 50, 'd');
        INSERT INTO stint_cancelled (job_id, queue_id, cancelled_at, attempts, crashes, reason, group_id) VALUES
            (103, 50, 1800000000000, 1, 0, 'cancelled manually', 502);
        INSERT INTO stint_expired (job_id, queue_id, expired_at, attempts, crashes, reason, group_id) VALUES
            (104, 50, 1800000000000, 0, 0, 'its time was over before it was started', NULL);
        """

    /// Two schedules, one of which has ticked and is paused.
    private static let schedules = """
        INSERT INTO stint_schedules (id, name, cron, time_zone, every_ms, every_from, missed, paused, ticked_until,
                                     next_tick, queue, priority, delay_ms, max_attempts, max_crashes, time_to_run_ms,
                                     unique_key, content_type, headers, payload) VALUES
            (1, 'nightly', '0 3 * * *', 'UTC', NULL, NULL, 'once', 0, 1799982000000, 1900000000000, 'nightly', 10, 0, 3,
             2, 5000, 'k', 'text/plain', 'a: b', x'00FF'),
            (2, 'often', NULL, NULL, 90000, 0, 'all', 1, 1799999910000, NULL, 'nightly', 10, 0, 3, 2, NULL, NULL,
             'text/plain', NULL, x'');
        INSERT INTO stint_schedule_ticks (schedule_id, tick_at, job_id) VALUES (2, 1799999910000, 7);
        """

    /// The error of a job that was buried before is grouped, as a burial does.
    private static let errors = """
        UPDATE stint_buried SET error_group = 5 WHERE job_id = 7;
        INSERT INTO stint_error_groups (error_group, queue_id, buried, first_at, last_at)
            SELECT error_group, queue, 1, buried_at, buried_at
            FROM stint_buried, (SELECT 0 AS queue UNION ALL SELECT 1) WHERE job_id = 7;
        """

    /// An operation that is paused, and one that has deleted job 201, which can be brought back for long.
    private static let operations = """
        UPDATE stint_queues SET pause_reason = 'the provider is down' WHERE id = 2;
        INSERT INTO stint_jobs (id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at,
                                content_type, headers, payload, is_digest) VALUES
            (201, 50, 10, 3, 2, NULL, 1700000000201, 'text/plain', NULL, CAST('job 201' AS BLOB), 0);
        INSERT INTO stint_operations (id, verb, change, selection, filter, actor, begun_at, ended_at, state, total, changed,
                                      cursor, restorable_until) VALUES
            (1, 'delete', '{"delete":{}}', '{"query":"queue:flow","states":["ready"]}', 'queue:flow', 'alice',
             1800000000000, 1800000000000, 'done', 1, 1, '201.1800000000000', 1900000000000),
            (2, 'kick', '{"kick":{}}', '{"query":"queue:flow","states":["buried"]}', 'queue:flow', NULL,
             1800000000000, NULL, 'paused', NULL, 0, '201.1800000000000', NULL);
        INSERT INTO stint_deleted (job_id, operation_id, queue_id, state, attempts, crashes, suspect, at, reason, group_id,
                                   expires_at, holds_group, unique_key, was_claimed) VALUES
            (201, 1, 50, 'ready', 1, 0, 0, NULL, NULL, 502, NULL, 0, 'gone', 0);
        """

    /// A queue whose free text is to be indexed; job 1 is, and job 7 has changed since.
    private static let search = """
        UPDATE stint_queues SET search = 1 WHERE id = 1;
        CREATE VIRTUAL TABLE IF NOT EXISTS stint_search
            USING fts5(text, tokenize = 'trigram case_sensitive 1', detail = 'none', columnsize = 0);
        INSERT INTO stint_search (rowid, text) VALUES (1, 'job 1');
        INSERT INTO stint_search_queues (queue_id, indexed_to, jobs, bytes) VALUES (1, 1, 1, 37);
        INSERT INTO stint_search_jobs (job_id, queue_id, bytes) VALUES (1, 1, 37);
        INSERT INTO stint_search_changes (queue_id, job_id) VALUES (1, 7);
        """

    /// A webhook that was told of burials.
    private static let webhooks = """
        INSERT INTO stint_webhooks (id, name, url, events, template, secret, delivered, last_job, last_at, last_status) VALUES
            (1, 'ops', 'https://hooks.example.com/x', 'buried', 'json', x'000102030405060708090a0b0c0d0e0f', 3, 7,
             1800000000000, 204);
        INSERT INTO stint_webhook_states (webhook_id, event, queue_id, seen, is_raised, notified_at) VALUES
            (1, 'buried', 1, 1, 0, 1800000000000);
        """

    /// A key of a job that is still there, and one of a job that is gone.
    private static let idempotency = """
        INSERT INTO stint_idempotency_keys (queue_id, key, job_id, enqueued_at) VALUES
            (1, 'order-1', 1, 1700000000001), (1, 'order-2', 999, 1700000000002);
        """

    /// The only buried job has a number.
    private static let burials = """
        UPDATE stint_buried SET burial = 1;
        UPDATE stint_burials SET last = 1;
        """

    /// Its jobs came from another database.
    private static let move = """
        INSERT INTO stint_moves (direction, move_id, run, phase, peer, started_at) VALUES
            ('in', 'k3', 'r', 'arrived', '/var/lib/app/old.db', 1799999000000);
        INSERT INTO stint_forwarded (move_id, job_id) VALUES ('k3', 88);
        INSERT INTO stint_move_notes (job_id) VALUES (89);
        """

    /// The worker with a supervisor went through that.
    private static let writers = "UPDATE stint_workers SET writes_through_supervisor = 1 WHERE id = 31;"

    /// A queue with counts of its latest minute and of those before; job 1 is ready for a shorter time than it exists.
    private static let activity = """
        UPDATE stint_queues SET minute = 1799999940000, activity = '[[3,2,1],[1500,0,2],[9,1,0,0,0,1]]' WHERE id = 1;
        INSERT INTO stint_buckets (seconds, start, queue_id, enqueued, started, done, waits, runs) VALUES
            (60, 1799999880000, 1, 4, 4, 4, '[8,0,4]', '[4,4]'), (3600, 1799996400000, 1, 4, 4, 4, '[8,0,4]', '[4,4]'),
            (0, 0, 1, 7, 7, 6, '[20,0,7]', '[7,6]');
        UPDATE stint_ready SET ready_at = 1799999990000 WHERE job_id = 1;
        """

    /// - Parameters:
    ///   - version: Which schema, from 1.
    ///   - path: A file that does not exist.
    ///   - content: What is in it; `nil`: what each of its schemas has added.
    package static func make(version: Int, at path: String, with content: String? = nil) throws {
        var configuration = Configuration()
        configuration.journalMode = .wal
        let database = try DatabaseQueue(path: path, configuration: configuration)
        try database.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE stint_migrations (
                        version    INTEGER PRIMARY KEY,
                        name       TEXT    NOT NULL,
                        sql        TEXT    NOT NULL,
                        applied_at INTEGER NOT NULL
                    ) STRICT
                    """)
            for migration in SQLiteMigrations.all.prefix(version) {
                try database.execute(sql: migration.sql)
                try database.execute(
                    sql: "INSERT INTO stint_migrations VALUES (?, ?, ?, 0)",
                    arguments: [migration.version, migration.name, migration.sql])
            }
            for content in content.map({ [$0] }) ?? Array(contents.prefix(version)) {
                try database.execute(sql: content)
            }
        }
        try database.close()
    }
}
