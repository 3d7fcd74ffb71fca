/* mail_bench.c: see mail_bench.h. */
#include "mail_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/secret.h"
#include "store/queue.h"

static void wait_ring(struct mail_bench *b)
{
	while (!b->rings)
		loop_run(b->loop);
	b->rings = false;
}

static void ring(struct mail_bench *b)
{
	b->rings = true;
	loop_stop(b->loop);
}

static void answer(struct mail_bench *b, const struct err *err)
{
	b->err = err == NULL ? (struct err){ .kind = ERR_NONE } : *err;
	ring(b);
}

static void on_event(void *self, const struct store_event *ev)
{
	struct mail_bench *b = self;

	if (ev->kind == EVENT_FOLDERS || ev->kind == EVENT_METADATA || b->events_n == COUNT_OF(b->events))
		return;
	b->events[b->events_n].kind = ev->kind;
	b->events[b->events_n].cause = ev->cause;
	b->events[b->events_n].n = ev->n;
	b->events[b->events_n].known = ev->messages[0].known;
	b->events[b->events_n].from = ev->messages[0].from;
	b->events[b->events_n].has_keyword = ev->keywords_added_n > 0;
	b->events_n++;
}

void mail_bench_dir(struct mail_bench *b)
{
	(void)snprintf(b->top, sizeof(b->top), "/tmp/pennypost-mail-XXXXXX");
	assert_non_null(mkdtemp(b->top));
	assert_int_equal(chdir(b->top), 0);
}

void mail_bench_start(struct mail_bench *b)
{
	static const char *const names[] = { "ann", "bob", "cid" };
	struct err err = { 0 };

	assert_int_equal(secret_init(), 0);
	for (size_t i = 0; i < BENCH_ACCOUNTS; i++) {
		b->accounts[i].name = names[i];
		b->accounts[i].next = i + 1 < BENCH_ACCOUNTS ? &b->accounts[i + 1] : NULL;
	}
	b->cfg.accounts = b->accounts;
	b->cfg.limits.queue = 100;
	work_setup();
	b->loop = loop_new();
	b->work = work_new(b->loop);
	b->store = store_open(b->loop, b->work, &b->cfg, &err);
	if (b->store == NULL)
		print_error("%s\n", err.text);
	assert_non_null(b->store);
	b->watch.on_event = on_event;
	b->watch.self = b;
	store_watch_add(b->store, &b->watch);
	buf_init(&b->text, 1 << 24);
	buf_init(&b->items, 1 << 20);
	b->events_n = 0;
}

static void on_closed(void *self)
{
	ring(self);
}

void mail_bench_stop(struct mail_bench *b)
{
	store_watch_drop(&b->watch);
	store_close(b->store, on_closed, b);
	wait_ring(b);
	work_free(b->work);
	loop_free(b->loop);
	buf_free(&b->text);
	buf_free(&b->items);
}

void mail_bench_remove(struct mail_bench *b)
{
	char command[128];

	assert_int_equal(chdir("/"), 0);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", b->top);
	assert_int_equal(system(command), 0);
}

struct account *mail_account(struct mail_bench *b, const char *name)
{
	return (store_account(b->store, slice_of(name)));
}

struct folder *mail_folder(struct mail_bench *b, const char *account, const char *name)
{
	return (folder_find(mail_account(b, account), slice_of(name)));
}

/* --- delivering --- */

static void on_committed(void *self, const struct commit_result *r)
{
	struct mail_bench *b = self;

	for (size_t i = 0; i < BENCH_ACCOUNTS; i++)
		b->uids[i] = 0;
	if (r->err == NULL) {
		b->uids[0] = r->uids[0];
		b->to_uidvalidity = r->uidvalidities[0];
	}
	answer(b, r->err);
}

static void on_ended(void *self, const struct err *err)
{
	answer(self, err);
}

static void commit(struct mail_bench *b, const char *text, const struct commit_target *t, size_t n,
    const struct queue_envelope *queue)
{
	struct draft *d = draft_new(b->store, 1 << 24);
	struct commit c = { .draft = d, .targets = t, .targets_n = n, .queue = queue };

	assert_true(draft_add(d, slice_of(text)));
	draft_end(d, on_ended, b);
	wait_ring(b);
	assert_int_equal(b->err.kind, ERR_NONE);
	(void)store_commit(b->store, &c, on_committed, b);
	wait_ring(b);
	draft_free(d);
}

void mail_deliver(struct mail_bench *b, const char *text, size_t n)
{
	struct commit_target t[BENCH_ACCOUNTS] = { 0 };

	for (size_t i = 0; i < n; i++) {
		t[i].account = mail_account(b, b->accounts[i].name);
		t[i].role = ROLE_INBOX;
		t[i].prefix = SLICE("Return-Path: <a@b>\r\n");
		t[i].date = 1000000000;
	}
	commit(b, text, t, n, NULL);
}

