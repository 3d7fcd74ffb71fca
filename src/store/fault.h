/* fault.h (inside store): the system calls that change the Maildir tree, in one place, so that a
 * test can make the nth of them fail or be the last thing this process ever does. Same results
 * and errno as the calls they are named after. PENNYPOST_FAULT="<class>:<n>:<errno
 * number|kill>", class one of open write fsync rename link unlink mkdir any; builds with
 * PENNYPOST_TEST_HOOKS only. */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

#include <stddef.h>
#include <sys/types.h>

int disk_create(int dir, const char *path, mode_t mode); /* openat O_CREAT O_EXCL O_WRONLY */
int disk_write_all(int fd, const char *p, size_t n);     /* 0 or -1; short writes are continued */
int disk_fsync(int fd);
int disk_rename(int from_dir, const char *from, int to_dir, const char *to);
int disk_link(int from_dir, const char *from, int to_dir, const char *to);
int disk_unlink(int dir, const char *path);
int disk_mkdir(int dir, const char *path);
int disk_sync_dir(const char *path); /* open, fsync, close */
int disk_text(void); /* class text, and no other: before the full-text index commits */
#ifdef PENNYPOST_TEST_HOOKS
void fault_arm(
    const char *spec);      /* as the environment variable; NULL: none. Counting starts anew. */
unsigned fault_count(void); /* calls seen since */
/* What was done since fault_arm, in order, a letter each: o made a file, w wrote, F synced a file,
 * D synced a directory, r renamed, l linked, u unlinked, m made a directory; behind each a letter
 * for the thread. */
const char *fault_trace(void);
#endif

#endif
