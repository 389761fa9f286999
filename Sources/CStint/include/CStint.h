/* The few system calls that Swift cannot make by itself. */
#ifndef CSTINT_H
#define CSTINT_H

/* The type of the file system that holds `path` (the magic number of statfs(2)), or -1 where it cannot be told.
   Swift's Glibc module does not have <sys/vfs.h>. Linux only; elsewhere always -1. */
long stint_file_system_type(const char *path);

#endif
