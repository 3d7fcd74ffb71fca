/* wrote.c: whom did an account write to, as far as its sent mail tells? One folder after the other, a moment after it got mail: messages
 * with a UID above what was looked at before are read as far as their header goes, and whoever stands in To, Cc or Bcc is noted with the
 * date of the message. How far it came is kept in state.sqlite beside what was noted, so each message is read once, after a kill perhaps
 * twice, which changes nothing. Drafts were not sent, and what has a Return-Path or Delivered-To was received (RFC 5321 4.4): whoever
 * gets his letter filed there must not name his friends. Leaves keeping to store/senders.c. Failures: told to the log; the folder is
 * looked at again when it gets mail, or at the next start. */
#include "spam/wrote.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "msg/addr.h"
#include "msg/header.h"
#include "store/learn.h"
#include "store/mailbox.h"
#include "store/senders.h"

enum {
	SOON_MS = 1000, /* after mail came; more may follow */
	REST_MS = 50,   /* between slices of a folder */
	HEAD = 65536,   /* octets of a message that are looked at */
	SLICE_PEOPLE = 1024, /* noted at once, and L_RCPT_SUBMISSION more */
};

struct due { /* a folder that got mail */
	struct list node;
	struct folder *folder;
};

struct found { /* what a visit makes on its worker; owned by the visit while a slice runs */
	struct arena *arena; /* owned */
	struct correspondent *v;
	size_t n;
	uint32_t last; /* uid */
	int64_t now;
};

struct wrote {
	struct job job;
	struct store *store;
	struct store_watch watch;
	struct list due;
	struct timer *timer;
	struct store_op *op;
	struct visit *visit;
	/* of the folder under way; NULL: none is */
	struct folder *folder;
	struct found *found; /* owned, by a visit while there is one */
	uint32_t uidnext;
	char *name; /* owned: of the progress */
	int64_t after;
	bool ended; /* the visit is gone */
	struct err err;
	bool stopped, busy; /* a job is under way */
};

static void soon(struct wrote *w, uint64_t ms);

/* --- reading --- */

static void found_free(void *ctx)
{
	struct found *f = ctx;

	arena_free(f->arena);
	free(f);
}

static void begin_slice(struct found *f)
{
	arena_free(f->arena);
	f->arena = arena_new(0);
	f->v = arena_array(f->arena, SLICE_PEOPLE + L_RCPT_SUBMISSION, sizeof(*f->v));
	f->n = 0;
	f->now = clock_wall();
}

/* The addresses of one field; at most ${most}. */
static size_t add_field(
    struct found *f, struct arena *a, const struct field *field, int64_t at, size_t most)
{
	struct addr_list l;
	size_t n = 0;

	addr_parse(a, field->body, &l);
	for (size_t i = 0; i < l.n && n < most; i++) {
		struct slice address;

		if (l.v[i].kind != ADDR_MAILBOX || l.v[i].local.n == 0)
			continue;
		address = addr_fold(f->arena, l.v[i].local, l.v[i].domain);
		if (address.n == 0)
			continue;
		f->v[f->n++] = (struct correspondent){ .address = address, .first = at, .last = at };
		n++;
	}
	return (n);
}

static void add_message(struct found *f, struct slice head, int64_t at)
{
	static const char *const names[] = { "To", "Cc", "Bcc" };
	struct arena *a = arena_new(0);
	size_t left = L_RCPT_SUBMISSION;
	struct header h;

	header_parse(a, head, &h);
	if (header_first(&h, SLICE("Return-Path")) != NULL ||
	    header_first(&h, SLICE("Delivered-To")) != NULL)
		left = 0;
	if (!h.has_blank && head.n == HEAD && h.n > 0)
		h.n--; /* the field in which reading ended: half an address is somebody else's */
	for (size_t i = 0; i < h.n; i++)
		for (size_t k = 0; k < COUNT_OF(names); k++)
			if (slice_ieq(h.fields[i].name, slice_of(names[k])))
				left -= add_field(f, a, &h.fields[i], at, left);
	arena_free(a);
}

static enum visit_next on_message(void *ctx, const struct visit_message *m) /* worker */
{
	struct found *f = ctx;
	struct buf head = BUF_INIT(HEAD);
	struct err err;
	int64_t at = m->m.internal_date;

