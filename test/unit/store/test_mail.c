/* test_mail.c: does mail arrive, change, move and come back as it says, with the index and
 * without? */
#include <dirent.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "mail_bench.h"

#define MESSAGE "From: <a@b>\r\nSubject: one\r\n\r\nbody\r\n"

/* The first file there whose name holds this. */
static void find(const char *dir, const char *holds, char ret[600])
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	ret[0] = '\0';
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && strstr(e->d_name, holds) != NULL)
			(void)snprintf(ret, 600, "%s/%s", dir, e->d_name);
	(void)closedir(d);
	assert_true(ret[0] != '\0');
}

static void delivers_and_reads_back_every_octet(void **state)
{
	struct mail_bench *b = *state;
	static const char odd[] = "Subject: x\r\n\r\na\r\r\nb\rc\n\nd";
	struct view *v;
	char path[600];

	mail_deliver(b, MESSAGE, 1);
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(b->uids[0], 1);
	find("mail/ann/new", ",P=1.", path);
	mail_read(b, mail_folder(b, "ann", "inbox"), 1);
	assert_false(b->unreadable);
	assert_true(slice_eq(buf_slice(&b->text), SLICE("Return-Path: <a@b>\r\n" MESSAGE)));
	assert_true(slice_find(buf_slice(&b->items), SLICE("\"one\"")) != SIZE_MAX);
	mail_append(b, mail_folder(b, "ann", "Sent"), odd, FLAG_SEEN, "$MDNSent");
	assert_int_equal(b->err.kind, ERR_NONE);
	find("mail/ann/.Sent/cur", ":2,Sa", path);
	mail_read(b, mail_folder(b, "ann", "Sent"), b->uids[0]);
	/* Bare LF becomes CRLF, all else stays, CR CR LF too. */
	assert_true(slice_eq(buf_slice(&b->text), SLICE("Subject: x\r\n\r\na\r\r\nb\rc\r\n\r\nd")));
	v = mail_view(b, mail_folder(b, "ann", "Sent"));
	assert_int_equal(view_at(v, 0)->flags, FLAG_SEEN | FLAG_KEYWORD0);
	assert_int_equal(view_at(v, 0)->internal_date, 1000000001);
	assert_int_equal(view_keyword_find(v, SLICE("$mdnsent")), 0);
	view_close(v, NULL);
}

static void long_messages_come_in_pieces(void **state)
{
	struct mail_bench *b = *state;
	struct buf text = BUF_INIT(1 << 22);

	(void)buf_addz(&text, "Subject: long\r\n\r\n");
	for (unsigned i = 0; i < 30000; i++)
		(void)buf_fmt(&text, "line %u\r\n", i);
	mail_append(b, mail_folder(b, "ann", "INBOX"), buf_z(&text), 0, NULL);
	mail_read(b, mail_folder(b, "ann", "INBOX"), b->uids[0]);
	assert_true(slice_eq(buf_slice(&b->text), buf_slice(&text)));
	mail_read(b, mail_folder(b, "ann", "INBOX"), b->uids[0]);
	assert_true(slice_eq(buf_slice(&b->text), buf_slice(&text)));
	buf_free(&text);
}

