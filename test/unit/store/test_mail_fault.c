/* test_mail_fault.c: what is left when the process dies, or a call fails, at the 1st, 2nd, ...
 * nth system call that changes the tree? Old or new, never a third state (STO-02, STO-03,
 * STO-06). Each act runs in a child that is killed there; another child opens the store again
 * and looks. By itself it tries some of the calls of each act, others each time it is run;
 * PENNYPOST_FULL=1: all of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mail_bench.h"
#include "store/fault.h"
#include "store/queue_int.h"

#define MESSAGE "From: <a@b>\r\nSubject: one\r\n\r\nbody\r\n"

enum { OLD = 40, NEW_STATE, THIRD, FINE, REFUSED };

struct act {
	const char *name;
	void (*prepare)(struct mail_bench *b);
	void (*run)(struct mail_bench *b); /* leaves b->err */
	int (*look)(struct mail_bench *b); /* OLD, NEW_STATE or THIRD */
};

static uint32_t count(struct mail_bench *b, const char *account, const char *name)
{
	struct folder *f = mail_folder(b, account, name);

	if (f == NULL)
		return (UINT32_MAX);
	mail_status(b, f);
	if (b->err.kind != ERR_NONE)
		_exit(THIRD);
	return (b->st.messages);
}

static int either(bool is_old, bool is_new)
{
	return (is_old ? OLD : is_new ? NEW_STATE : THIRD);
}

/* --- the acts --- */

static void nothing(struct mail_bench *b)
{
	(void)b;
}

static void deliver_run(struct mail_bench *b)
{
	mail_deliver(b, MESSAGE, 3);
}

static int deliver_look(struct mail_bench *b)
{
	uint32_t x = count(b, "ann", "INBOX"), y = count(b, "bob", "INBOX"),
		 z = count(b, "cid", "INBOX");

	return (either(x + y + z == 0, x == 1 && y == 1 && z == 1));
}

static void append_run(struct mail_bench *b)
{
	mail_append(b, mail_folder(b, "ann", "Sent"), MESSAGE, FLAG_SEEN, "$Fresh");
}

static int append_look(struct mail_bench *b)
{
	uint32_t n = count(b, "ann", "Sent");

	return (either(n == 0, n == 1));
}

static void append_all_run(struct mail_bench *b)
{
	mail_append_all(b, mail_folder(b, "ann", "Sent"), MESSAGE, 3, 0);
}

static int append_all_look(struct mail_bench *b)
{
	uint32_t n = count(b, "ann", "Sent");

	return (either(n == 0, n == 3));
}

static void one_draft(struct mail_bench *b)
{
	mail_append(b, mail_folder(b, "ann", "Drafts"), MESSAGE, FLAG_DRAFT, NULL);
}

static void replace_run(struct mail_bench *b)
{
	struct view *v = mail_view(b, mail_folder(b, "ann", "Drafts"));
	uint32_t uid = view_at(v, 0)->uid;

	view_close(v, NULL);
	mail_append_all(b, mail_folder(b, "ann", "Drafts"), MESSAGE, 1, uid);
}

/* Between the halves both are there; never neither. */
static int replace_look(struct mail_bench *b)
{
	struct view *v = mail_view(b, mail_folder(b, "ann", "Drafts"));
	size_t n = view_count(v);
	bool is_old = n > 0 && (view_at(v, 0)->flags & FLAG_DRAFT);

	view_close(v, NULL);
	return (either(is_old && (n == 1 || n == 2), !is_old && n == 1));
}

static void three(struct mail_bench *b)
{
	for (unsigned i = 0; i < 3; i++)
		mail_deliver(b, MESSAGE, 1);
}

static void copy_run(struct mail_bench *b)
{
	struct view *v = mail_view(b, mail_folder(b, "ann", "INBOX"));

	mail_copy(b, v, mail_folder(b, "ann", "Archive"), false);
	view_close(v, NULL);
}

static int copy_look(struct mail_bench *b)
{
	uint32_t from = count(b, "ann", "INBOX"), to = count(b, "ann", "Archive");

	return (either(from == 3 && to == 0, from == 3 && to == 3));
}

static void move_run(struct mail_bench *b)
{
	struct view *v = mail_view(b, mail_folder(b, "ann", "INBOX"));

	mail_copy(b, v, mail_folder(b, "ann", "Archive"), true);
	view_close(v, NULL);
}

static int move_look(struct mail_bench *b) /* atomic a message */
{
	uint32_t from = count(b, "ann", "INBOX"), to = count(b, "ann", "Archive");

	return (either(from == 3 && to == 0, from + to == 3));
}

