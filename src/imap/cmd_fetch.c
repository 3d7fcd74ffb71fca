/* FETCH: which items of which messages, and how they flow. What the view knows is said on the
 * loop; the rest is put together by a visit on a read lane, slice by slice, and the next slice
 * waits until the client has taken the last, so memory does not depend on what was asked (IMP-08,
 * IMP-25). RFC 9051 6.4.5, RFC 7162 3.1.4 (CHANGEDSINCE), 3.2.6 (VANISHED). */
#include "imap/fetch.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "imap/command.h"
#include "msg/date.h"

enum {
	FETCH_OUT = 16777216, /* one message's rendered envelope, structure and headers at most */
	VIEW_STEP = 1024,     /* messages of which the view alone is asked, at once */
};

struct fetch *fetch_new(void)
{
	struct fetch *f = NEW(struct fetch);

	f->arena = arena_new(0);
	f->items_end = &f->items;
	buf_init(&f->out, FETCH_OUT);
	buf_init(&f->lines, SECTION_HEADER_MAX);
	return (f);
}

void fetch_free(void *data)
{
	struct fetch *f = data;

	if (f == NULL)
		return;
	free(f->uids);
	free(f->seqs);
	free(f->place.decoded);
	buf_free(&f->out);
	buf_free(&f->lines);
	arena_free(f->arena);
	free(f);
}

/* --- saying --- */

static void say_simple(struct fetch *f, const struct fetch_item *item, const struct view_message *m)
{
	struct buf *out = &f->out;

	(void)buf_addz(out, f->place.begun ? " " : "");
	(void)buf_add_slice(out, item->label);
	(void)buf_addc(out, ' ');
	f->place.begun = true;
	switch (item->what) {
	case FETCH_UID: (void)buf_add_u64(out, m->uid); break;
	case FETCH_FLAGS:
		(void)write_flags(out, m->flags, m->uid >= f->recent_from, &f->names);
		break;
	case FETCH_INTERNALDATE:
		(void)buf_addc(out, '"');
		(void)date_write_imap(out, m->internal_date);
		(void)buf_addc(out, '"');
		break;
	case FETCH_SIZE: (void)buf_add_u64(out, m->size); break;
	case FETCH_MODSEQ: (void)buf_fmt(out, "(%llu)", (unsigned long long)m->modseq); break;
	case FETCH_SAVEDATE:
		if (m->save_date == 0) {
			(void)buf_addz(out, "NIL");
			break;
		}
		(void)buf_addc(out, '"');
		(void)date_write_imap(out, m->save_date);
		(void)buf_addc(out, '"');
		break;
	case FETCH_ENVELOPE:
	case FETCH_BODY:
	case FETCH_BODYSTRUCTURE:
	case FETCH_SECTION:
	case FETCH_BINARY:
	case FETCH_BINARY_SIZE:
	case FETCH_PREVIEW:
	case FETCH_EMAILID:
	case FETCH_THREADID: break;
	}
}

static void say_rendered(struct fetch *f, const struct fetch_item *item, struct slice rendered)
{
	(void)buf_addz(&f->out, f->place.begun ? " " : "");
	(void)buf_add_slice(&f->out, item->label);
	(void)buf_addc(&f->out, ' ');
	(void)buf_add_slice(&f->out, rendered.n > 0 ? rendered : SLICE("NIL"));
	f->place.begun = true;
}

static bool is_simple(enum fetch_what what)
{
	return (what <= FETCH_SAVEDATE);
}

void fetch_lost(struct fetch *f)
{
	if (f->unreadable < COUNT_OF(f->lost))
		f->lost[f->unreadable] = f->uids[f->at];
	f->unreadable++;
}

/* RFC 9586 3.3: with UIDONLY the message is named by its UID. */
static void fetch_begin(struct fetch *f)
{
	(void)buf_addz(&f->out, "* ");
	(void)buf_add_u64(&f->out, f->uid_only ? f->uids[f->at] : f->seqs[f->at]);
	(void)buf_addz(&f->out, f->uid_only ? " UIDFETCH (" : " FETCH (");
}

static enum visit_next on_message(void *ctx, const struct visit_message *m)
{
	struct fetch *f = ctx;
	struct fetch_place *p = &f->place;