static void one_message_for_all_or_none(void **state)
{
	struct mail_bench *b = *state;
	struct view *v;

	mail_deliver(b, MESSAGE, 3);
	assert_int_equal(b->err.kind, ERR_NONE);
	mail_status(b, mail_folder(b, "cid", "INBOX"));
	assert_int_equal(b->st.messages, 1);
	b->accounts[2].quota = 10;
	mail_deliver(b, MESSAGE, 3);
	assert_int_equal(b->err.kind, ERR_OVER_QUOTA);
	mail_status(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(b->st.messages, 1);
	assert_int_equal(b->st.uidnext, 3); /* given, never again */
	mail_status(b, mail_folder(b, "bob", "INBOX"));
	assert_int_equal(b->st.messages, 1);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(view_count(v), 1);
	view_close(v, NULL);
}

static void flags_go_to_the_name(void **state)
{
	struct mail_bench *b = *state;
	struct view *v;
	char path[600];
	uint64_t before;

	mail_deliver(b, MESSAGE, 1);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	before = view_highestmodseq(v);
	b->events_n = 0;
	mail_flags(b, v, 1, FLAGS_ADD, FLAG_SEEN | FLAG_FLAGGED, "$Junk", UINT64_MAX);
	assert_int_equal(b->err.kind, ERR_NONE);
	find("mail/ann/cur", ":2,FSa", path);
	assert_true(view_highestmodseq(v) > before);
	assert_int_equal(view_at(v, 0)->modseq, view_highestmodseq(v));
	assert_int_equal(b->events_n, 1);
	assert_true(b->events[0].kind == EVENT_FLAGS && b->events[0].has_keyword);
	mail_flags(b, v, 1, FLAGS_REMOVE, FLAG_FLAGGED, NULL, before);
	assert_int_equal(b->n, 1); /* changed since */
	assert_int_equal(view_at(v, 0)->flags, FLAG_SEEN | FLAG_FLAGGED | FLAG_KEYWORD0);
	mail_flags(b, v, 1, FLAGS_SET, 0, NULL, UINT64_MAX);
	assert_int_equal(view_at(v, 0)->flags, 0);
	for (unsigned i = 0; i < 26; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "k%u", i);
		mail_flags(b, v, 1, FLAGS_ADD, 0, name, UINT64_MAX);
		assert_int_equal(b->err.kind, i < 25 ? ERR_NONE : ERR_LIMIT);
	}
	view_close(v, NULL);
	mail_bench_reopen(b);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	assert_string_equal(view_keyword(v, 1), "k0");
	assert_int_equal(__builtin_popcount(view_at(v, 0)->flags), 25);
	view_close(v, NULL);
}

static void copies_and_moves_give_new_uids_in_order(void **state)
{
	struct mail_bench *b = *state;
	struct view *v, *junk;
	uint64_t first;

	mail_deliver(b, MESSAGE, 1);
	mail_deliver(b, "Subject: two\r\n\r\n2\r\n", 1);
	mail_deliver(b, "Subject: three\r\n\r\n3\r\n", 1);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	first = view_highestmodseq(v);
	b->events_n = 0;
	mail_copy(b, v, mail_folder(b, "ann", "Archive"), false);
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(b->n, 3);
	assert_true(b->to_uids[0] == 1 && b->to_uids[2] == 3 && view_count(v) == 3);
	assert_true(b->events_n == 1 && b->events[0].cause == CAUSE_COPY && b->events[0].n == 3);
	b->events_n = 0;
	mail_copy(b, v, mail_folder(b, "ann", "Junk"), true);
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(view_count(v), 0);
	assert_int_equal(b->events_n, 2);
	assert_true(b->events[0].kind == EVENT_ADDED && b->events[0].from == ROLE_INBOX &&
	    b->events[0].known);
	assert_true(b->events[1].kind == EVENT_EXPUNGED && b->events[1].cause == CAUSE_MOVE);
	junk = mail_view(b, mail_folder(b, "ann", "Junk"));
	assert_int_equal(view_count(junk), 3);
	mail_read(b, mail_folder(b, "ann", "Junk"), view_at(junk, 1)->uid);
	assert_true(slice_find(buf_slice(&b->text), SLICE("Subject: two")) != SIZE_MAX);
	mail_vanished(b, v, first);
	assert_true(b->complete && b->n == 3);
	view_close(v, NULL);
	view_close(junk, NULL);
}