static void store_run(struct mail_bench *b)
{
	struct view *v = mail_view(b, mail_folder(b, "ann", "INBOX"));

	mail_flags(b, v, view_at(v, 0)->uid, FLAGS_ADD, FLAG_SEEN, "$Fresh", UINT64_MAX);
	view_close(v, NULL);
}

static int store_look(struct mail_bench *b)
{
	mail_status(b, mail_folder(b, "ann", "INBOX"));
	return (b->st.messages != 3 ? THIRD : either(b->st.unseen == 3, b->st.unseen == 2));
}

static void three_deleted(struct mail_bench *b)
{
	struct view *v;

	three(b);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	mail_flags(b, v, view_at(v, 1)->uid, FLAGS_ADD, FLAG_DELETED, NULL, UINT64_MAX);
	view_close(v, NULL);
}

static void expunge_run(struct mail_bench *b)
{
	struct view *v = mail_view(b, mail_folder(b, "ann", "INBOX"));

	mail_expunge(b, v);
	view_close(v, NULL);
}

static int expunge_look(struct mail_bench *b)
{
	uint32_t n = count(b, "ann", "INBOX");

	return (either(n == 3, n == 2));
}

static void three_expunged(struct mail_bench *b)
{
	struct view *v;

	three(b);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	for (size_t i = 0; i < 3; i++)
		mail_flags(b, v, view_at(v, i)->uid, FLAGS_ADD, FLAG_DELETED, NULL, UINT64_MAX);
	mail_expunge(b, v);
	view_close(v, NULL);
}

static void undelete_run(struct mail_bench *b)
{
	mail_undelete(b, "ann", "", "");
}

/* Each is here or there; what is still there a second run brings. */
static int undelete_look(struct mail_bench *b)
{
	uint32_t here = count(b, "ann", "INBOX");
	size_t there;

	mail_undelete(b, "ann", "", NULL);
	there = b->n;
	if (here + there != 3)
		return (THIRD);
	mail_undelete(b, "ann", "", "");
	if (b->err.kind != ERR_NONE || b->backs != there || count(b, "ann", "INBOX") != 3)
		return (THIRD);
	return (there == 0 ? NEW_STATE : OLD);
}

static void one_in_a_deleted_folder(struct mail_bench *b)
{
	mail_create(b, "ann", "lost");
	mail_append(b, mail_folder(b, "ann", "lost"), MESSAGE, FLAG_SEEN, "$Fresh");
	mail_delete(b, "ann", "lost");
}

static int undelete_folder_look(struct mail_bench *b)
{
	uint32_t here = count(b, "ann", "lost");

	mail_undelete(b, "ann", "lost", NULL);
	return (either((here == UINT32_MAX || here == 0) && b->n == 1, here == 1 && b->n == 0));
}

static void create_run(struct mail_bench *b)
{
	mail_create(b, "ann", "a/b/c");
}

static int create_look(struct mail_bench *b)
{
	int n = (mail_folder(b, "ann", "a") != NULL) + (mail_folder(b, "ann", "a/b") != NULL) +
	    (mail_folder(b, "ann", "a/b/c") != NULL);

	return (either(n == 0, n == 3));
}

static void tree(struct mail_bench *b)
{
	mail_create(b, "ann", "a/b/c");
	mail_append(b, mail_folder(b, "ann", "a/b"), MESSAGE, 0, NULL);
}

static void rename_run(struct mail_bench *b)
{
	mail_rename(b, "ann", "a", "z");
}

static int rename_look(struct mail_bench *b)
{
	int old = (mail_folder(b, "ann", "a") != NULL) + (mail_folder(b, "ann", "a/b/c") != NULL) +
	    (count(b, "ann", "a/b") == 1);
	int new = (mail_folder(b, "ann", "z") != NULL) + (mail_folder(b, "ann", "z/b/c") != NULL) +
	    (count(b, "ann", "z/b") == 1);

	return (either(old == 3 && new == 0, new == 3 && old == 0));
}

static void delete_run(struct mail_bench *b)
{
	mail_delete(b, "ann", "a/b");
}

static int delete_look(struct mail_bench *b)
{
	return (either(count(b, "ann", "a/b") == 1, mail_folder(b, "ann", "a/b") == NULL));
}

/* Parents of the new name are made too. */
static void rename_deep_run(struct mail_bench *b)
{
	mail_rename(b, "ann", "a/b/c", "x/y/z");
}

static int rename_deep_look(struct mail_bench *b)
{
	int parents = (mail_folder(b, "ann", "x") != NULL) + (mail_folder(b, "ann", "x/y") != NULL);
	bool is_old = mail_folder(b, "ann", "a/b/c") != NULL,
	     is_new = mail_folder(b, "ann", "x/y/z") != NULL;

	return (either(is_old && !is_new && parents == 0, is_new && !is_old && parents == 2));
}