void mail_submit(struct mail_bench *b, const char *text)
{
	struct queue_rcpt to = { .address = SLICE("far@example.net") };
	struct queue_envelope env = { .from = SLICE("ann@example.org"),
		.account = SLICE("ann"),
		.rcpts = &to,
		.rcpts_n = 1 };
	struct commit_target t = { .account = mail_account(b, "bob"), .role = ROLE_INBOX };

	commit(b, text, &t, 1, &env);
}

void mail_append(
    struct mail_bench *b, struct folder *f, const char *text, unsigned flags, const char *keyword)
{
	struct commit_target t = {
		.account = folder_account(f), .folder = f, .flags = flags, .date = 1000000001
	};

	t.keywords = &keyword;
	t.keywords_n = keyword != NULL;
	commit(b, text, &t, 1, NULL);
}

void mail_append_all(
    struct mail_bench *b, struct folder *f, const char *text, size_t n, uint32_t replaces)
{
	struct commit_target t[8] = { 0 };
	struct commit c = { .targets = t,
		.targets_n = n,
		.replaces = replaces != 0 ? f : NULL,
		.replaces_uid = replaces };
	char head[32];

	assert_true(n <= 8);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(head, sizeof(head), "Subject: %zu\r\n", i);
		t[i] = (struct commit_target){ .account = folder_account(f),
			.folder = f,
			.date = 1000000002,
			.draft = draft_new(b->store, 1 << 24) };
		assert_true(draft_add(t[i].draft, slice_of(head)));
		assert_true(draft_add(t[i].draft, slice_of(text)));
		draft_end(t[i].draft, on_ended, b);
		wait_ring(b);
		assert_int_equal(b->err.kind, ERR_NONE);
	}
	(void)store_commit(b->store, &c, on_committed, b);
	wait_ring(b);
	for (size_t i = 0; i < n; i++)
		draft_free(t[i].draft);
}

/* --- views --- */

static void on_open(void *self, struct view *v, const struct err *err)
{
	struct mail_bench *b = self;

	b->view = v;
	answer(b, err);
}

struct view *mail_view(struct mail_bench *b, struct folder *f)
{
	(void)view_open(f, on_open, b);
	wait_ring(b);
	return (b->view);
}

static void on_folder(void *self, const struct err *err)
{
	answer(self, err);
}

void mail_look(struct mail_bench *b, struct view *v)
{
	(void)view_look(v, on_folder, b);
	wait_ring(b);
}

static void on_message(void *self, const struct message_result *r)
{
	struct mail_bench *b = self;

	b->n = 0;
	b->modseq = r->modseq;
	b->to_uidvalidity = r->to_uidvalidity;
	for (size_t i = 0; r->err == NULL && i < r->n && i < COUNT_OF(b->uids); i++) {
		b->uids[i] = r->uids[i];
		b->to_uids[i] = r->to_uids[i];
		b->n++;
	}
	answer(b, r->err);
}

void mail_flags(struct mail_bench *b, struct view *v, uint32_t uid, enum flags_mode mode,
    unsigned flags, const char *keyword, uint64_t unchanged_since)
{
	struct flags_change ch = { .mode = mode,
		.flags = flags,
		.keywords = &keyword,
		.keywords_n = keyword != NULL,
		.unchanged_since = unchanged_since };

	uint32_t uids[64];
	size_t n = 0;

	for (size_t i = 0; i < view_count(v); i++)
		if (uid == 0 || view_at(v, i)->uid == uid)
			uids[n++] = view_at(v, i)->uid;
	(void)message_flags(v, uids, n, &ch, b, on_message, b);
	wait_ring(b);
}

void mail_expunge(struct mail_bench *b, struct view *v)
{
	(void)message_expunge(v, NULL, 0, b, on_message, b);
	wait_ring(b);
}

static void on_undelete(void *self, const struct undelete_result *r)
{
	struct mail_bench *b = self;

	b->n = r->n;
	b->backs = 0;
	for (size_t i = 0; i < r->n; i++) {
		if (i < COUNT_OF(b->to_uids))
			b->to_uids[i] = r->messages[i].uid;
		b->backs += r->messages[i].into != NULL;
	}
	answer(b, r->err);
}

void mail_undelete(struct mail_bench *b, const char *account, const char *folder, const char *into)
{
	struct undelete_filter f = { .folder = slice_of(folder), .max = 1000 };
	struct account *a = mail_account(b, account);

	(void)(into == NULL ? undelete_list(a, &f, on_undelete, b)
			    : undelete_start(a, &f, slice_of(into), on_undelete, b));
	wait_ring(b);
}

void mail_copy(struct mail_bench *b, struct view *v, struct folder *to, bool move)
{
	uint32_t uids[64];
	size_t n = view_count(v);

	assert_true(n <= COUNT_OF(uids));
	for (size_t i = 0; i < n; i++)
		uids[i] = view_at(v, i)->uid;
	(void)message_copy(v, uids, n, to, move, b, on_message, b);
	wait_ring(b);
}

