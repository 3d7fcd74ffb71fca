/* CATENATE: what does a URL of it name, and how does that get into the draft? The message is read
 * on a read lane, a slice at a time, and the next slice waits until the draft has room, so memory
 * does not depend on the size. What is read is not marked as seen. Failures: BADURL, for whatever
 * is not there or not ours; TOOBIG as soon as the sum is known. RFC 4469 3, 4; RFC 5092. */
#include "imap/append.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "imap/url.h"

enum { PIECE_SLICE = 131072 };

struct piece { /* owned by the visit while it runs */
	struct arena *arena;
	struct slice text;
	struct imap_url url;
	struct folder *folder;
	bool begun, missing;
	uint64_t size;     /* once begun: octets in all */
	uint64_t at, left; /* in the message */
	bool is_counted;   /* loop: size was added up */
	struct buf out;
};

static void piece_free(void *data)
{
	struct piece *p = data;

	buf_free(&p->out);
	arena_free(p->arena);
}

void piece_forget(struct append *x)
{
	if (x->piece != NULL && !x->visiting)
		piece_free(x->piece);
	x->piece = NULL;
}

/* --- on the worker --- */

static bool begin_fields(struct piece *p, const struct visit_message *m, struct extent x)
{
	const struct section *sec = &p->url.section;
	struct buf head = BUF_INIT(SECTION_HEADER_MAX), out = BUF_INIT(SECTION_HEADER_MAX);
	uint64_t at = 0, n;
	struct err err;
	bool ok = x.n <= SECTION_HEADER_MAX && visit_read(m->visit, x.at, x.n, &head, &err) == 0;

	if (ok) {
		section_fields(sec, buf_slice(&head), &out);
		n = out.n;
		section_clip(sec, &at, &n);
		(void)buf_add_slice(
		    &p->out, slice_head(slice_from(buf_slice(&out), (size_t)at), (size_t)n));
		p->size = n;
	}
	buf_free(&head);
	buf_free(&out);
	return (ok);
}

static bool begin_piece(struct piece *p, const struct visit_message *m)
{
	const struct section *sec = &p->url.section;
	struct extent x;

	if (m->unreadable || !section_find(m, sec, &x))
		return (false);
	if (sec->text == SECTION_FIELDS || sec->text == SECTION_FIELDS_NOT)
		return (begin_fields(p, m, x));
	section_clip(sec, &x.at, &x.n);
	p->size = p->left = x.n;
	p->at = x.at;
	return (true);
}

static enum visit_next on_message(void *ctx, const struct visit_message *m)
{
	struct piece *p = ctx;
	uint64_t n;
	struct err err;

	if (!p->begun) {
		p->begun = true;
		p->missing = !begin_piece(p, m);
		/* nothing is read before the sum was looked at */
		return (p->missing || p->left == 0 ? VISIT_DONE : VISIT_AGAIN);
	}
	n = p->left < PIECE_SLICE ? p->left : PIECE_SLICE;
	if (visit_read(m->visit, p->at, n, &p->out, &err) == -1 || p->out.n != n) {
		p->missing = true;
		return (VISIT_DONE);
	}
	p->at += n;
	p->left -= n;
	return (p->left > 0 ? VISIT_AGAIN : VISIT_DONE);
}

/* --- back on the loop --- */

static const char *bad_url(struct append *x, struct slice text)
{
	struct buf out = BUF_INIT(L_URL * 3 + 256);
	const char *ret;

	(void)buf_addz(&out, "NO [BADURL "); /* RFC 4469 4.1 */
	(void)url_escape(text.n > 0 ? text : SLICE("-"), &out);
	(void)buf_addz(&out, "] This names no message here");
	ret = arena_strdup(x->s->call.arena, buf_slice(&out));
	buf_free(&out);
	return (ret);
}

/* The words go on; later reading goes on. */
static void go_on(struct append *x)
{
	struct imap *s = x->s;

	append_words(x); /* may end the command */
	if (s->reading != READING_NONE)
		imap_run(s);
}