static void rename_inbox_run(struct mail_bench *b)
{
	mail_rename(b, "ann", "INBOX", "was/here");
}

static int rename_inbox_look(struct mail_bench *b)
{
	uint32_t there = count(b, "ann", "was/here"), here = count(b, "ann", "INBOX");

	return (either(here == 3 && mail_folder(b, "ann", "was") == NULL && there == UINT32_MAX,
	    here == 0 && there == 3));
}

static void submit_run(struct mail_bench *b)
{
	mail_submit(b, MESSAGE);
}

static int submit_look(struct mail_bench *b)
{
	struct sql *q = b->store->queue; /* nothing else runs */
	uint32_t here = count(b, "bob", "INBOX");
	int64_t queued = -1, whole = 0;
	char id[QUEUE_ID + 1];

	if (sql_ask(q, "SELECT id, stored FROM entry", NULL, "") != 0)
		return (THIRD);
	for (queued = 0; sql_step(q, NULL) == 1; queued++) {
		(void)snprintf(id, sizeof(id), SLICE_FMT, SLICE_ARG(sql_text(q, 0)));
		whole += body_is_whole(id, sql_int(q, 1));
	}
	sql_done(q);
	return (either(here == 0 && queued == 0, here == 1 && queued == 1 && whole == 1));
}

static const struct act acts[] = {
	{ "deliver", nothing, deliver_run, deliver_look },
	{ "append", nothing, append_run, append_look },
	{ "append of several", nothing, append_all_run, append_all_look },
	{ "replace", one_draft, replace_run, replace_look },
	{ "copy", three, copy_run, copy_look },
	{ "move", three, move_run, move_look },
	{ "store", three, store_run, store_look },
	{ "expunge", three_deleted, expunge_run, expunge_look },
	{ "undelete", three_expunged, undelete_run, undelete_look },
	{ "undelete from a folder that is gone", one_in_a_deleted_folder, undelete_run,
	    undelete_folder_look },
	{ "create", nothing, create_run, create_look },
	{ "rename", tree, rename_run, rename_look },
	{ "delete", tree, delete_run, delete_look },
	{ "rename with parents", tree, rename_deep_run, rename_deep_look },
	{ "rename of INBOX", three, rename_inbox_run, rename_inbox_look },
	{ "deliver and queue", nothing, submit_run, submit_look },
};

/* --- children --- */

static int in_child(
    void (*f)(const struct act *a, const char *spec), const struct act *a, const char *spec)
{
	pid_t pid = fork();
	int status;

	assert_true(pid != -1);
	if (pid == 0) {
		f(a, spec);
		_exit(THIRD);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
}

static void prepare(const struct act *a, const char *spec)
{
	struct mail_bench b = { 0 };

	(void)spec;
	mail_bench_start(&b);
	a->prepare(&b);
	mail_bench_stop(&b);
	_exit(b.err.kind == ERR_NONE ? FINE : THIRD);
}

static void run(const struct act *a, const char *spec)
{
	struct mail_bench b = { 0 };

	mail_bench_start(&b);
	fault_arm(spec);
	a->run(&b);
	fault_arm(NULL);
	_exit(b.err.kind == ERR_NONE ? FINE : REFUSED); /* without a clean stop */
}

static void look(const struct act *a, const char *spec)
{
	struct mail_bench b = { 0 };
	int rc;

	(void)spec;
	mail_bench_start(&b);
	rc = a->look(&b);
	mail_bench_stop(&b);
	_exit(rc);
}

static void fresh(const char *top)
{
	char command[400];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'/work && cp -a '%s'/base '%s'/work",
	    top, top, top);
	assert_int_equal(chdir(top), 0);
	assert_int_equal(system(command), 0);
	assert_int_equal(chdir("work"), 0);
}

