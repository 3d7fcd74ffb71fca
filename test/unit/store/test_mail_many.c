/* test_mail_many.c: do acts beside each other, other programs, limits and a changed configuration
 * leave the whole as one after the other would? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "mail_bench.h"

#define MESSAGE "From: <a@b>\r\nSubject: one\r\n\r\nbody\r\n"

/* --- other programs, --- */

static void on_change(void *self, const struct view_change *ch)
{
	(void)ch;
	loop_stop(((struct mail_bench *)self)->loop);
}

static void a_watched_folder_wakes_its_sessions(void **state)
{
	struct mail_bench *b = *state;
	struct view *v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	struct view_watch w = { .on_change = on_change, .self = b };

	mail_bench_put("mail/ann/new/1234567890.1_3.host", "Subject: foreign\n\nx\n");
	view_watch(v, &w);
	while (view_count(v) == 0) /* nobody looks but the watch */
		loop_run(b->loop);
	assert_int_equal(view_at(v, 0)->uid, 1);
	view_close(v, &w);
}

/* What happens to a folder that nobody has open is there when it is opened again, also when its
 * view was kept for that. */
static void a_folder_left_is_as_true_as_a_new_one(void **state)
{
	struct mail_bench *b = *state;
	struct folder *inbox = mail_folder(b, "ann", "INBOX");
	struct view *v = mail_view(b, inbox), *again;
	struct view_watch w = { .on_change = on_change, .self = b };
	uint32_t uid;

	mail_deliver(b, MESSAGE, 1);
	uid = b->uids[0];
	view_close(v, NULL);
	assert_ptr_equal(inbox->view, v);
	mail_deliver(b, MESSAGE, 1);
	mail_bench_put("mail/ann/new/1234567890.1_3.host", "Subject: foreign\n\nx\n");
	again = mail_view(b, inbox);
	assert_ptr_equal(again, v); /* not read anew */
	assert_int_equal(view_count(again), 3);
	assert_int_equal(view_at(again, 0)->uid, uid);
	view_watch(again, &w); /* and it is watched again */
	mail_bench_put("mail/ann/new/1234567891.1_3.host", "Subject: foreign\n\nx\n");
	while (view_count(again) == 3)
		loop_run(b->loop);
	view_close(again, &w);
}

static void views_without_sessions_are_few(void **state)
{
	struct mail_bench *b = *state;
	struct folder *folders[L_LINGER_VIEWS + 2];
	unsigned kept = 0;

	for (unsigned i = 0; i < COUNT_OF(folders); i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "f%u", i);
		mail_create(b, "ann", name);
		folders[i] = mail_folder(b, "ann", name);
		view_close(mail_view(b, folders[i]), NULL);
	}
	for (unsigned i = 0; i < COUNT_OF(folders); i++)
		kept += folders[i]->view != NULL;
	assert_int_equal(kept, L_LINGER_VIEWS);
	assert_null(folders[0]->view);
}

static void a_long_foreign_name_closes_no_folder(void **state)
{
	struct mail_bench *b = *state;
	char path[400] = "mail/ann/cur/1234567890.M1P1Q1.some-host.example.org:2,SF";
	struct view *v;

	memset(path + strlen(path), 'X', 190);
	mail_bench_put(path, "Subject: f\n\n");
	mail_deliver(b, MESSAGE, 1);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(view_count(v), 2);
	assert_int_equal(view_at(v, 1)->flags, FLAG_SEEN | FLAG_FLAGGED);
	view_close(v, NULL);
}

