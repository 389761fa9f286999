/* The few system calls that Swift cannot make by itself. */
#ifndef CSTINT_H
#define CSTINT_H

#include <sys/types.h>

/* The type of the file system that holds `path` (the magic number of statfs(2)), or -1 if it is unknown.
   Swift's Glibc module does not have <sys/vfs.h>. Linux only; elsewhere always -1. */
long stint_file_system_type(const char *path);

/* Whether something is mounted on exactly this name, as when a single file is mounted into a container: 1 or 0, or -1
   if it is unknown (Linux before 5.8, other systems, no such file). A symbolic link is not followed. */
int stint_is_mount_point(const char *path);

/* Gives a file another name unless that is taken: then -1 with EEXIST. Where the file system cannot do it in one step, the
   file has both names for a moment. */
int stint_rename_new(const char *from, const char *to);

/* How many frames of a write-ahead log SQLite would read: those of its last round that are whole, up to the last commit. 0
   as well where it is no such log; -1 without memory. `page_size` is set where there is a header. */
long stint_log_frames(int file, unsigned *page_size);

/* Locks on single bytes of a file. They belong to the open file, and not to the process as fcntl's older locks do: two
   open files exclude each other also in one process, and the kernel frees the locks when the open file is gone. The
   file must be open for writing; the bytes need not exist. 0, or -1 with errno: where the kernel does not know such
   locks, EINVAL.

   The first waits; the second fails with EAGAIN or EACCES if another open file has the lock. */
int stint_lock_byte(int file, off_t byte);
int stint_lock_byte_if_free(int file, off_t byte);
int stint_unlock_byte(int file, off_t byte);

/* A process to start. */
struct stint_launch {
    const char *path;
    char *const *arguments;   /* with the name first, NULL last */
    char *const *environment; /* NULL last */
    int input, output, error; /* become 0, 1 and 2; they may be any open descriptors, 0, 1 and 2 too */
    int control;              /* becomes 3; -1: none */
    int own_group;            /* whether it leads a process group of its own */
    int dies_with_parent;     /* Linux: SIGKILL when the *thread* that calls this ends */
    long long memory_limit;   /* of data that it may write to, in bytes; 0: none */
    long long descriptor_limit; /* its soft limit of open files; 0: the same as this process's */
    const char *folder;       /* its current folder; NULL: the same as this process's */
};

/* What could not be done to start a process. */
enum stint_step {
    stint_step_process,     /* making it */
    stint_step_preparation, /* its group, limits and signals */
    stint_step_descriptors, /* its standard streams */
    stint_step_program      /* executing the program */
};

/* Starts a process with default signal dispositions, an empty signal mask and no other descriptors than those named.
   0, and its id in `child`; or the errno of the step that failed, and which that was, and there is no process then. */
int stint_spawn(const struct stint_launch *launch, pid_t *child, int *failed_step);

/* A descriptor that is readable once the process has ended; -1 where there is no such thing. */
int stint_pidfd_open(pid_t process);

/* Sends a signal to the process of a descriptor and to no other: 0, or -1. */
int stint_pidfd_send_signal(int descriptor, int signal);

/* Linux: from now on descendants of this process whose parents have ended become its children. 0, or -1. */
int stint_adopt_orphans(void);

/* Sees to it that ends of children can be waited for: a program inherits it when SIGCHLD is ignored, and then the kernel
   forgets them. A handler of this process's own stays. */
void stint_keep_ends_of_children(void);

/* Whether a child of this process has ended. It can be waited for afterwards, unless other code has waited for it before. */
int stint_has_ended(pid_t child);

/* Whether any child of this process has ended and was not waited for. */
int stint_any_has_ended(void);

/* From now on memory of 1 MiB or more goes back to the system as soon as it is freed. glibc keeps such blocks, for each thread,
   once it has seen some. Nothing elsewhere. */
void stint_return_large_blocks(void);

/* Gives the free memory of this process back to the system. Nothing without glibc. */
void stint_return_free_memory(void);

/* The environment of this process as it is now; NULL last. */
char **stint_environment(void);

/* As pipe(2), with descriptors that are closed by exec. */
int stint_pipe(int ends[2]);

/* How many bytes can be read from a pipe at once; -1 if it is unknown. */
int stint_bytes_waiting(int descriptor);

#endif