static void try_act(const struct act *a, const char *top, const char *how, unsigned stride)
{
	unsigned first = 1 + (unsigned)getpid() % stride;
	char command[400];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'/base && mkdir '%s'/base", top, top);
	assert_int_equal(system(command), 0);
	assert_int_equal(chdir(top), 0);
	assert_int_equal(chdir("base"), 0);
	assert_int_equal(in_child(prepare, a, NULL), FINE);
	for (unsigned n = first; n < 400; n += stride) {
		char spec[64];
		int rc, state;

		fresh(top);
		(void)snprintf(spec, sizeof(spec), "any:%u:%s", n, how);
		if (getenv("SHOW") != NULL)
			print_message("%s %s\n", a->name, spec);
		rc = in_child(run, a, spec);
		state = in_child(look, a, NULL);
		if (!(rc == -9 || rc == FINE || rc == REFUSED) ||
		    (state != OLD && state != NEW_STATE) || (rc == FINE && state != NEW_STATE))
			print_error("%s: %s ended %d and left %d\n", a->name, spec, rc, state);
		assert_true(rc == -9 || rc == FINE || rc == REFUSED);
		assert_true(state == OLD || state == NEW_STATE);
		if (rc == FINE) {
			assert_int_equal(state, NEW_STATE);
			/* Killing: it went through unharmed, so every call was tried. Failing
			 * calls may be survived. */
			if (strcmp(how, "kill") == 0 || n > 60)
				return;
		}
	}
	fail_msg("%s never ends", a->name);
}

static void each_act(const char *how, unsigned stride)
{
	const char *full = getenv("PENNYPOST_FULL"), *only = getenv("PENNYPOST_ACT");

	char top[64], command[128];

	/* In memory where that can be had: what a power cut leaves is no question here. */
	(void)snprintf(top, sizeof(top), "%s/pennypost-fault-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(top));
	for (size_t i = 0; i < COUNT_OF(acts); i++)
		if (only == NULL || strcmp(only, acts[i].name) == 0)
			try_act(&acts[i], top, how, full != NULL && *full == '1' ? 1 : stride);
	assert_int_equal(chdir("/"), 0);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", top);
	assert_int_equal(system(command), 0);
}

static void killed_anywhere_leaves_old_or_new(void **state)
{
	(void)state;
	each_act("kill", 9);
}

static void disk_full_anywhere_leaves_old_or_new(void **state)
{
	char how[16];

	(void)state;
	(void)snprintf(how, sizeof(how), "%d", ENOSPC);
	each_act(how, 23);
}

static void failing_disk_anywhere_leaves_old_or_new(void **state)
{
	char how[16];

	(void)state;
	(void)snprintf(how, sizeof(how), "%d", EIO);
	each_act(how, 23);
}

/* --- the order of what makes it durable (STO-05, P1) --- */

/* By the answer every file written was synced before the same thread named anything, and every
 * change of a directory is followed by the sync of one. */
static bool is_durable(const char *trace)
{
	bool wrote[26] = { false }, changed[26] = { false };

	for (const char *at = trace; at[0] != '\0'; at += 2) {
		size_t thread = (size_t)(at[1] - 'a');
		bool names = at[0] == 'r' || at[0] == 'l' || at[0] == 'D';

		if (wrote[thread] && names)
			return (false);
		if (at[0] == 'w' || at[0] == 'F')
			wrote[thread] = at[0] == 'w';
		if (strchr("rlum", at[0]) != NULL)
			changed[thread] = true;
		else if (at[0] == 'D')
			changed[thread] = false;
	}
	for (size_t i = 0; i < COUNT_OF(wrote); i++)
		if (wrote[i] || changed[i])
			return (false);
	return (trace[0] != '\0');
}

static void traced(const struct act *a, const char *spec)
{
	struct mail_bench b = { 0 };

	(void)spec;
	mail_bench_start(&b);
	a->prepare(&b);
	fault_arm(NULL);
	a->run(&b);
	if (b.err.kind != ERR_NONE || !is_durable(fault_trace())) {
		print_error("%s: %s\n", a->name, fault_trace());
		_exit(THIRD);
	}
	mail_bench_stop(&b);
	_exit(FINE);
}

static void answers_come_after_the_syncs(void **state)
{
	char top[] = "/tmp/pennypost-order-XXXXXX", command[128];

	(void)state;
	assert_true(is_durable("oawaobwbFbFaraDa") && is_durable("rararaDa"));
	assert_false(is_durable("oawaraFaDa") || is_durable("oawaFara") ||
	    is_durable("oawaFaDara") || is_durable("oawarbDb") || is_durable("raDb"));
	assert_non_null(mkdtemp(top));
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		(void)snprintf(command, sizeof(command), "rm -rf '%s'/*", top);
		assert_int_equal(system(command), 0);
		assert_int_equal(chdir(top), 0);
		assert_int_equal(in_child(traced, &acts[i], NULL), FINE);
	}
	assert_int_equal(chdir("/"), 0);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", top);
	assert_int_equal(system(command), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_after_the_syncs),
		cmocka_unit_test(killed_anywhere_leaves_old_or_new),
		cmocka_unit_test(disk_full_anywhere_leaves_old_or_new),
		cmocka_unit_test(failing_disk_anywhere_leaves_old_or_new),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
