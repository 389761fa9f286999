/* Which tables make a queue fast? The whole life of jobs (enqueue, claim, ack) in plain C on candidate schemas, one
 * process, in batches. The figures and the choice are in docs/benchmarks.md and docs/decisions.md.
 *
 *   schema-candidates FULL|NORMAL BATCH JOBS PAYLOAD_BYTES DIRECTORY
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_BATCH = 1000 };

/* One candidate: its tables, and the statements of each step. NULL: the step has no such statement. */
struct candidate {
    const char *name;
    const char *tables;
    const char *insert_job;     /* ?1 payload */
    const char *insert_ready;   /* ?1 job id */
    const char *select_ready;   /* ?1 limit; gives id and payload */
    const char *lease;          /* ?1 count, or the list of ids where `lists_ids`; its rowid is the token */
    const char *take_up_to;     /* ?1 the last id, ?2 token: the claimed range leaves ready */
    const char *lease_each;     /* ?1 job id, ?2 token */
    const char *ack_each[4];    /* ?1 job id, ?2 token */
    const char *end_lease;      /* ?1 token */
    int lists_ids;
};

#define QUEUES "CREATE TABLE queues (id INTEGER PRIMARY KEY, ready INT DEFAULT 0, leased INT DEFAULT 0, done INT DEFAULT 0);" \
    "INSERT INTO queues (id) VALUES (1);"
#define JOBS(increment) "CREATE TABLE jobs (id INTEGER PRIMARY KEY " increment ", queue_id INT, priority INT, " \
    "max_attempts INT, enqueued_at INT, content_type TEXT, headers TEXT, payload BLOB);"
#define INSERT_JOB "INSERT INTO jobs (queue_id, priority, max_attempts, enqueued_at, content_type, payload) " \
    "VALUES (1, 1024, 10, 1800000000000, 'application/json', ?1)"
#define READY "CREATE TABLE ready (queue_id INT, priority INT, job_id INT, attempts INT, crashes INT, suspect INT, " \
    "PRIMARY KEY (queue_id, priority, job_id)) WITHOUT ROWID;"
#define INSERT_READY "INSERT INTO ready VALUES (1, 1024, ?1, 0, 0, 0)"
#define SELECT_READY "SELECT r.job_id, j.payload FROM ready r JOIN jobs j ON j.id = r.job_id " \
    "WHERE r.queue_id = 1 ORDER BY r.priority, r.job_id LIMIT ?1"
#define LEASES "CREATE TABLE leases (token INTEGER PRIMARY KEY AUTOINCREMENT, worker TEXT, boot_id TEXT, " \
    "deadline INT, jobs);"
#define LEASE "INSERT INTO leases (worker, boot_id, deadline, jobs) " \
    "VALUES ('host:1234', '2f1b7c3a-1111-2222-3333-444455556666', 1800000000000, ?1)"
#define TAKE "DELETE FROM ready WHERE queue_id = 1 AND (priority, job_id) <= (1024, ?1)"
#define LEASED "CREATE TABLE leased (job_id INTEGER PRIMARY KEY, token INT, attempts INT, crashes INT, suspect INT);"
#define EXTRAS "CREATE TABLE unique_keys (job_id INTEGER PRIMARY KEY, queue_id INT, key TEXT, UNIQUE (queue_id, key));" \
    "CREATE TABLE failures (id INTEGER PRIMARY KEY, job_id INT, error TEXT);" \
    "CREATE INDEX failures_job ON failures (job_id);"

