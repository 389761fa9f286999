#include "connection.h"

static int committed(void *context, sqlite3 *database, const char *schema, int pages) {
    (void)database;
    (void)schema;
    struct ceiling *c = context;
    if (pages < c->log_pages) c->next_checkpoint = c->settings.checkpoint_pages; /* the log has started again */
    c->log_pages = pages;
    return SQLITE_OK;
}

static int open_one(struct ceiling *c, sqlite3 **database) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(c->settings.path, database, flags, NULL);
    for (const char *const *pragma = c->settings.pragmas; code == SQLITE_OK && *pragma; pragma++)
        code = sqlite3_exec(*database, *pragma, NULL, NULL, NULL);
    return code;
}

static int prepare(struct ceiling *c, const char *sql, sqlite3_stmt **statement) {
    return sqlite3_prepare_v3(c->writer, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
}

int connection_open(struct ceiling *c) {
    int code = open_one(c, &c->writer);
    if (code == SQLITE_OK) code = open_one(c, &c->checkpointer);
    if (code == SQLITE_OK) code = prepare(c, "BEGIN IMMEDIATE", &c->begin);
    if (code == SQLITE_OK) code = prepare(c, "BEGIN DEFERRED", &c->begin_read);
    if (code == SQLITE_OK) code = prepare(c, "COMMIT", &c->commit);
    if (code == SQLITE_OK) code = prepare(c, "ROLLBACK", &c->rollback);
    for (int i = 0; code == SQLITE_OK && i < CEILING_STATEMENTS; i++)
        code = prepare(c, c->settings.sql[i], &c->statements[i]);
    if (code == SQLITE_OK) sqlite3_wal_hook(c->writer, committed, c);
    c->next_checkpoint = c->settings.checkpoint_pages;
    return code;
}

void connection_close(struct ceiling *c) {
    for (int i = 0; i < CEILING_STATEMENTS; i++) sqlite3_finalize(c->statements[i]);
    sqlite3_finalize(c->begin);
    sqlite3_finalize(c->begin_read);
    sqlite3_finalize(c->commit);
    sqlite3_finalize(c->rollback);
    sqlite3_close(c->checkpointer);
    sqlite3_close(c->writer);
}

int connection_run(sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code == SQLITE_ROW ? SQLITE_MISUSE : code;
}

int connection_checkpoint_if_needed(struct ceiling *c) {
    if (c->log_pages < c->next_checkpoint) return SQLITE_OK;
    int code = connection_run(c->begin);
    if (code != SQLITE_OK) return code;
    int log = 0, moved = 0;
    code = sqlite3_wal_checkpoint_v2(c->checkpointer, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &moved);
    int ended = connection_run(c->rollback);
    c->next_checkpoint = log > moved ? c->log_pages + c->settings.checkpoint_pages : c->settings.checkpoint_pages;
    c->checkpoints++;
    return code == SQLITE_OK ? ended : code;
}
