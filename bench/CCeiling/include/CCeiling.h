/* The ceiling: the statements of Stint's store, run by plain C on the same file with the same settings. What this
   reaches is what SQLite can do on this machine; the benchmark prints Stint's share of it. */
#ifndef CCEILING_H
#define CCEILING_H

#include <stddef.h>
#include <stdint.h>

/* Which text of `HotSQL` is which; the caller passes them in this order. */
enum ceiling_statement {
    CEILING_QUEUE_ID,
    CEILING_INSERT_JOB,
    CEILING_INSERT_READY,
    CEILING_CLAIMABLE_QUEUE,
    CEILING_DUE_DELAYED,
    CEILING_READY_JOBS,
    CEILING_INSERT_LEASE,
    CEILING_DELETE_READY_UP_TO,
    CEILING_INSERT_LEASED,
    CEILING_JOB,
    CEILING_LEASE,
    CEILING_ANY_BELONGINGS,
    CEILING_DELETE_LEASED,
    CEILING_DELETE_JOB,
    CEILING_DELETE_LEASE,
    CEILING_ADD_COUNTS,
    CEILING_STATEMENTS
};

typedef struct {
    const char *path;
    const char *const *sql; /* CEILING_STATEMENTS texts */
    const char *const *pragmas; /* run on both connections; ends with NULL */
    const char *queue;
    int batch;
    int checkpoint_pages;
    /* As Stint's worker writes them into its leases and jobs. */
    const char *worker;
    const char *boot;
    const char *content_type;
    int payload_bytes;
} ceiling_settings;

typedef struct {
    int64_t enqueued;
    int64_t done;
    int64_t payload_bytes_read;
    int64_t checkpoints;
} ceiling_result;

typedef struct ceiling ceiling;

/* Opens the file and prepares all statements. NULL on failure, with a sentence in `message`. */
ceiling *ceiling_open(const ceiling_settings *settings, char *message, size_t message_size);

/* Until the monotonic clock shows `deadline` nanoseconds or no job is left: settle the last batch and claim the next
   in one transaction, read its jobs, then, where it is time, checkpoint. Where `enqueues` is not 0, each claim is preceded by a
   transaction that enqueues a batch. At the end the last batch is settled, so nothing stays leased.
   0, or -1 with a sentence in `message`. */
int ceiling_run(ceiling *ceiling, int64_t deadline, int enqueues, ceiling_result *result, char *message,
                size_t message_size);

void ceiling_close(ceiling *ceiling);

#endif
