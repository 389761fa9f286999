#include "CSimulation.h"

// Functions that an executable defines come before those of its libraries, and the libraries call them too. So the functions
// here replace those of the C library, of Swift and of libdispatch. Threads outside a world get the original ones.

#ifdef __linux__

#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Thread_local const stint_world *world;

/// The original function.
#define ORIGINAL(name, type) ((type)dlsym(RTLD_NEXT, name))

// MARK: - Clocks and chance

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*original)(clockid_t, struct timespec *);
    if (!world) {
        if (!original) original = ORIGINAL("clock_gettime", int (*)(clockid_t, struct timespec *));
        return original(clock, time);
    }
    int64_t now = world->now(clock == CLOCK_REALTIME);
    time->tv_sec = now / 1000000000;
    time->tv_nsec = now % 1000000000;
    return 0;
}

/// There is no other thread that could run meanwhile.
int sched_yield(void) { return world ? 0 : ORIGINAL("sched_yield", int (*)(void))(); }

/// Swift's SystemRandomNumberGenerator asks with getrandom(2).
long syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    long arguments[6];
    for (int index = 0; index < 6; index++) arguments[index] = va_arg(list, long);
    va_end(list);
    if (!world || number != SYS_getrandom) return ORIGINAL("syscall", long (*)(long, ...))(
        number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
    char *buffer = (char *)arguments[0];
    for (long index = 0; index < arguments[1]; index++) buffer[index] = (char)world->random();
    return arguments[1];
}

// MARK: - Jobs that are ready
//
// The hook is declared as Swift's own headers do it (swift/Runtime/Concurrency.h, ConcurrencyHooks.cpp).

#define SWIFT_CC __attribute__((swiftcall))

typedef SWIFT_CC void (*enqueue)(void *job);
extern SWIFT_CC void (*swift_task_enqueueGlobal_hook)(void *job, enqueue original);
extern SWIFT_CC void swift_job_run(void *job, void *executor, uintptr_t implementation);

static void run(void *job) { swift_job_run(job, NULL, 0); }

static SWIFT_CC void ready(void *job, enqueue original) {
    if (world) world->ready((stint_job){run, job});
    else original(job);
}

/// Task.yield() does not call the hook. It gives its job to the thread pool, where it would run beside the world.
void dispatch_async_f(void *queue, void *context, void (*function)(void *)) {
    if (world) world->ready((stint_job){function, context});
    else ORIGINAL("dispatch_async_f", void (*)(void *, void *, void (*)(void *)))(queue, context, function);
}

// MARK: - Jobs that sleep
//
// The hooks for these are not called if the executor is Swift's default one. That one uses libdispatch: dispatch_after_f,
// or, if there is a tolerance, a timer that is set up in these steps, used once and released.

typedef uint64_t dispatch_time;

static int timer;  // its address stands for the one that is being set up, and for any that is released
static dispatch_time timer_start;
static stint_job timer_job;

/// The monotonic clock's times have the highest bit set (dispatch/time.h); here there is one clock for all.
static int64_t nanoseconds(dispatch_time time) { return (int64_t)(time & 0x3FFFFFFFFFFFFFFF); }

void dispatch_after_f(dispatch_time when, void *queue, void *context, void (*function)(void *)) {
    if (!world) return ORIGINAL("dispatch_after_f", void (*)(dispatch_time, void *, void *, void (*)(void *)))(
        when, queue, context, function);
    world->later(nanoseconds(when), (stint_job){function, context});
}

void *dispatch_source_create(const void *type, uintptr_t handle, uintptr_t mask, void *queue) {
    if (!world) return ORIGINAL("dispatch_source_create", void *(*)(const void *, uintptr_t, uintptr_t, void *))(
        type, handle, mask, queue);
    return &timer;
}

void dispatch_source_set_timer(void *source, dispatch_time start, uint64_t interval, uint64_t leeway) {
    if (source != &timer) return ORIGINAL("dispatch_source_set_timer", void (*)(void *, dispatch_time, uint64_t, uint64_t))(
        source, start, interval, leeway);
    timer_start = start;
}

void dispatch_set_context(void *object, void *context) {
    if (object != &timer) return ORIGINAL("dispatch_set_context", void (*)(void *, void *))(object, context);
    timer_job.context = context;
}

void dispatch_source_set_event_handler_f(void *source, void (*handler)(void *)) {
    if (source != &timer) return ORIGINAL("dispatch_source_set_event_handler_f", void (*)(void *, void (*)(void *)))(
        source, handler);
    timer_job.run = handler;
}

void dispatch_activate(void *object) {
    if (object != &timer) return ORIGINAL("dispatch_activate", void (*)(void *))(object);
    world->later(nanoseconds(timer_start), timer_job);
}

void dispatch_release(void *object) {
    if (object != &timer) ORIGINAL("dispatch_release", void (*)(void *))(object);
}

bool stint_simulate(const stint_world *new_world) {
    world = new_world;
    swift_task_enqueueGlobal_hook = ready;
    return true;
}

#else

bool stint_simulate(const stint_world *new_world) { return false; }

#endif
