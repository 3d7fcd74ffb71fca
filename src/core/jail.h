/* jail.h: give up what a mail server does not need, in the order of DESIGN section 4. Linux only;
 * each function says what was had. */
#ifndef CORE_JAIL_H
#define CORE_JAIL_H

#include "core/err.h"

struct jail_path {
	const char *path;
	bool write;
};

/* jail_early: refuse setuid start, open missing 0..2, close inherited descriptors from 3 up, umask
 * 077, no core, NOFILE raised to need. */
int jail_early(unsigned nofile, struct err *err);
/* jail_drop: when root, become the owner of ${dir} (groups empty, capabilities none, checked);
 * root-owned: stay, ret_degraded says so. */
int jail_drop(const char *dir, const char **ret_degraded, struct err *err);
/* jail_paths: no new privileges, then Landlock on this thread (and those started later). Returns
 * the ABI level, 0 when the kernel has none. */
int jail_paths(const struct jail_path *paths, unsigned n, struct err *err);
/* jail_calls: seccomp deny-list on all threads: execve, ptrace, io_uring, mount and their kind. 0
 * on, -1 with err where not to be had. */
int jail_calls(struct err *err);

#endif
