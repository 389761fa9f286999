#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connection.h"

/* Each function returns SQLite's code; a transaction stops at the first that is not SQLITE_OK. */
#define TRY(expression)                            \
    do {                                           \
        int try_code = (expression);               \
        if (try_code != SQLITE_OK) return try_code; \
    } while (0)

static int64_t milliseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int64_t nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int bind(sqlite3_stmt *statement, int count, const int64_t *values) {
    for (int i = 0; i < count; i++) TRY(sqlite3_bind_int64(statement, i + 1, values[i]));
    return SQLITE_OK;
}

#define BIND(statement, ...) \
    bind(statement, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

static int bind_text(sqlite3_stmt *statement, int index, const char *text) {
    return sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

/* Reads one integer of the first row; `found` is set if there was one. */
static int read_int(sqlite3_stmt *statement, int64_t *value, int *found) {
    int code = sqlite3_step(statement);
    *found = code == SQLITE_ROW;
    if (*found) *value = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int add_counts(struct ceiling *c, int64_t queue, int64_t ready, int64_t leased, int64_t done) {
    sqlite3_stmt *update = c->statements[CEILING_ADD_COUNTS];
    TRY(BIND(update, queue, ready, 0, leased, 0, done, 0, 0));
    return connection_run(update);
}

/* --- enqueue --- */

static int enqueue(struct ceiling *c, const unsigned char *payload, int64_t wall) {
    sqlite3_stmt *select = c->statements[CEILING_QUEUE_ID];
    int64_t queue = 0;
    int found = 0;
    TRY(bind_text(select, 1, c->settings.queue));
    TRY(read_int(select, &queue, &found));
    if (!found) return SQLITE_NOTFOUND;
    sqlite3_stmt *job = c->statements[CEILING_INSERT_JOB], *ready = c->statements[CEILING_INSERT_READY];
    for (int i = 0; i < c->settings.batch; i++) {
        TRY(BIND(job, queue, 1024, 10, 3));
        TRY(sqlite3_bind_null(job, 5));
        TRY(sqlite3_bind_int64(job, 6, wall));
        TRY(bind_text(job, 7, c->settings.content_type));
        TRY(sqlite3_bind_null(job, 8));
        TRY(sqlite3_bind_blob(job, 9, payload, c->settings.payload_bytes, SQLITE_STATIC));
        TRY(connection_run(job));
        TRY(BIND(ready, queue, 1024, sqlite3_last_insert_rowid(c->writer), 0, 0, 0));
        TRY(connection_run(ready));
    }
    return add_counts(c, queue, c->settings.batch, 0, 0);
}

/* --- settle --- */

static int read_lease(struct ceiling *c, int64_t *queue) {
    sqlite3_stmt *lease = c->statements[CEILING_LEASE];
    TRY(BIND(lease, c->token));
    int code = sqlite3_step(lease);
    if (code == SQLITE_ROW) {
        *queue = sqlite3_column_int64(lease, 0);
        (void)sqlite3_column_int64(lease, 1);
        (void)sqlite3_column_int64(lease, 2);
        (void)sqlite3_column_text(lease, 3);
    }
    sqlite3_reset(lease);
    return code == SQLITE_ROW ? SQLITE_OK : code == SQLITE_DONE ? SQLITE_NOTFOUND : code;
}

static int settle(struct ceiling *c, int64_t *queue) {
    TRY(read_lease(c, queue));
    sqlite3_stmt *belongings = c->statements[CEILING_ANY_BELONGINGS];
    int64_t exists = 0;
    int found = 0;
    TRY(BIND(belongings, c->ids[0], c->ids[c->claimed - 1]));
    TRY(read_int(belongings, &exists, &found));
    sqlite3_stmt *leased = c->statements[CEILING_DELETE_LEASED], *job = c->statements[CEILING_DELETE_JOB];
    for (int i = 0; i < c->claimed; i++) {
        TRY(BIND(leased, c->ids[i], c->token));
        TRY(connection_run(leased));
        if (sqlite3_changes(c->writer) != 1) return SQLITE_NOTFOUND;
        TRY(BIND(job, c->ids[i]));
        TRY(connection_run(job));
    }
    TRY(BIND(c->statements[CEILING_DELETE_LEASE], c->token));
    return connection_run(c->statements[CEILING_DELETE_LEASE]);
}

/* --- claim --- */

/* Copies a payload out, as a consumer needs it. */
static int keep_payload(struct ceiling *c, const void *bytes, size_t size) {
    if (size > c->payload_size) {
        unsigned char *larger = realloc(c->payload, size);
        if (!larger) return SQLITE_NOMEM;
        c->payload = larger;
        c->payload_size = size;
    }
    if (size > 0) memcpy(c->payload, bytes, size);
    return SQLITE_OK;
}

static int read_ready(struct ceiling *c, int64_t queue, int64_t *last_priority) {
    sqlite3_stmt *ready = c->statements[CEILING_READY_JOBS];
    TRY(BIND(ready, queue, c->settings.batch));
    int n = 0, code;
    while ((code = sqlite3_step(ready)) == SQLITE_ROW) {
        *last_priority = sqlite3_column_int64(ready, 0);
        c->ids[n] = sqlite3_column_int64(ready, 1);
        c->attempts[n] = sqlite3_column_int64(ready, 2);
        c->crashes[n] = sqlite3_column_int64(ready, 3);
        c->suspects[n] = sqlite3_column_int64(ready, 4);
        n++;
    }
    sqlite3_reset(ready);
    c->claimed = n;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* After the claim's commit: the jobs themselves, in a read transaction. */
static int read_jobs(struct ceiling *c, ceiling_result *result) {
    sqlite3_stmt *job = c->statements[CEILING_JOB];
    TRY(connection_run(c->begin_read));
    for (int i = 0; i < c->claimed; i++) {
        TRY(BIND(job, c->ids[i]));
        int code = sqlite3_step(job);
        if (code != SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_NOTFOUND : code;
        for (int column = 0; column <= 2; column++) (void)sqlite3_column_int64(job, column);
        for (int column = 3; column <= 4; column++) (void)sqlite3_column_text(job, column);
        const void *payload = sqlite3_column_blob(job, 5);
        int size = sqlite3_column_bytes(job, 5);
        TRY(keep_payload(c, payload, (size_t)size));
        result->payload_bytes_read += size;
        sqlite3_reset(job);
    }
    return connection_run(c->commit);
}

static int claim(struct ceiling *c, int64_t *queue, int64_t wall) {
    c->claimed = 0;
    sqlite3_stmt *claimable = c->statements[CEILING_CLAIMABLE_QUEUE], *due = c->statements[CEILING_DUE_DELAYED];
    int64_t id = 0, priority = 0;
    int found = 0;
    TRY(bind_text(claimable, 1, c->settings.queue));
    TRY(read_int(claimable, queue, &found));
    if (!found) return SQLITE_NOTFOUND;
    TRY(BIND(due, *queue, wall, 1000));
    TRY(read_int(due, &id, &found));
    if (found) return SQLITE_MISUSE; /* the benchmark delays no job */
    TRY(read_ready(c, *queue, &priority));
    if (c->claimed == 0) return SQLITE_OK;

    sqlite3_stmt *lease = c->statements[CEILING_INSERT_LEASE], *leased = c->statements[CEILING_INSERT_LEASED];
    TRY(sqlite3_bind_int64(lease, 1, *queue));
    TRY(bind_text(lease, 2, c->settings.worker));
    TRY(bind_text(lease, 3, c->settings.boot));
    TRY(sqlite3_bind_int64(lease, 4, milliseconds(CLOCK_MONOTONIC) + 30000));
    TRY(sqlite3_bind_int64(lease, 9, 30000));
    TRY(sqlite3_bind_int64(lease, 5, wall));
    TRY(sqlite3_bind_int64(lease, 6, wall + 30000));
    TRY(sqlite3_bind_int64(lease, 7, c->claimed));
    TRY(connection_run(lease));
    c->token = sqlite3_last_insert_rowid(c->writer);
    TRY(BIND(c->statements[CEILING_DELETE_READY_UP_TO], *queue, priority, c->ids[c->claimed - 1]));
    TRY(connection_run(c->statements[CEILING_DELETE_READY_UP_TO]));
    for (int i = 0; i < c->claimed; i++) {
        TRY(BIND(leased, c->ids[i], c->token, c->attempts[i] + 1, c->crashes[i], c->suspects[i]));
        TRY(sqlite3_bind_int64(leased, 8, 0)); /* no group, so it is not counted for one */
        TRY(connection_run(leased));
    }
    return SQLITE_OK;
}

/* Settles the batch in hand and claims the next, as JobStore.exchange does. */
static int exchange(struct ceiling *c, int claims, ceiling_result *result) {
    int64_t queue = 0, wall = milliseconds(CLOCK_REALTIME);
    int settled = c->claimed;
    TRY(connection_run(c->begin));
    if (settled > 0) TRY(settle(c, &queue));
    c->claimed = 0;
    if (claims) TRY(claim(c, &queue, wall));
    if (settled > 0 || c->claimed > 0) TRY(add_counts(c, queue, -c->claimed, c->claimed - settled, settled));
    TRY(connection_run(c->commit));
    result->done += settled;
    if (c->claimed > 0) TRY(read_jobs(c, result));
    return connection_checkpoint_if_needed(c);
}

static int run(struct ceiling *c, int64_t deadline, int enqueues, const unsigned char *payload,
               ceiling_result *result) {
    while (nanoseconds() < deadline) {
        if (enqueues) {
            TRY(connection_run(c->begin));
            TRY(enqueue(c, payload, milliseconds(CLOCK_REALTIME)));
            TRY(connection_run(c->commit));
            result->enqueued += c->settings.batch;
            TRY(connection_checkpoint_if_needed(c));
        }
        TRY(exchange(c, 1, result));
        if (c->claimed == 0) break;
    }
    return c->claimed > 0 ? exchange(c, 0, result) : SQLITE_OK;
}

/* --- the interface --- */

ceiling *ceiling_open(const ceiling_settings *settings, char *message, size_t message_size) {
    struct ceiling *c = calloc(1, sizeof *c);
    if (!c) {
        snprintf(message, message_size, "there is no memory left");
        return NULL;
    }
    c->settings = *settings;
    size_t size = (size_t)settings->batch * sizeof(int64_t);
    c->ids = malloc(size);
    c->attempts = malloc(size);
    c->crashes = malloc(size);
    c->suspects = malloc(size);
    if (c->ids && c->attempts && c->crashes && c->suspects && connection_open(c) == SQLITE_OK) return c;
    snprintf(message, message_size, "the ceiling cannot open its file: %s", sqlite3_errmsg(c->writer));
    ceiling_close(c);
    return NULL;
}

int ceiling_run(ceiling *c, int64_t deadline, int enqueues, ceiling_result *result, char *message,
                size_t message_size) {
    memset(result, 0, sizeof *result);
    unsigned char *payload = malloc((size_t)c->settings.payload_bytes + 1);
    if (!payload) {
        snprintf(message, message_size, "there is no memory left");
        return -1;
    }
    memset(payload, 'x', (size_t)c->settings.payload_bytes);
    int code = run(c, deadline, enqueues, payload, result);
    free(payload);
    result->checkpoints = c->checkpoints;
    if (code == SQLITE_OK) return 0;
    snprintf(message, message_size, "the ceiling stopped: %s (code %d, SQLite says: %s)", sqlite3_errstr(code), code,
             sqlite3_errmsg(c->writer));
    return -1;
}

void ceiling_close(ceiling *c) {
    connection_close(c);
    free(c->ids);
    free(c->attempts);
    free(c->crashes);
    free(c->suspects);
    free(c->payload);
    free(c);
}