static const struct candidate candidates[] = {
    {
        .name = "A  one table with a state column",
        .tables = QUEUES
            "CREATE TABLE jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, queue_id INT, priority INT, max_attempts INT, "
            "enqueued_at INT, content_type TEXT, headers TEXT, state TEXT, token INT, payload BLOB);"
            "CREATE INDEX jobs_ready ON jobs (queue_id, priority, id) WHERE state = 'ready';" LEASES,
        .insert_job = "INSERT INTO jobs (queue_id, priority, max_attempts, enqueued_at, content_type, state, payload) "
                      "VALUES (1, 1024, 10, 1800000000000, 'application/json', 'ready', ?1)",
        .select_ready = "SELECT id, payload FROM jobs WHERE queue_id = 1 AND state = 'ready' "
                        "ORDER BY priority, id LIMIT ?1",
        .lease = LEASE,
        .lease_each = "UPDATE jobs SET state = 'leased', token = ?2 WHERE id = ?1",
        .ack_each = {"DELETE FROM jobs WHERE id = ?1 AND token = ?2"},
        .end_lease = "DELETE FROM leases WHERE token = ?1",
    },
    {
        .name = "B  the lease lists its jobs",
        .tables = QUEUES JOBS("AUTOINCREMENT") READY LEASES,
        .insert_job = INSERT_JOB, .insert_ready = INSERT_READY, .select_ready = SELECT_READY,
        .lease = LEASE, .take_up_to = TAKE, .lists_ids = 1,
        .ack_each = {"DELETE FROM jobs WHERE id = ?1"},
        .end_lease = "DELETE FROM leases WHERE token = ?1",
    },
    {
        .name = "D  one row a leased job (chosen)",
        .tables = QUEUES JOBS("AUTOINCREMENT") READY LEASES LEASED,
        .insert_job = INSERT_JOB, .insert_ready = INSERT_READY, .select_ready = SELECT_READY,
        .lease = LEASE, .take_up_to = TAKE, .lease_each = "INSERT INTO leased VALUES (?1, ?2, 1, 0, 0)",
        .ack_each = {"DELETE FROM leased WHERE job_id = ?1 AND token = ?2", "DELETE FROM jobs WHERE id = ?1"},
        .end_lease = "DELETE FROM leases WHERE token = ?1",
    },
    {
        .name = "D  without AUTOINCREMENT",
        .tables = QUEUES JOBS("") READY LEASES LEASED,
        .insert_job = INSERT_JOB, .insert_ready = INSERT_READY, .select_ready = SELECT_READY,
        .lease = LEASE, .take_up_to = TAKE, .lease_each = "INSERT INTO leased VALUES (?1, ?2, 1, 0, 0)",
        .ack_each = {"DELETE FROM leased WHERE job_id = ?1 AND token = ?2", "DELETE FROM jobs WHERE id = ?1"},
        .end_lease = "DELETE FROM leases WHERE token = ?1",
    },
    {
        .name = "D  and two look-ups a job at the ack",
        .tables = QUEUES JOBS("AUTOINCREMENT") READY LEASES LEASED EXTRAS,
        .insert_job = INSERT_JOB, .insert_ready = INSERT_READY, .select_ready = SELECT_READY,
        .lease = LEASE, .take_up_to = TAKE, .lease_each = "INSERT INTO leased VALUES (?1, ?2, 1, 0, 0)",
        .ack_each = {"DELETE FROM leased WHERE job_id = ?1 AND token = ?2", "DELETE FROM jobs WHERE id = ?1",
                     "DELETE FROM unique_keys WHERE job_id = ?1", "DELETE FROM failures WHERE job_id = ?1"},
        .end_lease = "DELETE FROM leases WHERE token = ?1",
    },
};

static sqlite3 *db;

