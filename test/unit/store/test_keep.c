/* test_keep.c tests src/store/expire.c, expire_mail.c and undelete*.c: what goes because of its age,
 * when the clock is believed, and what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mail_bench.h"
#include "store/quarantine.h"

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

/* --- Quarantine --- */

struct kept {
	struct mail_bench *b;
	struct err err;
	struct folder *folder;
	uint32_t uid;
	bool is_done;
};

static void on_kept(void *self, const struct quarantined *q)
{
	struct kept *k = self;

	k->err = q->err != NULL ? *q->err : (struct err){ 0 };
	k->folder = q->folder;
	k->uid = q->uid;
	k->is_done = true;
	loop_stop(k->b->loop);
}

static void on_ended(void *self, const struct err *err)
{
	assert_null(err);
	loop_stop(((struct mail_bench *)self)->loop);
}

static void keep(struct kept *k, const char *account)
{
	static const struct span drop = { 0, 6 };
	struct draft *d = draft_new(k->b->store, 1 << 20);

	assert_true(draft_add(d, SLICE("X: y\r\n" MESSAGE)));
	draft_end(d, on_ended, k->b);
	loop_run(k->b->loop);
	k->is_done = false;
	quarantine_keep(
	    mail_account(k->b, account), d, SLICE("X-Ours: z\r\n"), &drop, 1, on_kept, k);
	assert_false(k->is_done);
	while (!k->is_done)
		loop_run(k->b->loop);
	draft_free(d);
}

struct room {
	struct mail_job job;
	struct mail_bench *b;
	struct folder *folder;
	uint64_t octets;
	bool is_done;
};

static int room_act(struct mail_job *j)
{
	struct room *r = (struct room *)j;

	return (quarantine_room(j, &r->folder->lane, r->octets));
}

static void room_end(struct mail_job *j)
{
	struct room *r = (struct room *)j;

	r->is_done = true;
	loop_stop(r->b->loop);
}

static bool make_room(struct mail_bench *b, struct folder *f, uint64_t octets)
{
	struct room r = { .b = b, .folder = f, .octets = octets };

	mail_job_init(&r.job, folder_mail(f), room_act, room_end);
	mail_job_force(&r.job);
	while (!r.is_done)
		loop_run(b->loop);
	return (!r.job.failed);
}

static void refused_mail_is_kept_apart_and_within_bounds(void **state)
{
	struct mail_bench *b = *state;
	struct kept k = { .b = b };
	struct round r = { .b = b };
	struct view *v;
	struct folder *q;
	uint32_t size;

	assert_null(folder_by_role(mail_account(b, "ann"), ROLE_QUARANTINE));
	for (uint32_t uid = 1; uid <= 4; uid++) {
		keep(&k, "ann");
		assert_int_equal(k.err.kind, ERR_NONE);
		assert_int_equal(k.uid, uid);
	}
	q = folder_by_role(mail_account(b, "ann"), ROLE_QUARANTINE);
	assert_ptr_equal(q, k.folder);
	assert_string_equal(folder_name(q), "Quarantine");
	assert_false(folder_name_subscribed(mail_account(b, "ann"), SLICE("Quarantine")));
	assert_null(folder_by_role(mail_account(b, "bob"), ROLE_QUARANTINE));
	mail_read(b, q, 1);
	assert_string_equal(buf_z(&b->text), "X-Ours: z\r\n" MESSAGE);
	assert_int_equal(mail_account(b, "ann")->mail->usage.messages, 0);

	/* The oldest make room, and only as many as must. */
	v = mail_view(b, q);
	size = view_at(v, 0)->size;
	assert_true(make_room(b, q, L_QUARANTINE - 4 * (uint64_t)size));
	assert_int_equal(view_count(v), 4);
	assert_true(make_room(b, q, L_QUARANTINE - 3 * (uint64_t)size));
	assert_int_equal(view_count(v), 3);
	assert_int_equal(view_at(v, 0)->uid, 2);
	assert_true(make_room(b, q, L_QUARANTINE - 2 * (uint64_t)size + 1));
	assert_int_equal(view_count(v), 1);
	assert_int_equal(view_at(v, 0)->uid, 4);
	assert_false(make_room(b, q, (uint64_t)L_QUARANTINE + 1)); /* for which nothing goes */
	assert_int_equal(view_count(v), 1);

	/* What went for room, or of its age, went for good. */
	keep(&k, "ann");
	expire(&r, q, clock_wall() + 1000, 0);
	assert_int_equal(r.n, 2);
	mail_undelete(b, "ann", "Quarantine", NULL);
	assert_int_equal(b->n, 0);

	/* Nothing else is put there; it stays where it is. */
	keep(&k, "ann");
	mail_append(b, q, MESSAGE, 0, NULL);
	assert_int_equal(b->err.kind, ERR_CANNOT);
	mail_deliver(b, MESSAGE, 1);
	view_close(v, NULL);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	mail_copy(b, v, q, false);
	assert_int_equal(b->err.kind, ERR_CANNOT);
	mail_copy(b, v, q, true);
	assert_int_equal(b->err.kind, ERR_CANNOT);
	view_close(v, NULL);
	mail_rename(b, "ann", "Quarantine", "x");
	assert_int_equal(b->err.kind, ERR_CANNOT);
	mail_delete(b, "ann", "Quarantine");
	assert_int_equal(b->err.kind, ERR_CANNOT);

	/* Out of it a message counts; after a start too it is known which do. */
	v = mail_view(b, q);
	assert_int_equal(mail_account(b, "ann")->mail->usage.messages, 1);
	mail_copy(b, v, mail_folder(b, "ann", "INBOX"), true);
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(mail_account(b, "ann")->mail->usage.messages, 2);
	view_close(v, NULL);
	keep(&k, "ann");
	mail_bench_reopen(b);
	assert_int_equal(mail_account(b, "ann")->mail->usage.messages, 2);
	assert_int_equal(expire_period(&b->cfg, NULL, ROLE_QUARANTINE), (uint64_t)30 * 86400000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clock_is_believed_while_it_runs_evenly),
		cmocka_unit_test(an_account_may_have_its_own_periods),
		cmocka_unit_test_setup_teardown(refused_mail_is_kept_apart_and_within_bounds,
		    mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(old_mail_goes_in_batches_and_comes_back,
		    mail_bench_setup, mail_bench_teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
