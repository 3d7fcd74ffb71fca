/* Is each burst of changes told once, to every watch of the directory, and never after the drop? */
#include "check.h"

#include "core/clock.h"
#include "core/loop.h"
#include "core/watch_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	struct loop *loop;
	struct watch_dirs *dirs;
	struct watch_dir *first, *second, *dropped;
	struct timer *guard;
	unsigned firsts, seconds;
	char dir[64], sub[80], file[128];
} it;

static void make_and_remove_many(void)
{
	for (unsigned i = 0; i < 50; i++) {
		int fd;

		(void)snprintf(it.file, sizeof(it.file), "%s/%u", it.sub, i);
		fd = open(it.file, O_WRONLY | O_CREAT, 0600);
		assert_true(fd != -1);
		(void)close(fd);
		assert_int_equal(unlink(it.file), 0);
	}
}

static void on_first(void *self)
{
	(void)self;
	it.firsts++;
}

static void on_second(void *self)
{
	(void)self;
	it.seconds++;
	if (it.seconds == 1) { /* now the directory itself goes */
		watch_dir_drop(it.dropped);
		it.dropped = NULL;
		assert_int_equal(rmdir(it.sub), 0);
	} else {
		loop_stop(it.loop);
	}
}

static void on_never(void *self)
{
	(void)self;
	fail();
}

static void on_guard(void *self)
{
	(void)self;
	it.guard = NULL;
	loop_stop(it.loop);
}

static void bursts_are_told_once(void **state)
{
	(void)state;
	(void)snprintf(it.dir, sizeof(it.dir), "/tmp/pennypost-test-XXXXXX");
	assert_non_null(mkdtemp(it.dir));
	(void)snprintf(it.sub, sizeof(it.sub), "%s/sub", it.dir);
	assert_int_equal(mkdir(it.sub, 0700), 0);
	it.loop = loop_new();
	it.dirs = watch_dirs_new(it.loop);
	assert_non_null(it.dirs);
	it.first = watch_dir_add(it.dirs, it.sub, on_first, NULL);
	it.second = watch_dir_add(it.dirs, it.sub, on_second, NULL);
	it.dropped = watch_dir_add(it.dirs, it.dir, on_never, NULL);
	assert_null(watch_dir_add(it.dirs, "/nonexistent", on_never, NULL));
	it.guard = timer_start(it.loop, 10000, on_guard, NULL);
	make_and_remove_many();
	loop_run(it.loop);
	assert_non_null(it.guard);
	assert_int_equal(it.seconds, 2);
	assert_true(it.firsts >= 1 && it.firsts <= 2);
	timer_cancel(it.guard);
	watch_dir_drop(it.first); /* after its directory */
	watch_dir_drop(NULL);
	watch_dirs_free(it.dirs); /* drops the second */
	loop_free(it.loop);
	assert_int_equal(rmdir(it.dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bursts_are_told_once) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