	f->last = m->m.uid;
	if (!m->unreadable && (m->m.flags & FLAG_DRAFT) == 0 &&
	    visit_read(m->visit, 0, HEAD, &head, &err) == 0)
		add_message(f, buf_slice(&head), at > f->now ? f->now : at);
	buf_free(&head);
	return (f->n >= SLICE_PEOPLE ? VISIT_PAUSE : VISIT_DONE);
}

/* --- one folder --- */

static void folder_end(struct wrote *w)
{
	if (w->err.kind != ERR_NONE && w->err.kind != ERR_NOT_FOUND)
		log_event(LOG_WARN, NULL, "correspondents", "account",
		    account_name(folder_account(w->folder)), "folder", folder_name(w->folder), "why",
		    w->err.text, "now", "looked at again when mail comes there, or at the next start",
		    NULL);
	if (w->found != NULL)
		found_free(w->found);
	w->found = NULL;
	free(w->name);
	w->name = NULL;
	w->folder = NULL;
	if (!list_empty(&w->due))
		soon(w, REST_MS);
}

static void wrote_free(struct wrote *w)
{
	visit_cancel(w->visit); /* frees what it found, now or later */
	if (w->found != NULL && w->visit == NULL)
		found_free(w->found);
	free(w->name);
	free(w);
}

static void on_lane(struct wrote *w, void (*run)(struct job *j), void (*done)(struct job *j))
{
	w->job = (struct job){ .run = run, .done = done };
	w->busy = true;
	lane_force(store_lane(w->store, STORE_STATE), &w->job); /* one at a time */
}

/* True: nobody waits for what comes now. */
static bool lane_left(struct wrote *w)
{
	bool stopped = w->stopped;

	w->busy = false;
	if (stopped)
		wrote_free(w);
	return (stopped);
}

static void go_on(void *self)
{
	struct wrote *w = self;

	w->timer = NULL;
	begin_slice(w->found);
	visit_go_on(w->visit);
}

static void note_run(struct job *j) /* lane STORE_STATE */
{
	struct wrote *w = (struct wrote *)j;
	const char *account = account_name(folder_account(w->folder));

	if (correspondent_import(w->store, slice_of(account), w->found->v, w->found->n, &w->err) == 0 &&
	    w->err.kind == ERR_NONE)
		(void)progress_put(w->store, w->name,
		    w->ended ? (int64_t)w->uidnext - 1 : (int64_t)w->found->last, &w->err);
}

static void note_done(struct job *j)
{
	struct wrote *w = (struct wrote *)j;

	if (lane_left(w))
		return;
	if (w->ended)
		folder_end(w);
	else if (w->err.kind == ERR_NONE)
		w->timer = timer_start(store_loop(w->store), REST_MS, go_on, w);
	else {
		visit_cancel(w->visit); /* frees what it found */
		w->visit = NULL;
		w->found = NULL;
		folder_end(w);
	}
}

static void on_slice(void *self)
{
	struct wrote *w = self;

	on_lane(w, note_run, note_done);
}

static void on_end(void *self, const struct err *err)
{
	struct wrote *w = self;

	w->visit = NULL;
	w->ended = true;
	if (err != NULL) {
		w->err = *err;
		folder_end(w);
		return;
	}
	on_lane(w, note_run, note_done);
}

static void on_view(void *self, struct view *v, const struct err *err)
{
	static const struct visitor visitor = { on_message, on_slice, on_end };
	struct wrote *w = self;
	uint32_t *uids;
	size_t n = 0, at;

	w->op = NULL;
	if (err != NULL) {
		w->err = *err;
		folder_end(w);
		return;
	}
	at = view_lower(v, (uint32_t)(w->after + 1));
	w->uidnext = view_uidnext(v);
	uids = mem_new_array(view_count(v) - at + 1, sizeof(*uids));
	for (; at < view_count(v); at++)
		if ((view_at(v, at)->flags & FLAG_DRAFT) == 0)
			uids[n++] = view_at(v, at)->uid;
	view_close(v, NULL);
	w->found = NEW(struct found);
	begin_slice(w->found);
	if (n == 0) {
		w->ended = true;
		on_lane(w, note_run, note_done);
	} else if ((w->visit = visit_start(w->folder, uids, n, VISIT_FILE, &visitor, w, w->found,
			found_free)) == NULL) {
		(void)err_set(&w->err, ERR_BUSY, "messages cannot be read now");
		folder_end(w);
	}
	free(uids);
}

