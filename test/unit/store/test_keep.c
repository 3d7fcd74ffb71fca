/* test_keep.c tests src/store/expire.c, expire_mail.c and undelete*.c: what goes because of its age,
 * when the clock is believed, and what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mail_bench.h"

#define MESSAGE "From: <a@b>\r\nSubject: one\r\n\r\nbody\r\n"

enum { DAY = 86400 };

static void the_clock_is_believed_while_it_runs_evenly(void **state)
{
	static const struct {
		int64_t last, held, now, expect;
	} cases[] = {
		{ 0, 0, 1000000, DAY },                             /* never looked */
		{ 1000000, DAY, 1003600, DAY - 3600 },              /* an hour later */
		{ 1000000, 3600, 1003600, 0 },                      /* long enough */
		{ 1000000, 0, 1003600, 0 },                         /* all is well */
		{ 1000000, 0, 1000000 + DAY, 0 },                   /* off for a day */
		{ 1000000, 0, 1000000 + 2 * DAY, 2 * DAY },         /* two days */
		{ 1000000, 0, 1000000 + 365 * DAY, 7 * DAY },       /* a year ahead */
		{ 400 * DAY, 7 * DAY, 35 * DAY, 7 * DAY },          /* set right again */
		{ 1000000, 5 * DAY, 1000000 + 2 * DAY, 5 * DAY },   /* the longer of two */
		{ 1000000, 100, 999990, 100 },                      /* a little back: no progress */
		{ 1000000, 0, 999990, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(clock_hold(cases[i].last, cases[i].held, cases[i].now),
		    cases[i].expect);
}

static void an_account_may_have_its_own_periods(void **state)
{
	struct cfg cfg = { .expire = { .junk_ms = 1000, .trash_ms = CFG_OFF } };
	struct cfg_account plain = { 0 },
			   own = { .expire_junk_ms = CFG_OFF, .expire_trash_ms = 2000 };

	(void)state;
	assert_true(expire_period(&cfg, &plain, ROLE_JUNK) == 1000);
	assert_true(expire_period(&cfg, &plain, ROLE_TRASH) == CFG_OFF);
	assert_true(expire_period(&cfg, &own, ROLE_JUNK) == CFG_OFF);
	assert_true(expire_period(&cfg, &own, ROLE_TRASH) == 2000);
	assert_true(expire_period(&cfg, NULL, ROLE_JUNK) == CFG_OFF); /* nobody's any more */
}

struct round {
	struct mail_bench *b;
	uint32_t n, last;
	bool more, is_done;
};

static void on_expired(void *self, uint32_t n, uint32_t last_uid, bool more)
{
	struct round *r = self;

	r->n = n;
	r->last = last_uid;
	r->more = more;
	r->is_done = true;
	loop_stop(r->b->loop);
}

static void expire(struct round *r, struct folder *f, int64_t before, uint32_t after)
{
	r->is_done = false;
	mail_expire(folder_account(f), f, before, after, on_expired, r);
	while (!r->is_done)
		loop_run(r->b->loop);
}

static void old_mail_goes_in_batches_and_comes_back(void **state)
{
	struct mail_bench *b = *state;
	struct folder *junk = mail_folder(b, "ann", "Junk");
	struct round r = { .b = b };
	struct view *v;

	for (unsigned i = 0; i < 130; i++)
		mail_append(b, junk, MESSAGE, i % 2 ? FLAG_SEEN : 0, NULL);
	expire(&r, junk, clock_wall() - 1000, 0);
	assert_int_equal(r.n, 0); /* all is young */
	v = mail_view(b, junk);
	b->events_n = 0;
	expire(&r, junk, clock_wall() + 1000, 0);
	assert_int_equal(r.n, 100);
	assert_true(r.more);
	assert_int_equal(view_count(v), 30); /* told at once */
	assert_int_equal(b->events[0].kind, EVENT_EXPUNGED);
	expire(&r, junk, clock_wall() + 1000, r.last);
	assert_int_equal(r.n, 30);
	assert_false(r.more);
	assert_int_equal(view_count(v), 0);
	mail_vanished(b, v, 1);
	assert_true(b->complete); /* QRESYNC knows */
	mail_undelete(b, "ann", "Junk", NULL);
	assert_int_equal(b->n, 130);
	mail_undelete(b, "ann", "", "");
	assert_int_equal(b->backs, 130);
	assert_int_equal(view_count(v), 130);
	/* SAVEDATE is new: it does not go again at once. */
	assert_true(view_at(v, 0)->save_date >= clock_wall() - 100);
	view_close(v, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clock_is_believed_while_it_runs_evenly),
		cmocka_unit_test(an_account_may_have_its_own_periods),
		cmocka_unit_test_setup_teardown(old_mail_goes_in_batches_and_comes_back,
		    mail_bench_setup, mail_bench_teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
