/* fault.c: how does a test stop the store at any one of its writes? By a counter in front of
 * every system call that changes the tree. Leaves what a failure means to the callers. Without
 * PENNYPOST_TEST_HOOKS nothing stands between. */
#include "store/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/slice.h"

#ifdef PENNYPOST_TEST_HOOKS

static struct { /* of the test build alone */
	pthread_mutex_t lock;
	bool is_read, kills;
	char spec[64];
	struct slice class;
	uint64_t at, number;
	unsigned seen;
	int threads;
	char trace[4096];
	size_t trace_n;
} fault = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void arm(const char *spec)
{
	struct slice rest = slice_of(spec), class, n;

	fault.is_read = true;
	fault.seen = 0;
	fault.trace_n = 0;
	fault.trace[0] = '\0';
	fault.class = (struct slice){ NULL, 0 };
	if (rest.n == 0 || rest.n >= sizeof(fault.spec))
		return;
	memcpy(fault.spec, rest.p, rest.n);
	rest.p = fault.spec;
	if (!slice_cut(rest, ':', &class, &rest) || !slice_cut(rest, ':', &n, &rest) ||
	    !slice_u64(n, 1000000000, &fault.at))
		return;
	fault.kills = slice_eq(rest, SLICE("kill"));
	if (!fault.kills && !slice_u64(rest, 4096, &fault.number))
		return;
	fault.class = class;
}

void fault_arm(const char *spec)
{
	(void)pthread_mutex_lock(&fault.lock);
	arm(spec);
	(void)pthread_mutex_unlock(&fault.lock);
}

unsigned fault_count(void)
{
	return (fault.seen);
}

const char *fault_trace(void)
{
	return (fault.trace);
}

/* After the call, so that what stands in the trace has happened. */
static int done(char letter, int rc)
{
	static _Thread_local char thread;
	int number = errno;

	(void)pthread_mutex_lock(&fault.lock);
	if (thread == 0)
		thread = (char)('a' + fault.threads++ % 26);
	if (rc != -1 && fault.trace_n + 2 < sizeof(fault.trace)) {
		fault.trace[fault.trace_n++] = letter;
		fault.trace[fault.trace_n++] = thread;
		fault.trace[fault.trace_n] = '\0';
	}
	(void)pthread_mutex_unlock(&fault.lock);
	errno = number;
	return (rc);
}

static int hit(struct slice class)
{
	int number = 0;

	(void)pthread_mutex_lock(&fault.lock);
	if (!fault.is_read)
		arm(getenv("PENNYPOST_FAULT"));
	if (slice_eq(fault.class, SLICE("any")) || slice_eq(fault.class, class) ||
	    fault.class.n == 0)
		fault.seen++;
	if (fault.class.n != 0 && fault.seen == fault.at &&
	    (slice_eq(fault.class, SLICE("any")) || slice_eq(fault.class, class))) {
		if (fault.kills)
			(void)kill(getpid(), SIGKILL);
		number = (int)fault.number;
	}
	(void)pthread_mutex_unlock(&fault.lock);
	if (number == 0)
		return (0);
	errno = number;
	return (-1);
}

/* It runs beside what the other classes count. */
int disk_text(void)
{
	bool is_armed;

	(void)pthread_mutex_lock(&fault.lock);
	if (!fault.is_read)
		arm(getenv("PENNYPOST_FAULT"));
	is_armed = slice_eq(fault.class, SLICE("text"));
	(void)pthread_mutex_unlock(&fault.lock);
	return (is_armed ? hit(SLICE("text")) : 0);
}

#else

int disk_text(void)
{
	return (0);
}

static int done(char letter, int rc)
{
	(void)letter;
	return (rc);
}

static int hit(struct slice class)
{
	(void)class;
	return (0);
}

#endif

int disk_create(int dir, const char *path, mode_t mode)
{
	if (hit(SLICE("open")) != 0)
		return (-1);
	return (done('o',
	    openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)));
}

int disk_write_all(int fd, const char *p, size_t n)
{
	if (hit(SLICE("write")) != 0)
		return (-1);
	while (n > 0) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return (-1);
		p += k;
		n -= (size_t)k;
	}
	return (done('w', 0));
}

static bool fd_is_dir(int fd)
{
#ifdef PENNYPOST_TEST_HOOKS
	struct stat st;

	return (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode));
#else
	(void)fd;
	return (false);
#endif
}

int disk_fsync(int fd)
{
	if (hit(SLICE("fsync")) != 0)
		return (-1);
	return (done(fd_is_dir(fd) ? 'D' : 'F', fsync(fd)));
}

int disk_rename(int from_dir, const char *from, int to_dir, const char *to)
{
	if (hit(SLICE("rename")) != 0)
		return (-1);
	return (done('r', renameat(from_dir, from, to_dir, to)));
}

int disk_link(int from_dir, const char *from, int to_dir, const char *to)
{
	if (hit(SLICE("link")) != 0)
		return (-1);
	return (done('l', linkat(from_dir, from, to_dir, to, 0)));
}

int disk_unlink(int dir, const char *path)
{
	if (hit(SLICE("unlink")) != 0)
		return (-1);
	return (done('u', unlinkat(dir, path, 0)));
}

int disk_mkdir(int dir, const char *path)
{
	if (hit(SLICE("mkdir")) != 0)
		return (-1);
	return (done('m', mkdirat(dir, path, 0700)));
}

int disk_sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc, number;

	if (fd == -1)
		return (-1);
	rc = disk_fsync(fd);
	number = errno;
	(void)close(fd);
	errno = number;
	return (rc);
}