static void check(int code) {
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
    fprintf(stderr, "schema-candidates: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static void run(const char *sql) { check(sqlite3_exec(db, sql, NULL, NULL, NULL)); }

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement = NULL;
    if (sql) check(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
    return statement;
}

static void step(sqlite3_stmt *statement, sqlite3_int64 first, sqlite3_int64 second) {
    if (!statement) return;
    sqlite3_bind_int64(statement, 1, first);
    if (sqlite3_bind_parameter_count(statement) > 1) sqlite3_bind_int64(statement, 2, second);
    check(sqlite3_step(statement));
    sqlite3_reset(statement);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void measure(const struct candidate *c, const char *synchronous, int batch, int jobs, int size, const char *path) {
    char name[4096];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, (const char *[]){"", "-wal", "-shm"}[i]);
        remove(name);
    }
    check(sqlite3_open(path, &db));
    run("PRAGMA journal_mode = WAL; PRAGMA secure_delete = OFF; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY");
    snprintf(name, sizeof name, "PRAGMA synchronous = %s", synchronous);
    run(name);
    run(c->tables);

    sqlite3_stmt *insert_job = prepare(c->insert_job), *insert_ready = prepare(c->insert_ready);
    sqlite3_stmt *select_ready = prepare(c->select_ready), *lease = prepare(c->lease);
    sqlite3_stmt *take_up_to = prepare(c->take_up_to), *lease_each = prepare(c->lease_each);
    sqlite3_stmt *end_lease = prepare(c->end_lease), *ack_each[4];
    for (int i = 0; i < 4; i++) ack_each[i] = prepare(c->ack_each[i]);
    sqlite3_stmt *count = prepare("UPDATE queues SET ready = ready + ?1, leased = leased + ?2 WHERE id = 1");
    sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
    char *payload = calloc(1, (size_t)size), list[MAX_BATCH * 21];
    sqlite3_int64 ids[MAX_BATCH];
    double enqueue = 0, claim = 0, ack = 0, started = seconds();

    for (int done = 0; done < jobs; done += batch) {
        double t0 = seconds();
        step(begin, 0, 0);
        for (int i = 0; i < batch; i++) {
            sqlite3_bind_blob(insert_job, 1, payload, size, SQLITE_STATIC);
            check(sqlite3_step(insert_job));
            sqlite3_reset(insert_job);
            step(insert_ready, sqlite3_last_insert_rowid(db), 0);
        }
        step(count, batch, 0);
        step(commit, 0, 0);

        double t1 = seconds();
        step(begin, 0, 0);
        int taken = 0, length = 0;
        sqlite3_bind_int64(select_ready, 1, batch);
        while (sqlite3_step(select_ready) == SQLITE_ROW) {
            ids[taken++] = sqlite3_column_int64(select_ready, 0);
            memcpy(payload, sqlite3_column_blob(select_ready, 1), (size_t)size);
        }
        sqlite3_reset(select_ready);
        if (taken != batch) { fprintf(stderr, "schema-candidates: %d of %d jobs were claimed\n", taken, batch); exit(1); }
        for (int i = 0; i < taken && c->lists_ids; i++) {
            length += snprintf(list + length, sizeof list - (size_t)length, i ? ",%lld" : "%lld", ids[i]);
        }
        if (c->lists_ids) sqlite3_bind_text(lease, 1, list, length, SQLITE_STATIC);
        else sqlite3_bind_int64(lease, 1, taken);
        check(sqlite3_step(lease));
        sqlite3_reset(lease);
        sqlite3_int64 token = sqlite3_last_insert_rowid(db);
        step(take_up_to, ids[taken - 1], token);
        for (int i = 0; i < taken; i++) step(lease_each, ids[i], token);
        step(count, -taken, taken);
        step(commit, 0, 0);

        double t2 = seconds();
        step(begin, 0, 0);
        for (int i = 0; i < taken; i++) {
            for (int k = 0; k < 4; k++) step(ack_each[k], ids[i], token);
        }
        step(end_lease, token, 0);
        step(count, 0, -taken);
        step(commit, 0, 0);
        double t3 = seconds();
        enqueue += t1 - t0;
        claim += t2 - t1;
        ack += t3 - t2;
    }
    double total = seconds() - started;
    printf("%-38s %9.0f %9.0f %9.0f %9.0f\n", c->name, jobs / total, jobs / enqueue, jobs / claim, jobs / ack);
    fflush(stdout);
    sqlite3_close_v2(db);
    free(payload);
}

int main(int argc, char **argv) {
    int batch = argc == 6 ? atoi(argv[2]) : 0, jobs = argc == 6 ? atoi(argv[3]) : 0, size = argc == 6 ? atoi(argv[4]) : 0;
    if (batch < 1 || batch > MAX_BATCH || jobs < 1 || size < 1) {
        fprintf(stderr, "usage: schema-candidates FULL|NORMAL BATCH(1-1000) JOBS PAYLOAD_BYTES DIRECTORY\n");
        return 64;
    }
    char path[2048];
    snprintf(path, sizeof path, "%s/schema-candidates.db", argv[5]);
    printf("SQLite %s, synchronous=%s, batch %d, payload %d bytes, jobs/s\n", sqlite3_libversion(), argv[1], batch, size);
    printf("%-38s %9s %9s %9s %9s\n", "", "life", "enqueue", "claim", "ack");
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        measure(&candidates[i], argv[1], batch, jobs, size, path);
    }
    return 0;
}
