// Puts load on a server of beanstalkd's protocol, from one thread with many connections.
//
//     load SOCKET CONNECTIONS PIPELINE SECONDS put|life BYTES
//
// `put`: each connection puts jobs. `life`: each puts jobs, reserves as many, and deletes those. PIPELINE commands are sent
// at once, and the next ones after all replies to these. Prints a line of JSON: jobs, seconds, and the time from a command
// to its reply. Ends with 1 at any reply that is not the expected one.

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../common.h"

enum phase { PUT, RESERVE, DELETE };

struct connection {
    int socket;
    enum phase phase;
    int awaited;
    int64_t sent;        // when the commands were
    char *out;           // to be sent
    size_t out_size, out_sent;
    char *in;            // received and not parsed
    size_t in_size, in_capacity;
    uint64_t *ids;       // reserved
    int ids_count;
};

static int pipeline, bytes;
static int is_life;
static int64_t end;
static uint64_t jobs;
// Of a microsecond each, and the last one for all longer ones.
#define LATENCIES 10000000
static uint32_t *latencies;
static uint64_t measured;

static void send_more(struct connection *c) {
    while (c->out_sent < c->out_size) {
        ssize_t count = send(c->socket, c->out + c->out_sent, c->out_size - c->out_sent, MSG_NOSIGNAL);
        // A socket that blocks: all of a connection's commands are shorter than its buffer.
        if (count < 0) fail("send: %s", strerror(errno));
        c->out_sent += count;
    }
}

/// Sends the commands of the connection's phase.
static void begin(struct connection *c) {
    c->out_size = c->out_sent = 0;
    int count = c->phase == DELETE ? c->ids_count : pipeline;
    for (int i = 0; i < count; i++) {
        char *to = c->out + c->out_size;
        if (c->phase == PUT) {
            int length = sprintf(to, "put 1024 0 120 %d\r\n", bytes);
            memset(to + length, 'x', bytes);
            memcpy(to + length + bytes, "\r\n", 2);
            c->out_size += length + bytes + 2;
        } else if (c->phase == RESERVE) {
            c->out_size += sprintf(to, "reserve\r\n");
        } else {
            c->out_size += sprintf(to, "delete %llu\r\n", (unsigned long long)c->ids[i]);
        }
    }
    c->awaited = count;
    c->ids_count = c->phase == DELETE ? c->ids_count : 0;
    c->sent = now();
    send_more(c);
}

/// Takes one reply from what was received: its length, or 0 if it is not complete.
static size_t take(struct connection *c, const char *from, size_t size) {
    char *line_end = memmem(from, size, "\r\n", 2);
    if (!line_end) return 0;
    size_t length = line_end + 2 - from;
    if (c->phase == PUT) {
        if (strncmp(from, "INSERTED ", 9)) fail("a put was answered with %.*s", (int)length - 2, from);
        if (!is_life) jobs++;
    } else if (c->phase == RESERVE) {
        unsigned long long id;
        int body;
        if (sscanf(from, "RESERVED %llu %d\r\n", &id, &body) != 2)
            fail("a reserve was answered with %.*s", (int)length - 2, from);
        length += body + 2;
        if (length > size) return 0;
        c->ids[c->ids_count++] = id;
    } else {
        if (strncmp(from, "DELETED\r\n", 9)) fail("a delete was answered with %.*s", (int)length - 2, from);
        jobs++;
    }
    return length;
}

/// Returns 0 when the connection has nothing more to do.
static int receive(struct connection *c) {
    if (c->in_capacity - c->in_size < 65536) {
        c->in_capacity = c->in_capacity * 2 + 65536;
        c->in = realloc(c->in, c->in_capacity);
    }
    ssize_t count = recv(c->socket, c->in + c->in_size, c->in_capacity - c->in_size, 0);
    if (count <= 0) fail("recv: %s", count ? strerror(errno) : "the server has closed the connection");
    c->in_size += count;
    size_t used = 0, length;
    while (c->awaited && (length = take(c, c->in + used, c->in_size - used))) {
        used += length;
        c->awaited--;
    }
    memmove(c->in, c->in + used, c->in_size - used);
    c->in_size -= used;
    if (c->awaited) return 1;
    int64_t time = now(), microseconds = (time - c->sent) / 1000;
    latencies[microseconds < LATENCIES ? microseconds : LATENCIES - 1]++;
    measured++;
    if (is_life) c->phase = c->phase == PUT ? RESERVE : c->phase == RESERVE ? DELETE : PUT;
    if (c->phase == PUT && time >= end) return 0;
    begin(c);
    return 1;
}

static double percentile(double share) {
    uint64_t seen = 0;
    for (int i = 0; i < LATENCIES; i++) {
        seen += latencies[i];
        if (seen >= share * measured) return i / 1000.0;
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count != 7) fail("usage: load SOCKET CONNECTIONS PIPELINE SECONDS put|life BYTES");
    int connections = atoi(arguments[2]);
    pipeline = atoi(arguments[3]);
    is_life = !strcmp(arguments[5], "life");
    bytes = atoi(arguments[6]);
    latencies = calloc(LATENCIES, sizeof *latencies);
    struct connection *all = calloc(connections, sizeof *all);
    int poll = epoll_create1(0);
    for (int i = 0; i < connections; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        strncpy(address.sun_path, arguments[1], sizeof address.sun_path - 1);
        all[i].socket = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(all[i].socket, (struct sockaddr *)&address, sizeof address)) fail("connect: %s", strerror(errno));
        all[i].out = malloc((size_t)pipeline * (bytes + 64));
        all[i].ids = malloc(pipeline * sizeof(uint64_t));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, all[i].socket, &event);
    }
    int64_t start = now();
    end = start + (int64_t)(atof(arguments[4]) * 1e9);
    for (int i = 0; i < connections; i++) begin(&all[i]);
    for (int busy = connections; busy;) {
        struct epoll_event events[256];
        int ready = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < ready; i++)
            if (!receive(events[i].data.ptr)) busy--;
    }
    printf("{\"jobs\": %llu, \"seconds\": %.3f, \"p50\": %.3f, \"p99\": %.3f}\n", (unsigned long long)jobs,
           (now() - start) / 1e9, percentile(0.5), percentile(0.99));
    return 0;
}