static void expunges_only_what_is_deleted(void **state)
{
	struct mail_bench *b = *state;
	struct view *v;
	uint64_t before;
	char path[600];

	mail_deliver(b, MESSAGE, 1);
	mail_deliver(b, MESSAGE, 1);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	mail_flags(b, v, 2, FLAGS_ADD, FLAG_DELETED, NULL, UINT64_MAX);
	before = view_highestmodseq(v);
	mail_expunge(b, v);
	assert_true(b->n == 1 && b->uids[0] == 2 && view_count(v) == 1);
	find("mail/ann/expunged", ",P=2.", path);
	mail_vanished(b, v, before);
	assert_true(b->complete && b->n == 1 && b->uids[0] == 2);
	mail_vanished(b, v, view_highestmodseq(v));
	assert_true(b->complete && b->n == 0);
	view_close(v, NULL);
}

static void index_lost_gives_the_same_uids(void **state)
{
	struct mail_bench *b = *state;
	struct view *v;
	uint32_t validity, next;
	uint64_t modseq;

	for (unsigned i = 0; i < 5; i++)
		mail_deliver(b, MESSAGE, 1);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	mail_flags(b, v, 3, FLAGS_ADD, FLAG_SEEN, "$Keep", UINT64_MAX);
	mail_flags(b, v, 5, FLAGS_ADD, FLAG_DELETED, NULL, UINT64_MAX); /* the newest */
	mail_flags(b, v, 2, FLAGS_ADD, FLAG_DELETED, NULL, UINT64_MAX);
	mail_expunge(b, v);
	validity = view_uidvalidity(v);
	next = view_uidnext(v);
	modseq = view_highestmodseq(v);
	view_close(v, NULL);
	mail_bench_stop(b);
	assert_int_equal(unlink("mail/ann/index.sqlite"), 0);
	mail_bench_put("mail/bob/index.sqlite",
	    "this is no database, but it is long enough to be taken for one by its size "
	    "alone.......");
	mail_bench_start(b);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(view_count(v), 3);
	assert_true(view_at(v, 0)->uid == 1 && view_at(v, 1)->uid == 3 && view_at(v, 2)->uid == 4);
	assert_int_equal(view_at(v, 1)->flags, FLAG_SEEN | FLAG_KEYWORD0);
	assert_string_equal(view_keyword(v, 0), "$Keep");
	assert_int_equal(view_uidvalidity(v), validity);
	assert_true(view_uidnext(v) >= next && view_highestmodseq(v) >= modseq);
	for (size_t i = 0; i < b->events_n; i++)
		assert_int_equal(b->events[i].cause, CAUSE_REBUILD);
	mail_vanished(b, v, modseq);
	assert_false(b->complete);
	mail_deliver(b, MESSAGE, 1);
	assert_true(b->uids[0] >= next);
	view_close(v, NULL);
}

static void other_programs_share_the_folder(void **state)
{
	struct mail_bench *b = *state;
	struct view *v, *junk;
	char path[600], to[700];

	mail_deliver(b, MESSAGE, 1);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	junk = mail_view(b, mail_folder(b, "ann", "Junk"));
	mail_bench_put("mail/ann/new/1234567890.1_2.host", "Subject: foreign\n\nx\n");
	mail_look(b, v);
	assert_int_equal(view_count(v), 2);
	assert_true(view_at(v, 1)->uid == 2 && view_at(v, 1)->size == 23);
	find("mail/ann/new", "1234567890.1_2.host,S=20,W=23,P=2.", path);
	mail_read(b, mail_folder(b, "ann", "INBOX"), 2);
	assert_true(slice_eq(buf_slice(&b->text), SLICE("Subject: foreign\r\n\r\nx\r\n")));
	/* A mail reader marks it. */
	(void)snprintf(to, sizeof(to), "mail/ann/cur/%s:2,SR", strrchr(path, '/') + 1);
	assert_int_equal(rename(path, to), 0);
	mail_look(b, v);
	assert_int_equal(view_at(v, 1)->flags, FLAG_SEEN | FLAG_ANSWERED);
	assert_int_equal(view_at(v, 1)->uid, 2);
	/* And moves it to Junk: here Junk is read first, there INBOX. */
	b->events_n = 0;
	(void)snprintf(path, sizeof(path), "mail/ann/.Junk/cur/%s", strrchr(to, '/') + 1);
	assert_int_equal(rename(to, path), 0);
	mail_look(b, junk);
	assert_int_equal(view_count(junk), 1);
	assert_true(b->events_n == 1 && b->events[0].kind == EVENT_ADDED &&
	    b->events[0].cause == CAUSE_EXTERNAL && b->events[0].known &&
	    b->events[0].from == ROLE_INBOX);
	mail_look(b, v);
	assert_int_equal(view_count(v), 1);
	b->events_n = 0;
	find("mail/ann/.Junk/cur", "1234567890", path);
	(void)snprintf(to, sizeof(to), "mail/ann/cur/%s", strrchr(path, '/') + 1);
	assert_int_equal(rename(path, to), 0);
	mail_look(b, junk);
	mail_look(b, v);
	assert_int_equal(view_count(v), 2);
	assert_true(view_at(v, 1)->uid > 2);
	assert_true(b->events_n == 2 && b->events[1].from == ROLE_JUNK && b->events[1].known);
	view_close(v, NULL);
	view_close(junk, NULL);
}

