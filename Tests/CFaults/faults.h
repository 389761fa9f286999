// Between the parts of the VFS.
#ifndef FAULTS_H
#define FAULTS_H

#include "CFaults.h"

#include <sqlite3.h>

/// What is to happen instead of a call, or SQLITE_OK.
struct faults_verdict {
    int code;
    bool dies;
    /// A write: first write half of it.
    bool torn;
};

/// Counts a call and says what becomes of it. `path`: NULL for a temporary file. `fails`: whether the call can report a
/// failure.
struct faults_verdict faults_judge(uint32_t kind, uint32_t file, const char *path, bool fails);

/// Whether the file is one that faults_only has named.
bool faults_concern(const char *path);

void faults_die(void);

/// Adds to the record, if there is one. Copies what it is given.
void faults_note(struct faults_event event);
/// How many events there are; 0 without a record.
int64_t faults_noted(void);

#endif
