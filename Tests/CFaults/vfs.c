// The VFS itself: each call is checked against the plan, made, and recorded. SQLite's own VFS does the work on files.
#include "faults.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/// SQLite gives it `szOsFile` bytes; the file of the VFS below begins behind it.
struct file {
    sqlite3_file base;
    sqlite3_file *below;
    uint32_t kind;
    uint64_t inode;
    /// SQLite keeps it as long as the file is open; NULL: a temporary file.
    const char *path;
};

static sqlite3_vfs *below = NULL;
static sqlite3_vfs vfs;
static int (*open_folder_below)(const char *, int *) = NULL;

#define OF(file) ((struct file *)(file))
#define BELOW(file) (OF(file)->below)
#define CALL(file, method, ...) BELOW(file)->pMethods->method(BELOW(file), ##__VA_ARGS__)

/// Counts the call, and ends it here if it must fail or be the last one.
#define JUDGE(file, step)                                      \
    do {                                                       \
        struct faults_verdict verdict = judge(file, step, true); \
        if (verdict.dies) faults_die();                        \
        if (verdict.code != SQLITE_OK) return verdict.code;    \
    } while (0)

static struct faults_verdict judge(sqlite3_file *file, uint32_t step, bool fails) {
    return faults_judge(step, OF(file)->kind, OF(file)->path, fails);
}

static void note(sqlite3_file *file, uint32_t kind, int64_t offset, const void *bytes, int64_t count) {
    if (OF(file)->path == NULL) return;
    faults_note((struct faults_event){kind, OF(file)->inode, offset, bytes, count, OF(file)->path});
}

static int file_close(sqlite3_file *file) { return CALL(file, xClose); }

static int file_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    JUDGE(file, FAULTS_READ);
    return CALL(file, xRead, bytes, count, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    struct faults_verdict verdict = judge(file, FAULTS_WRITE, true);
    if (verdict.torn && (verdict.dies || verdict.code != SQLITE_OK)) {
        if (CALL(file, xWrite, bytes, count / 2, offset) == SQLITE_OK) {
            note(file, FAULTS_WRITE, offset, bytes, count / 2);
        }
    }
    if (verdict.dies) faults_die();
    if (verdict.code != SQLITE_OK) return verdict.code;
    int code = CALL(file, xWrite, bytes, count, offset);
    if (code == SQLITE_OK) note(file, FAULTS_WRITE, offset, bytes, count);
    return code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    JUDGE(file, FAULTS_TRUNCATE);
    int code = CALL(file, xTruncate, size);
    if (code == SQLITE_OK) note(file, FAULTS_TRUNCATE, size, NULL, 0);
    return code;
}

static int file_sync(sqlite3_file *file, int flags) {
    JUDGE(file, FAULTS_SYNC);
    int64_t noted = faults_noted();
    int code = CALL(file, xSync, flags);
    if (code == SQLITE_OK) note(file, FAULTS_SYNC, noted, NULL, 0);
    return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) { return CALL(file, xFileSize, size); }
static int file_lock(sqlite3_file *file, int level) { return CALL(file, xLock, level); }
static int file_unlock(sqlite3_file *file, int level) { return CALL(file, xUnlock, level); }
static int file_is_locked(sqlite3_file *file, int *locked) { return CALL(file, xCheckReservedLock, locked); }
static int file_control(sqlite3_file *file, int what, void *about) { return CALL(file, xFileControl, what, about); }
static int file_sector(sqlite3_file *file) { return CALL(file, xSectorSize); }
static int file_device(sqlite3_file *file) { return CALL(file, xDeviceCharacteristics); }

