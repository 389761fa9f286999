/* A client of beanstalkd on plain sockets (doc/protocol.txt of beanstalkd).
 *
 *     beanstalkd_client fill PORT JOBS BATCH SECONDS
 *     beanstalkd_client work PORT BATCH SECONDS
 *
 * It pipelines: a batch of puts is one write, and the deletes of a batch and the reserves of the next are one write, so
 * that a batch costs one round trip, as it does for Stint. */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* Longer than any run: no job comes back while its worker still has it. */
enum { time_to_run_seconds = 120 };

static int server;
static char received[1 << 16];
static size_t received_start, received_end;

static void connect_to(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(server, (struct sockaddr *)&address, sizeof address)) fail("connect: %s", strerror(errno));
    int on = 1;
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void send_all(const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = write(server, bytes, size);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) fail("write: %s", strerror(errno));
        bytes += sent;
        size -= (size_t)sent;
    }
}

static char next_byte(void) {
    if (received_start == received_end) {
        ssize_t size;
        do { size = read(server, received, sizeof received); } while (size < 0 && errno == EINTR);
        if (size <= 0) fail("the server closed the connection");
        received_start = 0;
        received_end = (size_t)size;
    }
    return received[received_start++];
}

static void read_line(char *line, size_t capacity) {
    size_t length = 0;
    while (1) {
        char byte = next_byte();
        if (byte == '\n') break;
        if (length + 1 == capacity) fail("a line of the server is too long");
        line[length++] = byte;
    }
    if (length > 0 && line[length - 1] == '\r') length--;
    line[length] = 0;
}

static void fill(long jobs, int batch, int64_t limit) {
    static char puts_of_batch[largest_batch * (payload_size + 64)];
    char line[256];
    long put = 0;
    int64_t start = now();
    while (put < jobs && now() - start < limit) {
        int count = jobs - put < batch ? (int)(jobs - put) : batch;
        size_t size = 0;
        for (int index = 0; index < count; index++) {
            size += (size_t)sprintf(puts_of_batch + size, "put 0 0 %d %d\r\n%s\r\n", time_to_run_seconds,
                                    payload_size, payload);
        }
        send_all(puts_of_batch, size);
        for (int index = 0; index < count; index++) {
            read_line(line, sizeof line);
            if (strncmp(line, "INSERTED ", 9)) fail("to a put the server answers: %s", line);
        }
        put += count;
    }
    report_fill(put, start);
}

/* Reads the answers to `count` reserves. Returns how many jobs came. */
static int read_reserved(int count, unsigned long long *ids) {
    char line[256];
    int jobs = 0;
    for (int index = 0; index < count; index++) {
        unsigned long long id;
        int size;
        read_line(line, sizeof line);
        if (sscanf(line, "RESERVED %llu %d", &id, &size) == 2) {
            char body[payload_size + 3];
            read_line(body, sizeof body);
            if (size != payload_size || memcmp(body, payload, payload_size)) fail("job %llu has another payload", id);
            ids[jobs++] = id;
        } else if (strcmp(line, "TIMED_OUT")) {
            fail("to a reserve the server answers: %s", line);
        }
    }
    return jobs;
}

static void work(int batch, int64_t limit) {
    static char commands[largest_batch * 64];
    unsigned long long ids[largest_batch];
    char line[256];
    long done = 0;
    int held = 0, asks = 1;
    int64_t gun = wait_for_gun();
    while (asks || held) {
        size_t size = 0;
        for (int index = 0; index < held; index++) {
            size += (size_t)sprintf(commands + size, "delete %llu\r\n", ids[index]);
        }
        asks = asks && now() - gun < limit;
        for (int index = 0; asks && index < batch; index++) {
            size += (size_t)sprintf(commands + size, "reserve-with-timeout 0\r\n");
        }
        if (size == 0) break;
        send_all(commands, size);
        for (int index = 0; index < held; index++) {
            read_line(line, sizeof line);
            if (strcmp(line, "DELETED")) fail("to a delete the server answers: %s", line);
        }
        done += held;
        held = asks ? read_reserved(batch, ids) : 0;
        if (held == 0) asks = 0;
    }
    report_work(done, gun);
}

int main(int count, char **arguments) {
    if (count == 6 && !strcmp(arguments[1], "fill")) {
        connect_to(arguments[2]);
        fill(atol(arguments[3]), batch_argument(arguments[4]), nanoseconds(arguments[5]));
    } else if (count == 5 && !strcmp(arguments[1], "work")) {
        connect_to(arguments[2]);
        work(batch_argument(arguments[3]), nanoseconds(arguments[4]));
    } else {
        fail("usage: beanstalkd_client fill PORT JOBS BATCH SECONDS | work PORT BATCH SECONDS");
    }
    return 0;
}
