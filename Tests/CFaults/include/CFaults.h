/// A VFS for SQLite, over its own one, that ends the process, fails, or records, call by call. For tests.
///
/// It becomes the default VFS, so that all connections of the process go through it. All functions may be called from any
/// thread.
#ifndef CFAULTS_H
#define CFAULTS_H

#include "ResetWindow.h"

#include <stdbool.h>
#include <stdint.h>

/// What a call does to a file. The set of those up to FAULTS_LINK is what counts as steps.
static const uint32_t FAULTS_WRITE = 1u << 0;
static const uint32_t FAULTS_SYNC = 1u << 1;
static const uint32_t FAULTS_TRUNCATE = 1u << 2;
static const uint32_t FAULTS_SHM_MAP = 1u << 3;
static const uint32_t FAULTS_SHM_LOCK = 1u << 4;
static const uint32_t FAULTS_SHM_BARRIER = 1u << 5;
static const uint32_t FAULTS_DELETE = 1u << 6;
/// Where it makes the file.
static const uint32_t FAULTS_OPEN = 1u << 7;
/// A further name for a file: link(2) by the program itself. It does not fail.
static const uint32_t FAULTS_LINK = 1u << 8;
static const uint32_t FAULTS_READ = 1u << 9;
/// Of the folder of a file, by SQLite or by the program itself. Recorded; no step.
static const uint32_t FAULTS_SYNC_FOLDER = 1u << 10;
/// Recorded; no call at all. See faults_mark.
static const uint32_t FAULTS_MARK = 1u << 11;

/// Which file.
static const uint32_t FAULTS_DATABASE = 1u << 0;
static const uint32_t FAULTS_LOG = 1u << 1;
/// Rollback journals and temporary files.
static const uint32_t FAULTS_OTHER = 1u << 2;

/// Makes it the default VFS. Before the process opens its first connection; further calls change nothing.
///
/// Returns SQLite's result code.
int faults_install(void);

/// From now on only files whose path begins so are counted, fail and are recorded; NULL: all.
void faults_only(const char *prefix);

/// How many steps were made since the process began.
int64_t faults_steps(void);

/// The process kills itself (SIGKILL) instead of making this step, the first of the process being 1.
///
/// With `torn`, if the step is a write, the first half of its bytes is written before.
void faults_die_at(int64_t step, bool torn);

struct faults_failure {
    /// The calls that can fail: sets of the above. A barrier cannot, nor can an SHM call that only unlocks.
    uint32_t kinds, files;
    /// SQLite's result code, for example SQLITE_FULL or SQLITE_IOERR_FSYNC.
    int code;
    /// The first that fails, of the calls that match, from now on: the first of them is 1.
    int64_t from;
    /// How many fail; negative: all until faults_lift.
    int64_t count;
    /// A write that fails has written the first half of its bytes.
    bool torn;
};

/// From now on calls fail, instead of what was arranged before.
void faults_fail(struct faults_failure failure);

/// No call fails any more.
void faults_lift(void);

/// How many calls have matched since the last faults_fail, and how many of them have failed.
int64_t faults_matched(void);
int64_t faults_failed(void);

struct faults_event {
    /// One of FAULTS_WRITE, FAULTS_SYNC, FAULTS_TRUNCATE, FAULTS_DELETE, FAULTS_OPEN (also of files that are there
    /// already), FAULTS_LINK, FAULTS_SYNC_FOLDER, FAULTS_MARK. It is in the record when the call has returned, well.
    uint32_t kind;
    /// The file's inode. With FAULTS_DELETE and FAULTS_SYNC_FOLDER: 0.
    uint64_t file;
    /// FAULTS_OPEN: 1 if the file was created. FAULTS_WRITE: the offset. FAULTS_TRUNCATE: the new size. FAULTS_SYNC, FAULTS_SYNC_FOLDER: how many events were in the
    /// record when the call began, that is, what it makes durable. FAULTS_MARK: the mark.
    int64_t offset;
    /// FAULTS_WRITE: the bytes.
    const void *bytes;
    int64_t count;
    /// The file's name; FAULTS_LINK: the new one; FAULTS_SYNC_FOLDER: of a file in it, or the folder's with a slash.
    const char *path;
};

/// Starts a new, empty record, or ends the record, which can still be read. Files without a name are not recorded.
void faults_record(bool on);

/// Puts a mark of the caller's own into the record.
void faults_mark(int64_t mark);

int64_t faults_event_count(void);

/// What it points to is there until the next faults_record(true).
struct faults_event faults_event_at(int64_t index);

#endif
