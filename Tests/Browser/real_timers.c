// faketime moves the wall clock, and takes timers of the monotonic clock for timers of the wall clock: they end too early, or in the
// past, which is an error at which Swift's event loop tries again at once. Loaded before faketime, this leaves timers as they are.
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

int timerfd_settime(int timer, int flags, const struct itimerspec *new_value, struct itimerspec *old_value) {
    return syscall(SYS_timerfd_settime, timer, flags, new_value, old_value);
}
