/* Two connections to one file: one that writes, one for checkpoints, as each of Stint's processes has. */
#ifndef CCEILING_CONNECTION_H
#define CCEILING_CONNECTION_H

#include <sqlite3.h>
#include <stdint.h>

#include "CCeiling.h"

struct ceiling {
    ceiling_settings settings;
    sqlite3 *writer;
    sqlite3 *checkpointer;
    sqlite3_stmt *begin, *begin_read, *commit, *rollback;
    sqlite3_stmt *statements[CEILING_STATEMENTS];
    /* The log's length after the last commit, in pages, and when to try the next checkpoint. */
    int log_pages, next_checkpoint;
    int64_t checkpoints;
    /* The claimed batch: what the next transaction settles. */
    int64_t token;
    int64_t *ids;
    int64_t *attempts;
    int64_t *crashes;
    int64_t *suspects;
    int claimed;
    unsigned char *payload; /* of the batch's last job; a consumer would look at it */
    size_t payload_size;
};

int connection_open(struct ceiling *c);
void connection_close(struct ceiling *c);

/* Runs a statement that returns no rows and resets it: SQLITE_OK or SQLite's code. */
int connection_run(sqlite3_stmt *statement);

/* Moves the log into the file when it is long enough, with the discipline of Stint's Checkpointer.swift: the writer holds
   the write lock, the second connection checkpoints, so that no commit can race it. */
int connection_checkpoint_if_needed(struct ceiling *c);

#endif