static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory) {
    JUDGE(file, FAULTS_SHM_MAP);
    return CALL(file, xShmMap, region, size, extend, memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    // SQLite assumes that an unlock works.
    struct faults_verdict verdict = judge(file, FAULTS_SHM_LOCK, !(flags & SQLITE_SHM_UNLOCK));
    if (verdict.dies) faults_die();
    if (verdict.code != SQLITE_OK) return verdict.code;
    return CALL(file, xShmLock, offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file) {
    if (judge(file, FAULTS_SHM_BARRIER, false).dies) faults_die();
    CALL(file, xShmBarrier);
}

static int file_shm_unmap(sqlite3_file *file, int remove) { return CALL(file, xShmUnmap, remove); }

static int file_fetch(sqlite3_file *file, sqlite3_int64 offset, int count, void **memory) {
    return CALL(file, xFetch, offset, count, memory);
}

static int file_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *memory) {
    return CALL(file, xUnfetch, offset, memory);
}

// A file offers what the one below does.
#define METHODS(version)                                                                                              \
    {                                                                                                                 \
        version, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_unlock,      \
            file_is_locked, file_control, file_sector, file_device, file_shm_map, file_shm_lock, file_shm_barrier,    \
            file_shm_unmap, file_fetch, file_unfetch                                                                  \
    }
static const sqlite3_io_methods methods[] = {METHODS(1), METHODS(2), METHODS(3)};

static int vfs_open(sqlite3_vfs *own, const char *path, sqlite3_file *file, int flags, int *flags_out) {
    (void)own;
    uint32_t kind = flags & SQLITE_OPEN_MAIN_DB ? FAULTS_DATABASE : flags & SQLITE_OPEN_WAL ? FAULTS_LOG : FAULTS_OTHER;
    *OF(file) = (struct file){.below = (sqlite3_file *)(OF(file) + 1), .kind = kind, .path = path};
    bool creates = flags & SQLITE_OPEN_CREATE && (path == NULL || access(path, F_OK) != 0);
    if (creates) JUDGE(file, FAULTS_OPEN);
    int code = below->xOpen(below, path, BELOW(file), flags, flags_out);
    if (BELOW(file)->pMethods == NULL) return code;
    int version = BELOW(file)->pMethods->iVersion;
    file->pMethods = &methods[(version > 3 ? 3 : version) - 1];
    struct stat facts;
    if (code == SQLITE_OK && path != NULL && stat(path, &facts) == 0) {
        OF(file)->inode = facts.st_ino;
        note(file, FAULTS_OPEN, creates, NULL, 0);
    }
    return code;
}

static int vfs_delete(sqlite3_vfs *own, const char *path, int sync_folder) {
    (void)own;
    size_t length = strlen(path);
    bool is_log = length > 4 && sqlite3_stricmp(path + length - 4, "-wal") == 0;
    struct faults_verdict verdict = faults_judge(FAULTS_DELETE, is_log ? FAULTS_LOG : FAULTS_OTHER, path, true);
    if (verdict.dies) faults_die();
    if (verdict.code != SQLITE_OK) return verdict.code;
    // Before it syncs the folder, which it makes durable with it.
    faults_note((struct faults_event){.kind = FAULTS_DELETE, .path = path});
    return below->xDelete(below, path, sync_folder);
}

/// SQLite's VFS opens a folder for one reason: to sync it.
static int open_folder(const char *path, int *descriptor) {
    int64_t noted = faults_noted();
    int code = open_folder_below(path, descriptor);
    if (code == SQLITE_OK) faults_note((struct faults_event){.kind = FAULTS_SYNC_FOLDER, .offset = noted, .path = path});
    return code;
}

static int result = SQLITE_OK;

static void install(void) {
    result = sqlite3_initialize();
    if (result != SQLITE_OK) return;
    below = sqlite3_vfs_find(NULL);
    vfs = *below;
    vfs.pNext = NULL;
    vfs.zName = "faults";
    vfs.szOsFile = (int)sizeof(struct file) + below->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    if (below->iVersion >= 3 && below->xGetSystemCall != NULL) {
        open_folder_below = (int (*)(const char *, int *))below->xGetSystemCall(below, "openDirectory");
    }
    if (open_folder_below == NULL) {
        result = SQLITE_NOTFOUND;
        return;
    }
    result = below->xSetSystemCall(below, "openDirectory", (sqlite3_syscall_ptr)open_folder);
    if (result == SQLITE_OK) result = sqlite3_vfs_register(&vfs, 1);
}

int faults_install(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    return result;
}
