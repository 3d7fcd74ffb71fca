/* Does the sandbox hold what it promises, each stage in a child of its own? */
#include "check.h"

#include "core/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELD = 0, LET_THROUGH = 1, SETUP_FAILED = 2, NOT_HAD = 3 };

static char dir[64];

static int in_child(int (*body)(void), int *ret_signal)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*ret_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static int early(void)
{
	struct rlimit core;
	struct stat st;
	int fd = open("/dev/null", O_RDONLY);

	(void)close(0);
	if (jail_early(64, NULL) != 0)
		return (SETUP_FAILED);
	if (fcntl(fd, F_GETFD) != -1 || fstat(0, &st) != 0 || !S_ISCHR(st.st_mode))
		return (LET_THROUGH);
	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || umask(0) != 077)
		return (LET_THROUGH);
	return (HELD);
}

static int drop(void)
{
	const char *degraded;

	if (geteuid() != 0)
		return (NOT_HAD);
	if (chown(dir, 12345, 12346) != 0 || jail_drop(dir, &degraded, NULL) != 0)
		return (SETUP_FAILED);
	if (degraded != NULL || getuid() != 12345 || getegid() != 12346 || getgroups(0, NULL) != 0 ||
	    setuid(0) == 0)
		return (LET_THROUGH);
	return (HELD);
}

static int stay_root(void)
{
	const char *degraded;

	if (geteuid() != 0)
		return (NOT_HAD);
	if (jail_drop("/", &degraded, NULL) != 0)
		return (SETUP_FAILED);
	return (degraded != NULL && geteuid() == 0 ? HELD : LET_THROUGH);
}

static int paths(void)
{
	struct jail_path allowed[] = { { dir, true }, { "/etc/hostname", false },
		{ "/nonexistent/optional", false } };
	char a[128], b[128], c[128];
	int fd, abi = jail_paths(allowed, 3, NULL);

	if (abi <= 0)
		return (abi == 0 ? NOT_HAD : SETUP_FAILED);
	(void)snprintf(a, sizeof(a), "%s/tmp", dir);
	(void)snprintf(b, sizeof(b), "%s/new", dir);
	(void)snprintf(c, sizeof(c), "%s/new/x", dir);
	if (mkdir(a, 0700) != 0 || mkdir(b, 0700) != 0)
		return (SETUP_FAILED);
	(void)snprintf(a, sizeof(a), "%s/tmp/x", dir);
	if ((fd = open(a, O_WRONLY | O_CREAT, 0600)) == -1 || ftruncate(fd, 10) != 0 || close(fd) != 0 ||
	    rename(a, c) != 0 || unlink(c) != 0)
		return (SETUP_FAILED); /* what delivery does must work */
	(void)snprintf(a, sizeof(a), "%s/tmp", dir);
	if (rmdir(a) != 0 || rmdir(b) != 0)
		return (SETUP_FAILED);
	if (open("/etc/passwd", O_RDONLY) != -1 || open("/etc/hostname", O_WRONLY) != -1 ||
	    open("/tmp/outside", O_WRONLY | O_CREAT, 0600) != -1)
		return (LET_THROUGH);
	return (HELD);
}

static int calls_exec(void)
{
	char *const argv[] = { (char[]){ "true" }, NULL };

	if (jail_calls(NULL) != 0)
		return (NOT_HAD);
	(void)execv("/bin/true", argv);
	return (LET_THROUGH);
}

static int calls_map(void)
{
	if (jail_calls(NULL) != 0)
		return (NOT_HAD);
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return (SETUP_FAILED);
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		return (LET_THROUGH);
	return (HELD);
}

static void each_stage_holds(void **state)
{
	static const struct {
		const char *name;
		int (*body)(void);
		bool killed;
	} cases[] = {
		{ "early", early, false }, { "drop", drop, false }, { "root", stay_root, false },
		{ "paths", paths, false }, { "exec", calls_exec, true }, { "map", calls_map, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int number, result = in_child(cases[i].body, &number);

		if (result == NOT_HAD) {
			print_message("%s: not to be had here\n", cases[i].name);
			continue;
		}
		if (number != (cases[i].killed ? SIGSYS : 0) || (!cases[i].killed && result != HELD))
			print_message("%s: %d, signal %d\n", cases[i].name, result, number);
		assert_int_equal(number, cases[i].killed ? SIGSYS : 0);
		if (!cases[i].killed)
			assert_int_equal(result, HELD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_stage_holds) };
	int failed;

	(void)snprintf(dir, sizeof(dir), "/tmp/pennypost-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return (1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(dir);
	return (failed);
}