	while (f->at < f->n && f->uids[f->at] < m->m.uid)
		f->at++; /* gone meanwhile */
	if (f->at == f->n || f->uids[f->at] != m->m.uid)
		return (VISIT_DONE);
	if (m->unreadable && p->item == NULL) {
		fetch_lost(f);
		return (VISIT_DONE);
	}
	if (p->item == NULL) {
		*p = (struct fetch_place){ .item = f->items };
		fetch_begin(f);
	}
	while (p->item != NULL) {
		const struct fetch_item *item = p->item;

		if (is_simple(item->what))
			say_simple(f, item, &m->m);
		else if (item->what == FETCH_ENVELOPE)
			say_rendered(f, item, m->envelope);
		else if (item->what == FETCH_BODYSTRUCTURE)
			say_rendered(f, item, m->structure);
		else if (item->what == FETCH_BODY)
			say_rendered(f, item, m->body_structure);
		else if (item->what >= FETCH_PREVIEW)
			fetch_extra(f, m, item);
		else if (fetch_body(f, m, item) == BODY_MORE)
			return (VISIT_AGAIN);
		if (f->broken || f->out.failed) {
			f->broken = true;
			return (VISIT_STOP);
		}
		p->item = item->next;
		if (p->item != NULL && f->out.n >= FETCH_SLICE)
			return (VISIT_AGAIN);
	}
	(void)buf_addz(&f->out, ")\r\n");
	f->at++;
	return (f->out.n >= FETCH_SLICE ? VISIT_PAUSE : VISIT_DONE);
}

/* What another session expunged while this one read is gone, not damaged. */
static bool are_gone(const struct imap *s, const struct fetch *f)
{
	if (f->unreadable > COUNT_OF(f->lost) || s->news.view == NULL || s->view_gone)
		return (false);
	for (unsigned i = 0; i < f->unreadable; i++)
		if (!news_is_gone(&s->news, f->lost[i]))
			return (false);
	return (true);
}

static void finish(struct imap *s);

static void on_looked(void *self, const struct err *err)
{
	struct imap *s = self;

	s->call.op = NULL;
	(void)err; /* then what could not be read counts as damaged */
	finish(s);
}

static void finish(struct imap *s)
{
	struct fetch *f = s->call.data;

	if (f->unreadable > 0 && are_gone(s, f)) {
		f->unreadable = 0;
		f->some_gone |= !s->call.is_uid; /* a uid that is not there is no error */
	}
	/* An expunge under way takes the file first and tells after: wait for what is before us. */
	if (f->unreadable > 0 && !f->has_looked && s->news.view != NULL && !s->view_gone) {
		f->has_looked = true;
		if ((s->call.op = view_look(s->news.view, on_looked, s)) != NULL)
			return;
	}
	if (f->unknown_cte > 0)
		imap_end(s, "NO [UNKNOWN-CTE] A part has a transfer encoding that is not known");
	else if (f->bad_section > 0)
		imap_end(s, "NO [CANNOT] A multipart has no decoded content");
	else if (f->unreadable > 0) {
		log_event(
		    LOG_WARN, s->id, "imap fetch", "why", "some messages could not be read", NULL);
		imap_end(s, "NO [UNAVAILABLE] Some messages could not be read");
	} else /* RFC 5530 3 */
		imap_end(s,
		    f->some_gone ? "NO [EXPUNGEISSUED] Some of the messages are gone" : "OK Done");
}

static enum imap_step send_slice(struct imap *s)
{
	struct fetch *f = s->call.data;
	struct slice piece = slice_head(slice_from(buf_slice(&f->out), f->sent), 65536);

	conn_send_slice(s->conn, piece);
	f->sent += piece.n;
	if (f->sent < f->out.n)
		return (STEP_MORE);
	f->sent = 0;
	if (f->out.cap > 2 * FETCH_SLICE)
		buf_free(&f->out);
	else
		buf_reset(&f->out);
	f->out.max = FETCH_OUT;
	return (STEP_DONE);
}

static void slice_sent(struct imap *s)
{
	struct fetch *f = s->call.data;

	if (s->news.view != NULL && !s->view_gone)
		keyword_names_of(s->news.view, &f->names);
	if (f->is_done)
		finish(s);
	else
		visit_go_on(s->call.visit);
}

