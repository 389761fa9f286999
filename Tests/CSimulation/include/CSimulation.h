/// The clocks, the chance and the executor of a simulated world, in place of the system's. For tests.
#ifndef CSIMULATION_H
#define CSIMULATION_H

#include <stdbool.h>
#include <stdint.h>

/// A job of Swift's concurrency: `run(context)` runs it until it suspends or ends.
typedef struct {
    void (*run)(void *context);
    void *context;
} stint_job;

/// What a world provides. All is called on the thread that simulates.
typedef struct {
    /// In nanoseconds: the wall clock, or the one that never jumps.
    int64_t (*now)(bool wall);
    uint64_t (*random)(void);
    /// It may run.
    void (*ready)(stint_job job);
    /// It may run when the clock that never jumps is there.
    void (*later)(int64_t nanoseconds, stint_job job);
} stint_world;

/// From now on the calling thread lives in `world`, and every task that it starts; with NULL in the real one again.
///
/// Returns whether there are such worlds on this system.
bool stint_simulate(const stint_world *world);

#endif
