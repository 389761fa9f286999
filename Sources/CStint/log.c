#include "CStint.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { header_bytes = 32, frame_header_bytes = 24 };

static uint32_t big_endian(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t little_endian(const unsigned char *bytes) {
    return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

static void add(uint32_t sum[2], const unsigned char *bytes, size_t count, int is_big) {
    for (size_t i = 0; i < count; i += 8) {
        uint32_t first = is_big ? big_endian(bytes + i) : little_endian(bytes + i);
        uint32_t second = is_big ? big_endian(bytes + i + 4) : little_endian(bytes + i + 4);
        sum[0] += first + sum[1];
        sum[1] += second + sum[0];
    }
}

static int read_all(int file, unsigned char *bytes, size_t count, off_t offset) {
    while (count > 0) {
        ssize_t read = pread(file, bytes, count, offset);
        if (read < 0 && errno == EINTR) continue;
        if (read <= 0) return -1;
        bytes += read;
        offset += read;
        count -= (size_t)read;
    }
    return 0;
}

/* https://sqlite.org/fileformat2.html#walformat */
long stint_log_frames(int file, unsigned *page_size) {
    unsigned char header[header_bytes];
    if (read_all(file, header, sizeof header, 0) != 0) return 0;
    uint32_t magic = big_endian(header);
    if ((magic & ~1u) != 0x377f0682 || big_endian(header + 4) != 3007000) return 0;
    int is_big = magic & 1;
    uint32_t size = big_endian(header + 8);
    if (size < 512 || size > 65536 || (size & (size - 1)) != 0) return 0;
    uint32_t sum[2] = {0, 0};
    add(sum, header, 24, is_big);
    if (sum[0] != big_endian(header + 24) || sum[1] != big_endian(header + 28)) return 0;
    *page_size = size;

    size_t frame_bytes = frame_header_bytes + size;
    unsigned char *frame = malloc(frame_bytes);
    if (frame == NULL) return -1;
    long committed = 0;
    for (long number = 0;; number++) {
        if (read_all(file, frame, frame_bytes, header_bytes + (off_t)number * (off_t)frame_bytes) != 0) break;
        /* The salts are those of the header, or it is of an earlier round of this log. */
        if (memcmp(frame + 8, header + 16, 8) != 0 || big_endian(frame) == 0) break;
        add(sum, frame, 8, is_big);
        add(sum, frame + frame_header_bytes, size, is_big);
        if (sum[0] != big_endian(frame + 16) || sum[1] != big_endian(frame + 20)) break;
        if (big_endian(frame + 4) != 0) committed = number + 1;
    }
    free(frame);
    return committed;
}
