#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "CStint.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Darwin's kernel has had them since 2015 (xnu-3247); its headers name them since macOS 14. */
#if defined(__APPLE__) && !defined(F_OFD_SETLK)
#define F_OFD_SETLK 90
#define F_OFD_SETLKW 91
#endif

static int change(int file, off_t byte, short type, int command) {
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int result;
    do result = fcntl(file, command, &range);
    while (result != 0 && errno == EINTR);
    return result;
}

int stint_lock_byte(int file, off_t byte) { return change(file, byte, F_WRLCK, F_OFD_SETLKW); }

int stint_lock_byte_if_free(int file, off_t byte) { return change(file, byte, F_WRLCK, F_OFD_SETLK); }

int stint_unlock_byte(int file, off_t byte) { return change(file, byte, F_UNLCK, F_OFD_SETLK); }