static void the_last_uid_does_not_wrap(void **state)
{
	struct mail_bench *b = *state;

	mail_bench_stop(b);
	mail_bench_put("mail/ann/pennypost-folder",
	    "pennypost-folder 1\nuidvalidity 7\nuidnext 4294967295\nmodseq 5\ncounter 8\n");
	mail_bench_start(b);
	mail_deliver(b, MESSAGE, 1);
	assert_int_equal(b->err.kind, ERR_LIMIT);
	mail_status(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(b->st.messages, 0);
	assert_int_equal(b->st.uidnext, UINT32_MAX);
}

/* --- two at once --- */

struct both {
	struct mail_bench *b;
	unsigned left, over;
};

static void one_answered(struct both *w, const struct err *err)
{
	w->over += err != NULL && err->kind == ERR_OVER_QUOTA;
	if (--w->left == 0)
		loop_stop(w->b->loop);
}

static void both_committed(void *self, const struct commit_result *r)
{
	one_answered(self, r->err);
}

static void both_copied(void *self, const struct message_result *r)
{
	one_answered(self, r->err);
}

static void a_quota_lets_one_of_two_in(void **state)
{
	struct mail_bench *b = *state;
	struct both w = { .b = b, .left = 2 };
	struct draft *d[2];
	struct view *v;
	uint32_t uid = 1;

	b->accounts[0].quota = sizeof(MESSAGE) + 20;
	for (unsigned i = 0; i < 2; i++) {
		struct commit_target t = { .account = mail_account(b, "ann"), .role = ROLE_INBOX };
		struct commit c = { .targets = &t, .targets_n = 1 };

		c.draft = d[i] = draft_new(b->store, 1000);
		(void)draft_add(d[i], SLICE(MESSAGE));
		(void)store_commit(b->store, &c, both_committed, &w);
	}
	while (w.left > 0)
		loop_run(b->loop);
	assert_int_equal(w.over, 1);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(view_count(v), 1);
	/* And two copies beside each other find the room of one. */
	b->accounts[0].quota = 2 * sizeof(MESSAGE);
	uid = view_at(v, 0)->uid;
	w = (struct both){ .b = b, .left = 2 };
	for (unsigned i = 0; i < 2; i++)
		(void)message_copy(v, &uid, 1, mail_folder(b, "ann", i == 0 ? "Sent" : "Trash"),
		    false, NULL, both_copied, &w);
	while (w.left > 0)
		loop_run(b->loop);
	assert_int_equal(w.over, 1);
	view_close(v, NULL);
	draft_free(d[0]);
	draft_free(d[1]);
}

struct tree_acts {
	struct mail_bench *b;
	unsigned left, fine;
};

static void act_answered(void *self, const struct err *err)
{
	struct tree_acts *w = self;

	w->fine += err == NULL;
	if (--w->left == 0)
		loop_stop(w->b->loop);
}

/* Each is planned on what the one before it left. */
static void acts_on_the_tree_take_turns(void **state)
{
	struct mail_bench *b = *state;
	struct account *a = mail_account(b, "ann");
	struct tree_acts w = { .b = b, .left = 7 };

	(void)folder_create(a, SLICE("a/b"), ROLE_NONE, act_answered, &w);
	(void)folder_rename(a, SLICE("a"), SLICE("x/y"), act_answered, &w);
	(void)folder_create(a, SLICE("a/b"), ROLE_NONE, act_answered, &w);
	(void)folder_delete(a, SLICE("x/y/b"), act_answered, &w);
	(void)folder_rename(a, SLICE("a"), SLICE("x/y"), act_answered, &w); /* exists */
	(void)folder_rename(a, SLICE("INBOX"), SLICE("x/y/b"), act_answered, &w);
	(void)folder_rename(a, SLICE("x"), SLICE("z"), act_answered, &w);
	mail_deliver(b, MESSAGE, 1); /* comes before or after */
	while (w.left > 0)
		loop_run(b->loop);
	assert_int_equal(w.fine, 6);
	assert_non_null(mail_folder(b, "ann", "z/y/b"));
	assert_non_null(mail_folder(b, "ann", "a/b"));
	assert_null(mail_folder(b, "ann", "x"));
	mail_bench_reopen(b);
	assert_non_null(mail_folder(b, "ann", "z/y/b"));
	assert_null(mail_folder(b, "ann", "x"));
}

static void a_subscription_that_stood_survives_a_failure(void **state)
{
	struct mail_bench *b = *state;
	struct account *a = mail_account(b, "ann");
	struct tree_acts w = { .b = b, .left = 1 };

	assert_int_equal(rename("mail/ann/tmp", "mail/ann/tmp.away"), 0);
	(void)folder_subscribe(a, SLICE("Archive"), true, act_answered, &w);
	while (w.left > 0)
		loop_run(b->loop);
	assert_int_equal(w.fine, 0);
	assert_int_equal(rename("mail/ann/tmp.away", "mail/ann/tmp"), 0);
	assert_true(folder_name_subscribed(a, SLICE("Archive")));
}

/* --- counts, accounts that go, and room --- */

static void counts_follow_every_change(void **state)
{
	struct mail_bench *b = *state;
	struct folder *f = mail_folder(b, "ann", "INBOX");
	struct view *v;
	struct folder_status st;

	for (unsigned i = 0; i < 4; i++)
		mail_deliver(b, MESSAGE, 1);
	mail_status(b, f);
	assert_true(b->st.messages == 4 && b->st.unseen == 4 && b->st.recent == 4);
	v = mail_view(b, f);
	mail_flags(b, v, 1, FLAGS_ADD, FLAG_SEEN, NULL, UINT64_MAX);
	mail_flags(b, v, 2, FLAGS_SET, FLAG_DELETED, NULL, UINT64_MAX);
	mail_flags(b, v, 3, FLAGS_SET, FLAG_DELETED | FLAG_SEEN, NULL, UINT64_MAX);
	mail_flags(b, v, 3, FLAGS_SET, 0, NULL, UINT64_MAX);
	mail_status(b, f);
	assert_true(b->st.messages == 4 && b->st.unseen == 3 && b->st.deleted == 1);
	assert_int_equal(b->st.deleted_size, view_at(v, 1)->size);
	mail_expunge(b, v);
	mail_copy(b, v, mail_folder(b, "ann", "Trash"), false);
	mail_copy(b, v, mail_folder(b, "ann", "Archive"), true);
	mail_bench_put("mail/ann/cur/1234567890.1_4.host:2,S", "Subject: foreign\n\nx\n");
	mail_look(b, v);
	view_close(v, NULL);
	mail_status(b, f);
	assert_true(b->st.messages == 1 && b->st.unseen == 0 && b->st.deleted == 0 &&
	    b->st.deleted_size == 0 && b->st.size == 23);
	mail_status(b, mail_folder(b, "ann", "Archive"));
	st = b->st;
	assert_true(st.messages == 3 && st.unseen == 2);
	mail_bench_reopen(b); /* counted anew */
	mail_status(b, mail_folder(b, "ann", "Archive"));
	assert_true(st.messages == b->st.messages && st.unseen == b->st.unseen &&
	    st.size == b->st.size && st.deleted == b->st.deleted);
}

static void an_account_may_go_while_its_mail_is_written(void **state)
{
	struct mail_bench *b = *state;
	struct cfg *less = NEW(struct cfg);
	struct cfg_account *only = NEW(struct cfg_account);
	struct both w = { .b = b, .left = 1 };
	struct commit_target t = { .account = mail_account(b, "bob"), .role = ROLE_INBOX };
	struct draft *d = draft_new(b->store, 1000);
	struct commit c = { .draft = d, .targets = &t, .targets_n = 1 };

	*less = b->cfg;
	*only = b->accounts[0];
	only->next = NULL;
	less->accounts = only;
	(void)draft_add(d, SLICE(MESSAGE));
	(void)store_commit(b->store, &c, both_committed, &w);
	assert_int_equal(store_reload(b->store, less, NULL), 0);
	assert_true(account_is_gone(mail_account(b, "bob")));
	while (w.left > 0)
		loop_run(b->loop);
	mail_status(b, mail_folder(b, "bob", "INBOX"));
	assert_int_equal(b->st.messages, 1);
	assert_int_equal(store_reload(b->store, &b->cfg, NULL), 0);
	assert_false(account_is_gone(mail_account(b, "bob")));
	draft_free(d);
	free(only);
	free(less);
}

/* Another program locks the index for a while: mail waits once and is taken all the same, for the
 * names are the truth (STO-08, STO-18). */
static void a_locked_index_loses_no_mail(void **state)
{
	struct mail_bench *b = *state;
	struct both w = { .b = b, .left = 4 };
	struct sql *other = sql_open("mail/ann/index.sqlite", SQL_NORMAL, NULL, 0, NULL);
	struct draft *d[4];
	struct view *v;

	if (other == NULL) /* it knows a schema of its own only */
		other = sql_open(
		    "mail/ann/index.sqlite", SQL_NORMAL, index_schema, index_schema_n, NULL);
	assert_non_null(other);
	assert_int_equal(sql_begin(other, NULL), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct commit_target t = { .account = mail_account(b, "ann"), .role = ROLE_INBOX };
		struct commit c = { .targets = &t, .targets_n = 1 };

		c.draft = d[i] = draft_new(b->store, 1000);
		(void)draft_add(d[i], SLICE(MESSAGE));
		(void)store_commit(b->store, &c, both_committed, &w);
	}
	while (w.left > 0)
		loop_run(b->loop);
	sql_rollback(other);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(view_count(v), 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(view_at(v, i)->uid, i + 1);
		draft_free(d[i]);
	}
	view_close(v, NULL);
	mail_status(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(b->st.messages, 4);
	sql_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_folder_left_is_as_true_as_a_new_one, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    views_without_sessions_are_few, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    a_watched_folder_wakes_its_sessions, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    a_long_foreign_name_closes_no_folder, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    the_last_uid_does_not_wrap, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    a_quota_lets_one_of_two_in, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    acts_on_the_tree_take_turns, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(a_subscription_that_stood_survives_a_failure,
		    mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    counts_follow_every_change, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(an_account_may_go_while_its_mail_is_written,
		    mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    a_locked_index_loses_no_mail, mail_bench_setup, mail_bench_teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