static void on_vanished(
    void *self, bool complete, const uint32_t *uids, size_t n, const struct err *err)
{
	struct mail_bench *b = self;

	b->complete = complete;
	b->n = n < COUNT_OF(b->uids) ? n : COUNT_OF(b->uids);
	for (size_t i = 0; i < b->n; i++)
		b->uids[i] = uids[i];
	free((void *)(uintptr_t)uids);
	answer(b, err);
}

void mail_vanished(struct mail_bench *b, struct view *v, uint64_t since)
{
	(void)view_vanished(v, since, on_vanished, b);
	wait_ring(b);
}

/* --- folders --- */

void mail_create(struct mail_bench *b, const char *account, const char *name)
{
	(void)folder_create(mail_account(b, account), slice_of(name), ROLE_NONE, on_folder, b);
	wait_ring(b);
}

void mail_delete(struct mail_bench *b, const char *account, const char *name)
{
	(void)folder_delete(mail_account(b, account), slice_of(name), on_folder, b);
	wait_ring(b);
}

void mail_rename(struct mail_bench *b, const char *account, const char *from, const char *to)
{
	(void)folder_rename(mail_account(b, account), slice_of(from), slice_of(to), on_folder, b);
	wait_ring(b);
}

static void on_status(void *self, const struct folder_status *st, const struct err *err)
{
	struct mail_bench *b = self;

	if (st != NULL)
		b->st = *st;
	answer(b, err);
}

void mail_status(struct mail_bench *b, struct folder *f)
{
	(void)folder_status(f, on_status, b);
	wait_ring(b);
}

/* --- reading --- */

struct reading {
	struct mail_bench *b;
	struct visit *visit;
};

static enum visit_next read_message(void *ctx, const struct visit_message *m)
{
	struct mail_bench *b = ctx;
	struct err err;

	b->unreadable = m->unreadable;
	if (m->unreadable)
		return (VISIT_DONE);
	(void)buf_add_slice(&b->items, m->envelope);
	/* In odd pieces, so that pieces of the file and of the reader never agree. */
	for (uint64_t at = 0; at < m->m.size; at += 1001)
		if (visit_read(m->visit, at, 1001, &b->text, &err) != 0)
			b->unreadable = true;
	return (VISIT_DONE);
}

static void on_slice(void *self)
{
	visit_go_on(((struct reading *)self)->visit);
}

static void on_visit_end(void *self, const struct err *err)
{
	answer(((struct reading *)self)->b, err);
}

void mail_read(struct mail_bench *b, struct folder *f, uint32_t uid)
{
	static const struct visitor visitor = { read_message, on_slice, on_visit_end };
	struct reading r = { .b = b };

	buf_reset(&b->text);
	buf_reset(&b->items);
	r.visit = visit_start(f, &uid, 1, VISIT_ENVELOPE | VISIT_FILE, &visitor, &r, b, NULL);
	wait_ring(b);
}

static enum visit_next preview_message(void *ctx, const struct visit_message *m)
{
	struct mail_bench *b = ctx;

	b->unreadable = m->unreadable;
	(void)buf_add_slice(&b->items, m->preview);
	return (VISIT_DONE);
}

void mail_preview(struct mail_bench *b, struct folder *f, uint32_t uid)
{
	static const struct visitor visitor = { preview_message, on_slice, on_visit_end };
	struct reading r = { .b = b };

	buf_reset(&b->items);
	r.visit = visit_start(f, &uid, 1, VISIT_PREVIEW, &visitor, &r, b, NULL);
	wait_ring(b);
}

static enum visit_next thread_message(void *ctx, const struct visit_message *m)
{
	struct mail_bench *b = ctx;

	b->unreadable = m->unreadable;
	(void)buf_add(&b->items, (const char *)m->thread_id, 16);
	return (VISIT_DONE);
}

void mail_thread(struct mail_bench *b, struct folder *f, uint32_t uid)
{
	static const struct visitor visitor = { thread_message, on_slice, on_visit_end };
	struct reading r = { .b = b };

	buf_reset(&b->items);
	r.visit = visit_start(f, &uid, 1, VISIT_THREAD, &visitor, &r, b, NULL);
	wait_ring(b);
}

/* --- for each test --- */

int mail_bench_setup(void **state)
{
	struct mail_bench *b = NEW(struct mail_bench);

	mail_bench_dir(b);
	mail_bench_start(b);
	*state = b;
	return (0);
}

int mail_bench_teardown(void **state)
{
	struct mail_bench *b = *state;

	mail_bench_stop(b);
	mail_bench_remove(b);
	free(b);
	return (0);
}

void mail_bench_reopen(struct mail_bench *b)
{
	mail_bench_stop(b);
	mail_bench_start(b);
}

void mail_bench_put(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}