static void count(struct append *x, struct piece *p)
{
	const char *why;

	if (p->is_counted || p->missing)
		return;
	p->is_counted = true;
	if ((why = append_refusal(x, p->size)) != NULL)
		append_refuse(x, why);
	x->size += p->size;
	x->total += p->size;
}

static void on_slice(void *self)
{
	struct imap *s = self;
	struct append *x = s->call.data;
	struct piece *p = x->piece;
	bool room;

	count(x, p);
	if (x->refused == NULL)
		x->v[x->n - 1].old_nul |=
		    p->out.n > 0 && memchr(p->out.p, '\0', p->out.n) != NULL;
	room = append_add(x, buf_slice(&p->out));
	buf_reset(&p->out);
	if (x->refused != NULL && p->left > 0) { /* no use in reading on */
		visit_cancel(s->call.visit); /* frees it */
		s->call.visit = NULL;
		x->visiting = false;
		x->piece = NULL;
		go_on(x);
	} else if (room) {
		visit_go_on(s->call.visit);
	}
}

void catenate_has_room(struct append *x)
{
	if (x->s->call.visit != NULL)
		visit_go_on(x->s->call.visit);
}

static void on_end(void *self, const struct err *err)
{
	struct imap *s = self;
	struct append *x = s->call.data;
	struct piece *p = x->piece;

	s->call.visit = NULL;
	x->visiting = false;
	if (err != NULL)
		append_refuse(x, "NO [UNAVAILABLE] A message could not be read now");
	else if (p->missing || !p->begun)
		append_refuse(x, bad_url(x, p->text));
	x->piece = NULL;
	piece_free(p);
	go_on(x);
}

static void start(struct append *x)
{
	static const struct visitor visitor = { on_message, on_slice, on_end };
	struct piece *p = x->piece;
	struct imap *s = x->s;

	s->call.visit = visit_start(
	    p->folder, &p->url.uid, 1, VISIT_MAP | VISIT_FILE, &visitor, s, p, piece_free);
	x->visiting = s->call.visit != NULL;
	if (!x->visiting)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}

static void refuse(struct append *x)
{
	struct piece *p = x->piece;

	append_refuse(x, bad_url(x, p->text));
	x->piece = NULL;
	piece_free(p);
}

static void on_status(void *self, const struct folder_status *st, const struct err *err)
{
	struct imap *s = self;
	struct append *x = s->call.data;

	s->call.op = NULL;
	if (err == NULL && st->uidvalidity == x->piece->url.uidvalidity) /* RFC 5092 5 */
		start(x);
	else {
		refuse(x);
		go_on(x);
	}
}

/* --- what it names --- */

/* RFC 4469 3: nothing but what this user finds on this server. */
static bool is_ours(const struct imap *s, const struct imap_url *url)
{
	const struct cfg *cfg = s->server->cfg;
	const struct cfg_account *a = account_cfg(s->account);

	if (url->host.n > 0 && !slice_ieq(url->host, slice_of(cfg->hostname)))
		return (false);
	return (url->user.n == 0 || (a != NULL && cfg_login(cfg, url->user) == a));
}

bool catenate_url(struct append *x, struct slice text)
{
	struct imap *s = x->s;
	struct arena *arena = arena_new(0);
	struct piece *p = arena_alloc(arena, sizeof(*p));

	p->arena = arena;
	p->text = arena_dup(arena, slice_head(text, L_URL));
	buf_init(&p->out, SECTION_HEADER_MAX);
	x->piece = p;
	if (text.n <= L_URL && url_parse(arena, p->text, &p->url) && is_ours(s, &p->url)) {
		if (p->url.mailbox.p != NULL)
			p->folder = folder_find(s->account, p->url.mailbox);
		else if (s->news.view != NULL && !s->view_gone) /* RFC 5092 7.2 */
			p->folder = view_folder(s->news.view);
	}
	if (p->folder == NULL) {
		refuse(x);
		return (false);
	}
	conn_hold(s->conn, true);
	conn_deadline(s->conn, 0, "command");
	if (p->url.uidvalidity == 0)
		start(x);
	else if ((s->call.op = folder_status(p->folder, on_status, s)) == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
	return (true);
}
