#include "CStint.h"

#ifdef __linux__
#include <sys/vfs.h>

long stint_file_system_type(const char *path) {
    struct statfs facts;
    return statfs(path, &facts) == 0 ? (long)facts.f_type : -1;
}
#else
long stint_file_system_type(const char *path) {
    (void)path;
    return -1;
}
#endif
