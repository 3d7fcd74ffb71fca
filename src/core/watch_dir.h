/* watch_dir.h: one raw inotify descriptor on the loop, shared by all watches. Nothing here decides anything: a callback means
 * "look again". When the kernel's queue overflowed, every watch is called. When no watch can be had (limit), NULL: poll instead. */
#ifndef CORE_WATCH_DIR_H
#define CORE_WATCH_DIR_H

struct loop;
struct watch_dirs;
struct watch_dir;

struct watch_dirs *watch_dirs_new(struct loop *l); /* NULL when inotify cannot be had at all */
void watch_dirs_free(struct watch_dirs *w);
/* Calls back once after each burst (50 ms quiet) of creations, renames or deletions inside. */
struct watch_dir *watch_dir_add(struct watch_dirs *w, const char *path, void (*on_change)(void *self), void *self);
unsigned watch_dirs_count(const struct watch_dirs *w); /* as the kernel counts them */
void watch_dir_drop(struct watch_dir *d); /* accepts NULL */

#endif