static void hostile_names_are_just_messages(void **state)
{
	struct mail_bench *b = *state;
	static const char *const names[] = { "x,P=1.1", "a,S=5,W=5,P=999999.1,I=zz", ":2,S", ",",
		"a:2,SSSSSabcz", "b\nc", "P=1.1", "d,S=99999999999999999999,W=1,P=0.0", "e:1,S",
		"-", "\xff\xfe" };
	struct view *v;
	char path[600];

	mail_deliver(b, MESSAGE, 1);
	find("mail/ann/new", ",P=1.", path);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char foreign[700];

		(void)snprintf(foreign, sizeof(foreign), "mail/ann/cur/%s", names[i]);
		mail_bench_put(foreign, "Subject: f\n\n");
	}
	{ /* the same name twice, and a UID never given */
		char twice[700];

		(void)snprintf(twice, sizeof(twice), "mail/ann/cur/%s:2,S", strrchr(path, '/') + 1);
		mail_bench_put(twice, "Subject: copied by hand\n\n");
	}
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(view_count(v), COUNT_OF(names) + 2);
	for (size_t i = 0; i < view_count(v); i++)
		assert_int_equal(view_at(v, i)->uid, i + 1);
	view_close(v, NULL);
	mail_bench_stop(b);
	assert_int_equal(unlink("mail/ann/index.sqlite"), 0);
	mail_bench_start(b);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(view_count(v), COUNT_OF(names) + 2);
	for (size_t i = 0; i < view_count(v); i++)
		assert_int_equal(view_at(v, i)->uid, i + 1);
	view_close(v, NULL);
}

