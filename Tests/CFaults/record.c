#include "faults.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_on = false;
static struct faults_event *events = NULL;
static int64_t count = 0;
static int64_t capacity = 0;

static void *copy(const void *bytes, size_t size) {
    void *own = malloc(size > 0 ? size : 1);
    if (own == NULL) abort();
    memcpy(own, bytes, size);
    return own;
}

void faults_note(struct faults_event event) {
    if (event.path != NULL && !faults_concern(event.path)) return;
    pthread_mutex_lock(&lock);
    if (is_on) {
        if (count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 1024;
            events = realloc(events, (size_t)capacity * sizeof *events);
            if (events == NULL) abort();
        }
        if (event.bytes != NULL) event.bytes = copy(event.bytes, (size_t)event.count);
        if (event.path != NULL) event.path = copy(event.path, strlen(event.path) + 1);
        events[count++] = event;
    }
    pthread_mutex_unlock(&lock);
}

int64_t faults_noted(void) {
    pthread_mutex_lock(&lock);
    int64_t noted = is_on ? count : 0;
    pthread_mutex_unlock(&lock);
    return noted;
}

void faults_record(bool on) {
    pthread_mutex_lock(&lock);
    if (on) {
        for (int64_t index = 0; index < count; index++) {
            free((void *)events[index].bytes);
            free((void *)events[index].path);
        }
        count = 0;
    }
    is_on = on;
    pthread_mutex_unlock(&lock);
}

void faults_mark(int64_t mark) {
    faults_note((struct faults_event){.kind = FAULTS_MARK, .offset = mark});
}

int64_t faults_event_count(void) {
    pthread_mutex_lock(&lock);
    int64_t noted = count;
    pthread_mutex_unlock(&lock);
    return noted;
}

struct faults_event faults_event_at(int64_t index) {
    struct faults_event event = {0};
    pthread_mutex_lock(&lock);
    if (index >= 0 && index < count) event = events[index];
    pthread_mutex_unlock(&lock);
    return event;
}
