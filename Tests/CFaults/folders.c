// What a program itself does to names in folders. Its calls of link and fsync come here and not to the C library, since
// the linker prefers functions of the program.
#ifdef __linux__
#include "faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int link(const char *from, const char *to) {
    struct faults_verdict verdict = faults_judge(FAULTS_LINK, FAULTS_OTHER, to, false);
    if (verdict.dies) faults_die();
    int result = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    struct stat facts;
    if (result == 0 && stat(to, &facts) == 0) {
        faults_note((struct faults_event){.kind = FAULTS_LINK, .file = facts.st_ino, .path = to});
    }
    return result;
}

int fsync(int descriptor) {
    int64_t noted = faults_noted();
    int result = (int)syscall(SYS_fsync, descriptor);
    struct stat facts;
    if (result == 0 && fstat(descriptor, &facts) == 0 && S_ISDIR(facts.st_mode)) {
        char name[64], path[4096];
        snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
        ssize_t length = readlink(name, path, sizeof path - 2);
        if (length > 0) {
            path[length] = '/';
            path[length + 1] = 0;
            faults_note((struct faults_event){.kind = FAULTS_SYNC_FOLDER, .offset = noted, .path = path});
        }
    }
    return result;
}
#endif