static void folders_are_made_renamed_and_deleted(void **state)
{
	struct mail_bench *b = *state;
	static const char *const bad[] = { "../x", "a/../../b", "/etc", ".", "..", "a//b", "~root",
		"a\rb", "", "a.b", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17" };
	struct view *v;
	struct folder *f;
	uint32_t validity;

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		mail_create(b, "ann", bad[i]);
		assert_true(b->err.kind == ERR_CANNOT || b->err.kind == ERR_LIMIT);
	}
	mail_create(b, "ann", "W\xc3\xb6rk/2026/x & y");
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(access("mail/ann/.W&APY-rk.2026.x &- y/cur", F_OK), 0);
	assert_non_null(mail_folder(b, "ann", "W\xc3\xb6rk/2026"));
	mail_create(b, "ann", "W\xc3\xb6rk");
	assert_int_equal(b->err.kind, ERR_EXISTS);
	f = mail_folder(b, "ann", "W\xc3\xb6rk/2026");
	mail_append(b, f, MESSAGE, 0, NULL);
	v = mail_view(b, f);
	validity = view_uidvalidity(v);
	mail_rename(b, "ann", "W\xc3\xb6rk", "Old/Work");
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_ptr_equal(mail_folder(b, "ann", "Old/Work/2026"), f);
	assert_null(mail_folder(b, "ann", "W\xc3\xb6rk/2026"));
	mail_append(b, f, MESSAGE, 0, NULL);
	assert_int_equal(view_count(v), 2);
	mail_read(b, f, 1);
	assert_false(b->unreadable);
	view_close(v, NULL);
	mail_rename(b, "ann", "Old", "Old/In/Old");
	assert_int_equal(b->err.kind, ERR_CANNOT);
	mail_delete(b, "ann", "Old/Work");
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_non_null(mail_folder(b, "ann", "Old/Work/2026"));
	mail_delete(b, "ann", "INBOX");
	assert_int_equal(b->err.kind, ERR_CANNOT);
	mail_bench_reopen(b);
	v = mail_view(b, mail_folder(b, "ann", "Old/Work/2026"));
	assert_int_equal(view_count(v), 2);
	assert_int_equal(view_uidvalidity(v), validity);
	view_close(v, NULL);
	mail_delete(b, "ann", "Old/Work/2026");
	mail_create(b, "ann", "Old/Work/2026");
	v = mail_view(b, mail_folder(b, "ann", "Old/Work/2026"));
	assert_int_equal(view_count(v), 0);
	assert_true(view_uidvalidity(v) > validity);
	view_close(v, NULL);
	mail_deliver(b, MESSAGE, 1);
	mail_rename(b, "ann", "INBOX", "Saved");
	assert_int_equal(b->err.kind, ERR_NONE);
	mail_status(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(b->st.messages, 0);
	mail_status(b, mail_folder(b, "ann", "Saved"));
	assert_int_equal(b->st.messages, 1);
}

static void subscriptions_are_names(void **state)
{
	struct mail_bench *b = *state;
	struct account *a = mail_account(b, "ann");

	assert_true(folder_name_subscribed(a, SLICE("inbox")));
	assert_string_equal(subscription_next(a, NULL), "Archive");
	assert_int_equal(folder_role(mail_folder(b, "ann", "Junk")), ROLE_JUNK);
	assert_string_equal(folder_name(folder_next(a, NULL)), "INBOX");
	assert_string_equal(folder_name(folder_next(a, folder_next(a, NULL))), "Archive");
}

/* --- answers wait for what the watchers learn --- */

struct holder {
	struct mail_bench *b;
	struct store_watch watch;
	struct event_hold *hold;
	bool answered, answered_early;
	enum err_kind kind;
};

static void hold_event(void *self, const struct store_event *ev)
{
	struct holder *h = self;

	if (h->hold == NULL && ev->kind == EVENT_ADDED)
		h->hold = store_event_hold(ev);
}

static void let_go(void *self)
{
	struct holder *h = self;
	struct err err;

	h->answered_early = h->answered;
	(void)err_set(&err, ERR_TEMPORARY, "the lesson was not kept");
	store_event_release(h->hold, &err);
}

static void on_moved(void *self, const struct message_result *r)
{
	struct holder *h = self;

	h->answered = true;
	h->kind = r->err == NULL ? ERR_NONE : r->err->kind;
	loop_stop(h->b->loop);
}

static void answers_wait_for_holds(void **state)
{
	struct mail_bench *b = *state;
	struct holder h = { .b = b, .watch = { .on_event = hold_event, .self = &h } };
	struct view *v;
	uint32_t uid = 1;

	mail_deliver(b, MESSAGE, 1);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	store_watch_add(b->store, &h.watch);
	(void)message_copy(v, &uid, 1, mail_folder(b, "ann", "Junk"), true, NULL, on_moved, &h);
	(void)timer_start(b->loop, 100, let_go, &h);
	while (!h.answered)
		loop_run(b->loop);
	assert_non_null(h.hold);
	assert_false(h.answered_early);
	assert_int_equal(h.kind, ERR_TEMPORARY); /* NO, though it happened */
	assert_int_equal(view_count(v), 0);
	store_watch_drop(&h.watch);
	view_close(v, NULL);
}

static void never_called(void *self, const struct commit_result *r)
{
	(void)r;
	fail_msg("%s", self == NULL ? "" : "called after cancel");
}

static void a_cancelled_commit_is_silent_and_whole(void **state)
{
	struct mail_bench *b = *state;
	struct draft *d = draft_new(b->store, 1000);
	struct commit_target t = { .account = mail_account(b, "ann"), .role = ROLE_INBOX };
	struct commit c = { .draft = d, .targets = &t, .targets_n = 1 };
	struct store_op *op;
	struct view *v;

	(void)draft_add(d, SLICE(MESSAGE));
	op = store_commit(b->store, &c, never_called, b);
	store_op_cancel(op);
	draft_free(d); /* the session died: the file is written all the same */
	mail_bench_reopen(b);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	assert_int_equal(view_count(v), 1);
	view_close(v, NULL);
}

/* COPY takes its numbers, then finds that another program renamed the source: the look on the way
 * finds a younger message too. Both are shown, in the order of UIDs. */
static void a_copy_that_has_to_look_hides_nothing(void **state)
{
	struct mail_bench *b = *state;
	struct folder *inbox = mail_folder(b, "ann", "INBOX");
	struct view *v;
	char from[600], to[640];

	mail_deliver(b, MESSAGE, 1);
	v = mail_view(b, inbox);
	assert_int_equal(view_count(v), 1);
	find("mail/ann/new", ",P=1.", from);
	(void)snprintf(to, sizeof(to), "mail/ann/cur/%s:2,S", strrchr(from, '/') + 1);
	assert_int_equal(rename(from, to), 0);
	mail_bench_put("mail/ann/new/1234567890.1_5.host", "Subject: foreign\n\nx\n");
	mail_copy(b, v, inbox, false);
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(b->n, 1);
	mail_look(b, v);
	assert_int_equal(view_count(v), 3);
	for (size_t k = 1; k < view_count(v); k++)
		assert_true(view_at(v, k - 1)->uid < view_at(v, k)->uid);
	assert_int_equal(view_at(v, view_lower(v, b->to_uids[0]))->uid, b->to_uids[0]);
	view_close(v, NULL);
}

/* Kept with the envelope: a list opens no file. What an index of before lacks is made once. */
static void previews_need_no_file(void **state)
{
	struct mail_bench *b = *state;
	struct folder *inbox = mail_folder(b, "ann", "INBOX");
	struct sql *index = mail_account(b, "ann")->mail->index;
	char file[600];

	mail_deliver(b, MESSAGE, 1);
	assert_int_equal(sql_do(index, "UPDATE item SET preview = NULL", NULL, ""), 0);
	mail_preview(b, inbox, 1);
	assert_true(slice_eq(buf_slice(&b->items), SLICE("body")));
	mail_deliver(b, "Subject: x\r\n\r\nother\r\n", 1); /* behind what was written back */
	find("mail/ann/new", ",P=1.", file);
	assert_int_equal(unlink(file), 0);
	mail_preview(b, inbox, 1);
	assert_false(b->unreadable);
	assert_true(slice_eq(buf_slice(&b->items), SLICE("body")));
}

static void assert_thread(struct mail_bench *b, struct folder *f, uint32_t uid, const char *root)
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	mail_thread(b, f, uid);
	assert_false(b->unreadable);
	(void)crypto_hash_sha256(digest, (const unsigned char *)root, strlen(root));
	assert_int_equal(b->items.n, 16);
	assert_memory_equal(buf_slice(&b->items).p, digest, 16);
}