static bool is_broken(struct imap *s, const struct fetch *f)
{
	if (!f->broken)
		return (false);
	log_event(LOG_ERROR, s->id, "imap fetch", "why", "a message ended before its size", NULL);
	conn_abort(s->conn, "a message ended before its size");
	s->closing = true;
	return (true);
}

static void on_slice(void *self)
{
	struct imap *s = self;
	struct fetch *f = s->call.data;

	if (is_broken(s, f)) {
		visit_cancel(s->call.visit);
		s->call.visit = NULL;
		return;
	}
	imap_produce(s, send_slice, slice_sent);
}

static void on_end(void *self, const struct err *err)
{
	struct imap *s = self;
	struct fetch *f = s->call.data;

	s->call.visit = NULL;
	s->call.drop = fetch_free;
	if (is_broken(s, f))
		return;
	if (err != NULL &&
	    f->place.item != NULL) { /* in the middle of a message: nothing can be added to that */
		conn_abort(s->conn, "reading messages failed");
		s->closing = true;
		return;
	}
	if (err != NULL)
		f->unreadable = COUNT_OF(f->lost) + 1;
	f->is_done = true;
	imap_produce(s, send_slice, slice_sent);
}

static const struct visitor visitor = { on_message, on_slice, on_end };

static enum imap_step say_from_view(struct imap *s)
{
	struct fetch *f = s->call.data;
	const struct view *v = s->news.view;
	size_t many = 0, at = 0;

	if (s->view_gone)
		f->at = f->n;
	for (; f->at < f->n && many < VIEW_STEP && f->out.n < 65536; f->at++, many++) {
		if (++at >= view_count(v) || view_at(v, at)->uid != f->uids[f->at])
			at = view_lower(v, f->uids[f->at]); /* mostly it is the next */
		if (at == view_count(v) || view_at(v, at)->uid != f->uids[f->at])
			continue;
		f->place.begun = false;
		fetch_begin(f);
		for (const struct fetch_item *i = f->items; i != NULL; i = i->next)
			say_simple(f, i, view_at(v, at));
		(void)buf_addz(&f->out, ")\r\n");
	}
	conn_send_slice(s->conn, buf_slice(&f->out));
	buf_reset(&f->out);
	return (f->at < f->n ? STEP_MORE : STEP_DONE);
}

/* --- the command --- */

/* They stay true until the command has ended: nothing is told before. */
static void set_numbers(const struct imap *s, struct fetch *f)
{
	const struct news *n = &s->news;
	size_t at = 0;

	for (size_t i = 0; i < f->n; i++) {
		bool is_next = n->gone.n == 0 && at < view_count(n->view) &&
		    view_at(n->view, at)->uid == f->uids[i] && f->uids[i] < n->next;

		f->seqs[i] = is_next ? (uint32_t)at + 1 : news_seq(n, f->uids[i]);
		at = f->seqs[i]; /* of nothing that is gone: the place of the one after it */
	}
}

static void begin(struct imap *s)
{
	struct fetch *f = s->call.data;

	if (s->view_gone) {
		imap_end(s, "NO [NONEXISTENT] The mailbox was deleted");
		return;
	}
	if (f->n == 0) {
		finish(s);
		return;
	}
	f->recent_from = s->rev2 ? UINT32_MAX : s->news.recent_from;
	f->uid_only = s->uid_only;
	keyword_names_of(s->news.view, &f->names);
	f->seqs = mem_new_array(f->n, sizeof(*f->seqs));
	set_numbers(s, f);
	if (f->on_loop) {
		imap_produce(s, say_from_view, finish);
		return;
	}
	s->call.drop = NULL; /* the visit frees it from now on */
	s->call.visit = visit_start(
	    view_folder(s->news.view), f->uids, f->n, f->want, &visitor, s, f, fetch_free);
	if (s->call.visit == NULL) {
		s->call.drop = fetch_free;
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
	}
}

static void on_seen(void *self, const struct message_result *r)
{
	struct imap *s = self;

	s->call.op = NULL;
	if (r->err != NULL) /* a full disk must not keep mail from being read */
		log_event(LOG_WARN, s->id, "imap fetch", "why", r->err->text, NULL);
	begin(s);
}

