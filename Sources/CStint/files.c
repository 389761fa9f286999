#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "CStint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__

/* Of linux/stat.h since 5.8; the C library may be older. */
enum { attribute_mount_root = 0x2000 };

int stint_is_mount_point(const char *path) {
    struct statx facts;
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &facts) != 0) return -1;
    if (!(facts.stx_attributes_mask & attribute_mount_root)) return -1;
    return (facts.stx_attributes & attribute_mount_root) != 0;
}

static int rename_without_replacing(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

#else

int stint_is_mount_point(const char *path) {
    (void)path;
    return -1;
}

static int rename_without_replacing(const char *from, const char *to) {
#ifdef __APPLE__
    return renamex_np(from, to, RENAME_EXCL);
#else
    errno = ENOSYS;
    return -1;
#endif
}

#endif

int stint_rename_new(const char *from, const char *to) {
    if (rename_without_replacing(from, to) == 0) return 0;
    /* Not every file system can do it. */
    if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) return -1;
    if (link(from, to) != 0) return -1;
    return unlink(from);
}