static void assert_threads(struct mail_bench *b, struct folder *f)
{
	assert_thread(b, f, 1, "root@a");
	assert_thread(b, f, 2, "root@a");
	assert_thread(b, f, 3, "root@a");
	assert_thread(b, f, 4, MESSAGE);
	assert_thread(b, f, 5, MESSAGE); /* the same content */
	assert_thread(b, f, 6, "lone@a");
}

/* Nothing but the content decides which conversation a message is of, and once it was looked at no
 * file is opened for it. */
static void a_thread_stays_the_same(void **state)
{
	static const char *const texts[] = { "Message-ID: <root@a>\r\n\r\nx\r\n",
		"Message-ID: <c@a>\r\nReferences: <root@a> <b@a>\r\nIn-Reply-To: <b@a>\r\n\r\nx\r\n",
		"Message-ID: <b@a>\r\nIn-Reply-To: <\"root\"@a>\r\n\r\nx\r\n", MESSAGE, MESSAGE,
		"Message-ID: <lone@a>\r\n\r\nx\r\n" };
	struct mail_bench *b = *state;
	struct folder *archive = mail_folder(b, "ann", "Archive");
	struct view *v;
	char file[600];

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		mail_append(b, archive, texts[i], 0, NULL);
	assert_threads(b, archive);
	v = mail_view(b, archive);
	mail_copy(b, v, mail_folder(b, "ann", "Sent"), false);
	view_close(v, NULL);
	assert_threads(b, mail_folder(b, "ann", "Sent"));
	/* An index of before there were any. */
	assert_int_equal(sql_do(mail_account(b, "ann")->mail->index,
			     "UPDATE item SET thread = NULL", NULL, ""),
	    0);
	assert_threads(b, archive);
	mail_bench_stop(b);
	assert_int_equal(unlink("mail/ann/index.sqlite"), 0);
	mail_bench_start(b);
	archive = mail_folder(b, "ann", "Archive");
	view_close(mail_view(b, archive), NULL); /* it is read again */
	assert_threads(b, archive);
	mail_append(b, archive, MESSAGE, 0, NULL); /* behind what was written back */
	find("mail/ann/.Archive/new", ",P=2.", file);
	assert_int_equal(unlink(file), 0);
	assert_thread(b, archive, 2, "root@a");
}

