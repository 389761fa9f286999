#ifdef __linux__
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "CStint.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef NSIG
#define NSIG 65
#endif

/* Descriptors are first moved up here, so that putting one in its place cannot overwrite another. */
enum { lowest_free_descriptor = 16 };

static int move_up(int *descriptor) {
    if (*descriptor < 0) return 0;
    *descriptor = fcntl(*descriptor, F_DUPFD_CLOEXEC, lowest_free_descriptor);
    return *descriptor < 0 ? -1 : 0;
}

static int place_descriptors(const struct stint_launch *launch) {
    int from[4] = {launch->input, launch->output, launch->error, launch->control};
    for (int i = 0; i < 4; i++)
        if (move_up(&from[i]) != 0) return -1;
    for (int i = 0; i < 4; i++)
        if (from[i] >= 0 && dup2(from[i], i) < 0) return -1;
#if defined(__linux__) && defined(SYS_close_range)
    /* A library may have opened something without O_CLOEXEC. 4: CLOSE_RANGE_CLOEXEC; older kernels do without. */
    (void)syscall(SYS_close_range, launch->control >= 0 ? 4U : 3U, ~0U, 4U);
#endif
    return 0;
}

static int limit_descriptors(long long count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    if (limit.rlim_max == RLIM_INFINITY || (rlim_t)count < limit.rlim_max) limit.rlim_cur = (rlim_t)count;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static int limit_memory(long long bytes) {
    /* RLIMIT_DATA counts what can be written to; RLIMIT_AS would count mere reservations. */
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) != 0) return -1;
    if (limit.rlim_max == RLIM_INFINITY || (rlim_t)bytes < limit.rlim_max) limit.rlim_max = (rlim_t)bytes;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_DATA, &limit);
}

/* The child's life up to exec. After vfork it lives in its parent's memory: it writes to its own stack frames only and
   calls nothing that takes locks. All signals are blocked. Returns the errno of what failed, and in `step` what that was. */
static __attribute__((noinline)) int become(const struct stint_launch *launch, pid_t parent, volatile int *step) {
    *step = stint_step_preparation;
    if (launch->own_group && setpgid(0, 0) != 0) return errno;
#ifdef __linux__
    if (launch->dies_with_parent) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
        /* The parent may have died before it was asked for. */
        if (getppid() != parent) _exit(127);
    }
#else
    (void)parent;
#endif
    if (launch->memory_limit > 0 && limit_memory(launch->memory_limit) != 0) return errno;
    *step = stint_step_descriptors;
    if (place_descriptors(launch) != 0) return errno;
    *step = stint_step_preparation;
    if (launch->folder != NULL && chdir(launch->folder) != 0) return errno;
    if (launch->descriptor_limit > 0 && limit_descriptors(launch->descriptor_limit) != 0) return errno;

    struct sigaction by_default;
    memset(&by_default, 0, sizeof by_default);
    by_default.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) (void)sigaction(number, &by_default, NULL); /* not SIGKILL's */
    sigset_t none;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0) return errno;

    *step = stint_step_program;
    execve(launch->path, launch->arguments, launch->environment);
    return errno;
}

#ifdef __linux__

int stint_spawn(const struct stint_launch *launch, pid_t *child, int *failed_step) {
    sigset_t all, before;
    sigfillset(&all);
    /* A handler that ran in the child would run in this process's memory. */
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error != 0) return error;
    pid_t parent = getpid();
    volatile int failure = 0; /* the child's memory is this one's until it execs or exits */
    volatile int step = stint_step_process;
    pid_t id = vfork();
    if (id == 0) {
        failure = become(launch, parent, &step);
        _exit(127);
    }
    error = id < 0 ? errno : failure;
    if (id > 0 && error != 0)
        while (waitpid(id, NULL, 0) < 0 && errno == EINTR) continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) *child = id;
    *failed_step = step;
    return error;
}

#else

int stint_spawn(const struct stint_launch *launch, pid_t *child, int *failed_step) {
    int report[2];
    *failed_step = stint_step_process;
    if (pipe(report) != 0) return errno;
    fcntl(report[0], F_SETFD, FD_CLOEXEC);
    fcntl(report[1], F_SETFD, FD_CLOEXEC);
    sigset_t all, before;
    sigfillset(&all);
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t id = error == 0 ? fork() : -1;
    if (id == 0) {
        int up = fcntl(report[1], F_DUPFD_CLOEXEC, lowest_free_descriptor);
        volatile int step;
        int failure[2] = {become(launch, parent, &step), 0};
        failure[1] = step;
        (void)write(up, failure, sizeof failure);
        _exit(127);
    }
    if (id < 0 && error == 0) error = errno;
    close(report[1]);
    int failure[2];
    if (id > 0 && read(report[0], failure, sizeof failure) == sizeof failure) { /* else closed by exec */
        error = failure[0];
        *failed_step = failure[1];
    }
    close(report[0]);
    if (id > 0 && error != 0)
        while (waitpid(id, NULL, 0) < 0 && errno == EINTR) continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) *child = id;
    return error;
}

#endif
