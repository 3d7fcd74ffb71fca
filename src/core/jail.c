/* jail.c: what can we do without? Inherited descriptors, root, capabilities, files outside our folders. In the order of DESIGN
 * section 4: jail_early, bind, jail_drop, jail_paths, threads, then jail_calls (jail_seccomp.c or jail_plain.c). Landlock holds
 * for the calling thread and those it starts later, so there must be only one yet.
 * Failures: what cannot be undone safely is an error; a kernel that lacks Landlock is not, and is reported. */
#include "core/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/mem.h"

#ifdef PENNYPOST_TEST_HOOKS
static const bool may_be_traced = true; /* leak checkers attach to the process */
#else
static const bool may_be_traced = false;
#endif

/* --- what was inherited --- */

static int fill_standard_files(struct err *err)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		if (open("/dev/null", O_RDWR) != fd) /* the lowest that is free */
			return (err_errno(err, "open /dev/null in place of descriptor %d", fd));
	}
	return (0);
}

static int set_limits(unsigned nofile, struct err *err)
{
	struct rlimit core = { 0, 0 }, files;

	if (setrlimit(RLIMIT_CORE, &core) != 0)
		return (err_errno(err, "switch core dumps off"));
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return (err_errno(err, "read the limit of open files"));
	if (files.rlim_cur >= nofile)
		return (0);
	if (files.rlim_max < nofile) {
		struct rlimit raised = { nofile, nofile };

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			return (0);
	}
	/* What is allowed; listeners keep within it (RES-05). */
	files.rlim_cur = files.rlim_max < nofile ? files.rlim_max : nofile;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		return (err_errno(err, "raise the limit of open files"));
	return (0);
}

int jail_early(unsigned nofile, struct err *err)
{
	if (getauxval(AT_SECURE) != 0)
		return (err_set(err, ERR_PERMANENT, "refusing to start set-user-id"));
	if (fill_standard_files(err) != 0)
		return (-1);
	if (syscall(SYS_close_range, 3U, ~0U, 0U) != 0 && errno != ENOSYS)
		return (err_errno(err, "close inherited descriptors"));
	(void)umask(077);
	if (!may_be_traced && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return (err_errno(err, "switch dumping off"));
	return (set_limits(nofile, err));
}

/* --- root --- */

static int clear_capabilities(struct err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { .effective = 0 } }, now[2];

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) != 0 || syscall(SYS_capget, &head, now) != 0)
		return (err_errno(err, "give up capabilities"));
	for (unsigned i = 0; i < 2; i++)
		if ((now[i].effective | now[i].permitted | now[i].inheritable) != 0)
			return (err_set(err, ERR_PERMANENT, "capabilities are still there after giving them up"));
	return (0);
}

static int become(uid_t uid, gid_t gid, struct err *err)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	for (int cap = 0; cap < 64; cap++) /* ends with EINVAL past the kernel's last */
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EINVAL)
			return (err_errno(err, "drop capability %d", cap));
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return (err_errno(err, "become user %u", (unsigned)uid));
	/* Read back: a silent failure here would be root on the internet. */
	if (getresuid(&r, &e, &s) != 0 || getresgid(&rg, &eg, &sg) != 0 || r != uid || e != uid || s != uid ||
	    rg != gid || eg != gid || sg != gid || getgroups(0, NULL) != 0 || setuid(0) == 0)
		return (err_set(err, ERR_PERMANENT, "could not give root up for good"));
	return (0);
}

int jail_drop(const char *dir, const char **ret_degraded, struct err *err)
{
	struct stat st;

	*ret_degraded = NULL;
	if (geteuid() == 0) {
		if (stat(dir, &st) != 0)
			return (err_errno(err, "look at %s", dir));
		if (!S_ISDIR(st.st_mode))
			return (err_set(err, ERR_PERMANENT, "%s is not a directory", dir));
		if (st.st_uid == 0) {
			*ret_degraded = "running as root: give the data directory to a user of its own";
			return (0);
		}
		if (become(st.st_uid, st.st_gid, err) != 0)
			return (-1);
	}
	if (clear_capabilities(err) != 0)
		return (-1);
	/* Changing users switched it off, or the kernel did, depending on its mood. */
	(void)prctl(PR_SET_DUMPABLE, may_be_traced ? 1 : 0, 0, 0, 0);
	return (0);
}

/* --- Landlock --- */

enum {
	REFER_ABI = 2, /* without it rename between folders fails: then no Landlock at all */
	TRUNCATE_ABI = 3,
};

#define ACCESS_TRUNCATE (UINT64_C(1) << 14) /* newer than the headers we build with */
#define ACCESS_READ ((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR))
#define ACCESS_FILE \
	((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE) | ACCESS_TRUNCATE)
#define ACCESS_WRITE                                                                               \
	(ACCESS_READ | ACCESS_FILE |                                                               \
	    (uint64_t)(LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |            \
		LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                        \
		LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |                       \
		LANDLOCK_ACCESS_FS_REFER))
#define ACCESS_ALL                                                                                 \
	(ACCESS_WRITE |                                                                            \
	    (uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                 \
		LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK))

static int allow(int ruleset, const struct jail_path *path, uint64_t handled, struct err *err)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = open(path->path, O_PATH | O_CLOEXEC) };
	struct stat st;
	int failed = 0;

	if (rule.parent_fd == -1) {
		if (errno == ENOENT && !path->write)
			return (0); /* an optional file that is not there needs no right */
		return (err_errno(err, "open %s for the sandbox", path->path));
	}
	rule.allowed_access = (path->write ? ACCESS_WRITE : ACCESS_READ) & handled;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= ACCESS_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
		failed = err_errno(err, "allow %s in the sandbox", path->path);
	(void)close(rule.parent_fd);
	return (failed);
}

int jail_paths(const struct jail_path *paths, unsigned n, struct err *err)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = ACCESS_ALL };
	long abi, ruleset;
	int failed = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return (err_errno(err, "set no-new-privileges"));
	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < REFER_ABI)
		return (0);
	if (abi < TRUNCATE_ABI)
		attr.handled_access_fs &= ~ACCESS_TRUNCATE;
	ruleset = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset == -1)
		return (err_errno(err, "make the sandbox's rules"));
	for (unsigned i = 0; i < n && failed == 0; i++)
		failed = allow((int)ruleset, &paths[i], attr.handled_access_fs, err);
	if (failed == 0 && may_be_traced) /* they look at the threads there */
		failed = allow((int)ruleset, &(struct jail_path){ "/proc", false }, attr.handled_access_fs, err);
	if (failed == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		failed = err_errno(err, "enter the sandbox");
	(void)close((int)ruleset);
	return (failed != 0 ? -1 : (int)abi);
}