/* STORE takes its number, then finds that another program renamed the second message: what it
 * stores is later than what the look on the way found. */
static void a_store_that_has_to_look_comes_after_what_it_finds(void **state)
{
	struct mail_bench *b = *state;
	struct view *v;
	char from[600], to[640];

	mail_deliver(b, MESSAGE, 1);
	mail_deliver(b, MESSAGE, 1);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	find("mail/ann/new", ",P=2.", from);
	(void)snprintf(to, sizeof(to), "mail/ann/cur/%s:2,S", strrchr(from, '/') + 1);
	assert_int_equal(rename(from, to), 0);
	mail_flags(b, v, 0, FLAGS_ADD, FLAG_FLAGGED, NULL, UINT64_MAX);
	assert_int_equal(b->err.kind, ERR_NONE);
	find("mail/ann/cur", ":2,FS", from);
	assert_int_equal(view_at(v, 1)->flags, FLAG_SEEN | FLAG_FLAGGED);
	assert_int_equal(view_at(v, 1)->modseq, view_highestmodseq(v));
	view_close(v, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_store_that_has_to_look_comes_after_what_it_finds,
		    mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    a_copy_that_has_to_look_hides_nothing, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    previews_need_no_file, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    a_thread_stays_the_same, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    delivers_and_reads_back_every_octet, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    long_messages_come_in_pieces, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    one_message_for_all_or_none, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    flags_go_to_the_name, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    copies_and_moves_give_new_uids_in_order, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    expunges_only_what_is_deleted, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    index_lost_gives_the_same_uids, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    other_programs_share_the_folder, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    hostile_names_are_just_messages, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    folders_are_made_renamed_and_deleted, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    subscriptions_are_names, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    answers_wait_for_holds, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    a_cancelled_commit_is_silent_and_whole, mail_bench_setup, mail_bench_teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