/* \Seen first, so that the flags in the answer are the new ones (RFC 9051 6.4.5). */
static void mark_seen(struct imap *s)
{
	struct fetch *f = s->call.data;
	struct flags_change ch = { FLAGS_ADD, FLAG_SEEN, NULL, 0, UINT64_MAX };
	uint32_t *unseen = mem_new_array(f->n + 1, sizeof(*unseen));
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		size_t at = view_lower(s->news.view, f->uids[i]);

		if (at < view_count(s->news.view) &&
		    !(view_at(s->news.view, at)->flags & FLAG_SEEN))
			unseen[n++] = f->uids[i];
	}
	if (n > 0)
		s->call.op = message_flags(s->news.view, unseen, n, &ch, s, on_seen, s);
	free(unseen);
	if (s->call.op == NULL)
		begin(s);
}

static void ready(struct imap *s)
{
	struct fetch *f = s->call.data;

	if (f->has_changed_since) {
		size_t kept = 0;

		for (size_t i = 0; i < f->n; i++) {
			size_t at = view_lower(s->news.view, f->uids[i]);

			if (at < view_count(s->news.view) &&
			    view_at(s->news.view, at)->modseq > f->changed_since)
				f->uids[kept++] = f->uids[i];
		}
		f->n = kept;
	}
	if (f->window.from != 0) { /* RFC 9394 3.3: of those that would be told */
		size_t from, end;

		window_of(&f->window, f->n, &from, &end);
		memmove(f->uids, f->uids + from, (end - from) * sizeof(*f->uids));
		f->n = end - from;
	}
	if (f->sees && f->n > 0 && !s->view_gone)
		mark_seen(s);
	else
		begin(s);
}

/* RFC 7162 3.2.6: of the uids asked for, those that are no more. */
static void on_vanished(
    void *self, bool complete, const uint32_t *uids, size_t n, const struct err *err)
{
	struct imap *s = self;
	const struct fetch *f = s->call.data;

	s->call.op = NULL;
	if (s->view_gone)
		ready(s);
	else
		imap_say_vanished(s, &f->asked, complete && err == NULL, uids, n, ready);
	free((void *)(uintptr_t)uids);
}

/* "1:*" of what vanished has no end: the last of the mailbox may be what is gone, and a client that
 * asks for all would never hear of it (RFC 7162 3.2.6). */
static void ask_to_the_end(struct fetch *f, struct args set)
{
	struct seqset asked;
	bool over;

	if (!args_set(&set, &asked, &over) || asked.is_saved)
		return;
	seqset_fix(&asked, UINT32_MAX);
	f->asked = asked;
}

void cmd_fetch(struct imap *s)
{
	struct fetch *f = fetch_new();
	struct args *a = &s->call.args, set = *a;
	struct targets t;

	s->call.data = f;
	s->call.drop = fetch_free;
	if (!imap_take_set(s, &t, &f->asked))
		return;
	if (!args_sp(a) || !fetch_take_items(f, a) ||
	    (f->vanished && (!s->qresync || !s->call.is_uid || !f->has_changed_since))) {
		imap_bad(s, "FETCH takes a set and the items wanted");
		return;
	}
	fetch_plan(s, f);
	if (fetch_has_item(f, FETCH_MODSEQ))
		imap_enable_condstore(s);
	if (f->vanished)
		ask_to_the_end(f, set);
	f->uids = mem_new_array(t.n + 1, sizeof(*f->uids));
	if (t.n > 0)
		memcpy(f->uids, t.uids, t.n * sizeof(*f->uids));
	f->n = t.n;
	f->some_gone = t.missing && !s->call.is_uid;
	if (f->vanished &&
	    (s->call.op = view_vanished(s->news.view, f->changed_since, on_vanished, s)) != NULL)
		return;
	ready(s);
}

void fetch_unasked(struct imap *s, struct slice list, const uint32_t *uids, size_t n)
{
	struct fetch *f = fetch_new();
	struct args a = { cursor_of(list), f->arena };

	s->call.data = f;
	s->call.drop = fetch_free;
	if (!fetch_take_list(f, &a) || s->news.view == NULL) {
		imap_end(s, "BAD");
		return;
	}
	fetch_plan(s, f);
	f->sees = false;
	f->uids = mem_new_array(n + 1, sizeof(*f->uids));
	memcpy(f->uids, uids, n * sizeof(*f->uids));
	f->n = n;
	begin(s);
}
