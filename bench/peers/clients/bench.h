/* What every worker process of the comparison does alike: prints that it is ready, waits for the gun, reports. It speaks
 * like `stint-bench play worker`, so that one starter serves all. */
#ifndef BENCH_H
#define BENCH_H

#include <errno.h>
#include <string.h>

#include "../../common.h"

enum { payload_size = 100, largest_batch = 256 };

/* Each job's payload, the bytes of Stint's own benchmark. */
static const char payload[payload_size + 1] =
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/* The connection is open by now; the time that a process takes to start is in no result. */
static int64_t wait_for_gun(void) {
    char line[64];
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) fail("no start came on the standard input");
    int64_t gun = strtoll(line, NULL, 10);
    struct timespec instant = {gun / 1000000000, gun % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &instant, NULL) == EINTR) {}
    return gun;
}

static void report_work(long done, int64_t gun) {
    printf("{\"done\":%ld,\"finished\":%lld}\n", done, (long long)(now() - gun));
}

static void report_fill(long jobs, int64_t start) {
    printf("{\"jobs\":%ld,\"seconds\":%.6f}\n", jobs, (double)(now() - start) / 1e9);
}

static int64_t nanoseconds(const char *seconds) { return (int64_t)(strtod(seconds, NULL) * 1e9); }

static int batch_argument(const char *text) {
    int batch = atoi(text);
    if (batch < 1 || batch > largest_batch) fail("a batch has 1 to %d jobs", largest_batch);
    return batch;
}

#endif
