#include "faults.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const uint32_t steps_are = FAULTS_WRITE | FAULTS_SYNC | FAULTS_TRUNCATE | FAULTS_SHM_MAP | FAULTS_SHM_LOCK
                                  | FAULTS_SHM_BARRIER | FAULTS_DELETE | FAULTS_OPEN | FAULTS_LINK;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t steps = 0;
static int64_t death = 0;
static bool dies_torn = false;
static struct faults_failure plan = {0};
static int64_t matched = 0;
static int64_t failed = 0;

static char prefix[4096] = "";

bool faults_concern(const char *path) {
    pthread_mutex_lock(&lock);
    bool concern = prefix[0] == 0 || (path != NULL && strncmp(path, prefix, strlen(prefix)) == 0);
    pthread_mutex_unlock(&lock);
    return concern;
}

void faults_only(const char *path) {
    pthread_mutex_lock(&lock);
    snprintf(prefix, sizeof prefix, "%s", path == NULL ? "" : path);
    pthread_mutex_unlock(&lock);
}

struct faults_verdict faults_judge(uint32_t kind, uint32_t file, const char *path, bool fails) {
    struct faults_verdict verdict = {SQLITE_OK, false, false};
    if (!faults_concern(path)) return verdict;
    pthread_mutex_lock(&lock);
    if (kind & steps_are && ++steps == death) {
        verdict.dies = true;
        verdict.torn = dies_torn;
    }
    if (fails && plan.kinds & kind && plan.files & file && ++matched >= plan.from
        && (plan.count < 0 || matched < plan.from + plan.count)) {
        failed++;
        verdict.code = plan.code;
        if (!verdict.dies) verdict.torn = plan.torn;
    }
    pthread_mutex_unlock(&lock);
    return verdict;
}

void faults_die(void) {
    kill(getpid(), SIGKILL);
    // It may take a moment to arrive, and nothing may happen meanwhile.
    for (;;) pause();
}

int64_t faults_steps(void) {
    pthread_mutex_lock(&lock);
    int64_t count = steps;
    pthread_mutex_unlock(&lock);
    return count;
}

void faults_die_at(int64_t step, bool torn) {
    pthread_mutex_lock(&lock);
    death = step;
    dies_torn = torn;
    pthread_mutex_unlock(&lock);
}

void faults_fail(struct faults_failure failure) {
    pthread_mutex_lock(&lock);
    plan = failure;
    matched = failed = 0;
    pthread_mutex_unlock(&lock);
}

void faults_lift(void) {
    pthread_mutex_lock(&lock);
    plan.count = 0;
    pthread_mutex_unlock(&lock);
}

int64_t faults_matched(void) {
    pthread_mutex_lock(&lock);
    int64_t count = matched;
    pthread_mutex_unlock(&lock);
    return count;
}

int64_t faults_failed(void) {
    pthread_mutex_lock(&lock);
    int64_t count = failed;
    pthread_mutex_unlock(&lock);
    return count;
}
