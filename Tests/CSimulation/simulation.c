#include "CSimulation.h"

#ifdef __linux__

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Thread_local const stint_world *world;

// MARK: - Clocks and chance
//
// These names belong to the C library and to Swift's. What an executable defines comes before what its libraries do, so
// they call these; threads outside of a world get what they would have got.

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!world) return (int)syscall(SYS_clock_gettime, clock, time);
    int64_t now = world->now(clock == CLOCK_REALTIME);
    time->tv_sec = now / 1000000000;
    time->tv_nsec = now % 1000000000;
    return 0;
}

void swift_stdlib_random(void *buffer, size_t count) {
    if (!world) {
        void (*original)(void *, size_t) = dlsym(RTLD_NEXT, "swift_stdlib_random");
        return original(buffer, count);
    }
    for (unsigned char *end = (unsigned char *)buffer + count; count > 0;) {
        uint64_t word = world->random();
        size_t step = count < sizeof word ? count : sizeof word;
        memcpy(end - count, &word, step);
        count -= step;
    }
}

// MARK: - The executor
//
// The hooks of Swift's concurrency, as its own header declares them (swift/Runtime/Concurrency.h):
// https://github.com/swiftlang/swift/blob/main/include/swift/Runtime/Concurrency.h

#define SWIFT_CC __attribute__((swiftcall))

typedef SWIFT_CC void (*enqueue)(void *job);
typedef SWIFT_CC void (*enqueue_after)(unsigned long long nanoseconds, void *job);
typedef SWIFT_CC void (*enqueue_at)(
    long long seconds, long long nanoseconds, long long tolerance_seconds, long long tolerance_nanoseconds, int clock,
    void *job);

extern SWIFT_CC void (*swift_task_enqueueGlobal_hook)(void *job, enqueue original);
extern SWIFT_CC void (*swift_task_enqueueGlobalWithDelay_hook)(
    unsigned long long nanoseconds, void *job, enqueue_after original);
extern SWIFT_CC void (*swift_task_enqueueGlobalWithDeadline_hook)(
    long long seconds, long long nanoseconds, long long tolerance_seconds, long long tolerance_nanoseconds, int clock,
    void *job, enqueue_at original);
extern SWIFT_CC void swift_job_run(void *job, void *executor, uintptr_t implementation);

static SWIFT_CC void ready(void *job, enqueue original) {
    if (world) world->ready(job);
    else original(job);
}

static SWIFT_CC void after(unsigned long long nanoseconds, void *job, enqueue_after original) {
    if (world) world->later(world->now(false) + (int64_t)nanoseconds, job);
    else original(nanoseconds, job);
}

static SWIFT_CC void at(
    long long seconds, long long nanoseconds, long long tolerance_seconds, long long tolerance_nanoseconds, int clock,
    void *job, enqueue_at original
) {
    if (world) world->later(seconds * 1000000000 + nanoseconds, job);
    else original(seconds, nanoseconds, tolerance_seconds, tolerance_nanoseconds, clock, job);
}

bool stint_simulate(const stint_world *new_world) {
    world = new_world;
    swift_task_enqueueGlobal_hook = ready;
    swift_task_enqueueGlobalWithDelay_hook = after;
    swift_task_enqueueGlobalWithDeadline_hook = at;
    return true;
}

void stint_run(void *job) { swift_job_run(job, NULL, 0); }

#else

bool stint_simulate(const stint_world *new_world) { return false; }
void stint_run(void *job) {}

#endif