static void get_run(struct job *j) /* lane STORE_STATE */
{
	struct wrote *w = (struct wrote *)j;

	(void)progress_get(w->store, w->name, &w->after, &w->err);
}

static void get_done(struct job *j)
{
	struct wrote *w = (struct wrote *)j;

	if (lane_left(w))
		return;
	if (w->err.kind != ERR_NONE || w->after + 1 >= (int64_t)w->uidnext || !folder_exists(w->folder))
		folder_end(w);
	else
		w->op = view_open(w->folder, on_view, w);
}

/* UIDs that are not given twice are all that says where we were: RFC 9051 2.3.1.1. */
static void on_status(void *self, const struct folder_status *st, const struct err *err)
{
	struct wrote *w = self;
	const char *account = account_name(folder_account(w->folder));
	size_t room = strlen(account) + 32;

	w->op = NULL;
	if (err != NULL) {
		w->err = *err;
		folder_end(w);
		return;
	}
	w->uidnext = st->uidnext;
	w->name = mem_new(room);
	(void)snprintf(w->name, room, "wrote %s %" PRIu32, account, st->uidvalidity);
	on_lane(w, get_run, get_done);
}

static void next(void *self)
{
	struct wrote *w = self;
	struct list *node;
	struct due *d;

	w->timer = NULL;
	if ((node = list_shift(&w->due)) == NULL)
		return;
	d = LIST_OWNER(node, struct due, node);
	w->folder = d->folder;
	free(d);
	w->err = (struct err){ .kind = ERR_NONE };
	w->ended = false;
	if (account_is_gone(folder_account(w->folder)) || !folder_exists(w->folder))
		folder_end(w);
	else
		w->op = folder_status(w->folder, on_status, w);
}

static void soon(struct wrote *w, uint64_t ms)
{
	if (w->timer == NULL)
		w->timer = timer_start(store_loop(w->store), ms, next, w);
}

/* --- which --- */

static void add_due(struct wrote *w, struct folder *f)
{
	struct due *d;

	if (f == NULL || folder_role(f) != ROLE_SENT)
		return;
	for (struct list *l = w->due.next; l != &w->due; l = l->next)
		if (LIST_OWNER(l, struct due, node)->folder == f)
			return;
	d = NEW(struct due);
	d->folder = f;
	list_push(&w->due, &d->node);
	if (w->folder == NULL)
		soon(w, SOON_MS);
}

static void on_event(void *self, const struct store_event *ev)
{
	if (ev->kind == EVENT_FOLDERS)
		add_due(self, folder_by_role(ev->account, ROLE_SENT));
	else if (ev->kind == EVENT_ADDED && ev->folder != NULL)
		add_due(self, ev->folder);
}

static void first(void *self)
{
	struct wrote *w = self;
	struct account *a = NULL;

	w->timer = NULL;
	while ((a = store_account_next(w->store, a)) != NULL)
		add_due(w, folder_by_role(a, ROLE_SENT));
	if (!list_empty(&w->due))
		soon(w, SOON_MS);
}

struct wrote *wrote_start(struct store *s)
{
	struct wrote *w = NEW(struct wrote);

	w->store = s;
	list_init(&w->due);
	w->watch.on_event = on_event;
	w->watch.self = w;
	store_watch_add(s, &w->watch);
	w->timer = timer_start(store_loop(s), SOON_MS, first, w);
	return (w);
}

void wrote_stop(struct wrote *w)
{
	struct list *node;

	if (w == NULL)
		return;
	store_watch_drop(&w->watch);
	timer_cancel(w->timer);
	store_op_cancel(w->op);
	while ((node = list_shift(&w->due)) != NULL)
		free(LIST_OWNER(node, struct due, node));
	w->stopped = true;
	if (!w->busy) /* else a job of ours still reads what was found */
		wrote_free(w);
}
