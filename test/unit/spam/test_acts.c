/* The whole way on a real store: a message arrives, its owner moves it into Junk and out again, and each time the answer comes the
 * lesson is there. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/secret.h"
#include "spam/classifier.h"

static struct world {
	struct loop *loop;
	struct work *work;
	struct cfg *cfg;
	struct store *store;
	struct classifier *c;
	struct account *ann;
	struct view *view;
	struct err err;
	bool failed;
} w;

static void done(const struct err *err)
{
	w.failed = err != NULL;
	if (err != NULL)
		w.err = *err;
	loop_stop(w.loop);
}

static void wait_for_it(void)
{
	loop_run(w.loop);
	if (w.failed)
		fail_msg("%s", w.err.text);
}

static void on_fault(void *self, const char *text)
{
	(void)self;
	fail_msg("%s", text);
}

static void on_ready(void *self, const struct err *err)
{
	(void)self;
	done(err);
}

static void on_draft_ended(void *self, const struct err *err)
{
	(void)self;
	done(err);
}

static void on_committed(void *self, const struct commit_result *r)
{
	(void)self;
	done(r->err);
}

static void on_moved(void *self, const struct message_result *r)
{
	(void)self;
	assert_true(r->err != NULL || r->n == 1);
	done(r->err);
}

static void on_open(void *self, struct view *v, const struct err *err)
{
	(void)self;
	w.view = v;
	done(err);
}

static void on_closed(void *self)
{
	(void)self;
	w.store = NULL;
	loop_stop(w.loop);
}

static void deliver(void)
{
	struct commit_target target = {
		.account = w.ann, .role = ROLE_INBOX, .date = clock_wall()
	};
	struct draft *d = draft_new(w.store, 100000);
	struct commit c = { .draft = d, .targets = &target, .targets_n = 1 };

	assert_true(draft_add(d,
	    SLICE(
		"From: a@b.example\r\nMessage-ID: <1@b.example>\r\nSubject: win\r\n\r\nnow\r\n")));
	draft_end(d, on_draft_ended, NULL);
	wait_for_it();
	assert_non_null(store_commit(w.store, &c, on_committed, NULL));
	wait_for_it();
	draft_free(d);
}

static void move(enum folder_role from, enum folder_role to)
{
	uint32_t uid;

	assert_non_null(view_open(folder_by_role(w.ann, from), on_open, NULL));
	wait_for_it();
	assert_int_equal(view_count(w.view), 1);
	uid = view_at(w.view, 0)->uid;
	assert_non_null(
	    message_copy(w.view, &uid, 1, folder_by_role(w.ann, to), true, NULL, on_moved, NULL));
	wait_for_it();
	view_close(w.view, NULL);
}

static void counts_are(uint64_t ham, uint64_t spam)
{
	static const char *const models[] = { "ann", "" };
	struct classifier_stats s;

	for (size_t i = 0; i < COUNT_OF(models); i++) {
		classifier_stats(w.c, models[i], &s);
		assert_int_equal(s.ham, ham);
		assert_int_equal(s.spam, spam);
		assert_int_equal(s.features > 0, ham + spam > 0);
	}
}

static void moves_are_lessons_when_they_are_answered(void **state)
{
	(void)state;
	deliver();
	counts_are(0, 0);
	move(ROLE_INBOX, ROLE_JUNK);
	counts_are(0, 1);
	move(ROLE_JUNK, ROLE_INBOX);
	counts_are(1, 0);
	move(ROLE_INBOX, ROLE_JUNK);
	counts_are(0, 1);
	move(ROLE_JUNK, ROLE_TRASH);
	counts_are(0, 1);
	classifier_stop(w.c);
	w.c = classifier_start(w.store, on_ready, NULL);
	wait_for_it();
	counts_are(0, 1);
}

static int setup(void **state)
{
	char dir[] = "/tmp/pennypost-acts-XXXXXX";
	FILE *f;

	(void)state;
	if (secret_init() == -1 || mkdtemp(dir) == NULL || chdir(dir) == -1 ||
	    (f = fopen("c.toml", "w")) == NULL)
		return (-1);
	(void)fprintf(f,
	    "hostname = \"mx.example.org\"\ndata = \"%s\"\n[tls]\ncertificate = \"c\"\nkey = "
	    "\"k\"\n"
	    "[domain.\"example.org\"]\n[account.ann]\naddresses = [\"ann@example.org\"]\n",
	    dir);
	(void)fclose(f);
	work_setup();
	w.loop = loop_new();
	w.work = work_new(w.loop);
	w.cfg = cfg_load("c.toml", on_fault, NULL);
	assert_non_null(w.cfg);
	if ((w.store = store_open(w.loop, w.work, w.cfg, &w.err)) == NULL)
		fail_msg("%s", w.err.text);
	w.ann = store_account(w.store, SLICE("ann"));
	w.c = classifier_start(w.store, on_ready, NULL);
	wait_for_it();
	return (0);
}

static int teardown(void **state)
{
	(void)state;
	classifier_stop(w.c);
	store_close(w.store, on_closed, NULL);
	loop_run(w.loop);
	work_free(w.work);
	loop_free(w.loop);
	cfg_free(w.cfg);
	return (0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
	    moves_are_lessons_when_they_are_answered) };

	return (cmocka_run_group_tests(tests, setup, teardown));
}
