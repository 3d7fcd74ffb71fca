/* ops.c: which request is it, and who answers it? The routes are one table; the answers live in
 * status.c and ops_*.c. */
#include "admin/ops_int.h"

#include <stdlib.h>

#include "core/http.h"
#include "core/loop.h"
#include "core/mem.h"

static const struct route {
	const char *method, *path; /* "*" stands for one segment */
	void (*run)(struct ops_call *c);
} routes[] = {
	{ "GET", "/", ops_home },
	{ "GET", "/health", ops_health },
	{ "GET", "/status.json", ops_status },
	{ "GET", "/metrics", ops_metrics },
	{ "GET", "/queue", ops_queue_list },
	{ "GET", "/queue/*", ops_queue_show },
	{ "POST", "/queue/*/*", ops_queue_act },
	{ "GET", "/ledger", ops_ledger },
	{ "POST", "/passwd", ops_passwd },
	{ "POST", "/reload", ops_reload },
	{ "POST", "/explain", ops_explain },
	{ "POST", "/replay", ops_replay },
	{ "POST", "/spam/classify", ops_spam_classify },
	{ "POST", "/spam/learn", ops_spam_learn },
	{ "GET", "/spam/stats", ops_spam_stats },
	{ "POST", "/spam/relearn", ops_spam_relearn },
	{ "GET", "/spam/lessons", ops_lessons },
	{ "POST", "/spam/lessons", ops_lessons_import },
	{ "GET", "/quarantine", ops_quarantine },
	{ "POST", "/quarantine/*/*/release", ops_quarantine_release },
	{ "POST", "/trace", ops_trace },
	{ "POST", "/expect", ops_expect },
	{ "GET", "/correspondents/*", ops_correspondents },
	{ "POST", "/correspondents/*/forget", ops_correspondent_forget },
	{ "GET", "/reputation", ops_reputation },
	{ "POST", "/reputation/forget", ops_reputation_forget },
	{ "GET", "/undelete", ops_undelete_list },
	{ "POST", "/undelete", ops_undelete },
};

static void call_free(struct ops_call *c)
{
	buf_free(&c->out);
	buf_free(&c->body);
	arena_free(c->arena);
}

void ops_end(struct ops_call *c)
{
	call_free(c);
}

void ops_reply(struct ops_call *c, int status, const char *type, struct slice body)
{
	if (c->on_answer != NULL)
		c->on_answer(c->self, status, type, body);
	call_free(c);
}

void ops_reply_json(struct ops_call *c)
{
	(void)buf_addc(&c->out, '\n');
	if (c->out.failed) {
		(void)err_set(&c->err, ERR_LIMIT,
		    "the answer is larger than %d octets; ask for less", OPS_OUT_MAX);
		ops_fail(c, &c->err);
		return;
	}
	ops_reply(c, 200, "application/json", buf_slice(&c->out));
}

static int status_of(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE: return (200);
	case ERR_PEER:
	case ERR_CANNOT:
	case ERR_LIMIT: return (400);
	case ERR_NOT_FOUND: return (404);
	case ERR_EXISTS: return (409);
	case ERR_NO_SPACE:
	case ERR_OVER_QUOTA:
	case ERR_BUSY:
	case ERR_TEMPORARY: return (503);
	case ERR_PERMANENT: return (500);
	}
	return (500);
}

void ops_fail(struct ops_call *c, const struct err *e)
{
	struct err copy = *e;
	struct json j;

	buf_reset(&c->out);
	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	json_put_stringz(&j, "error", copy.text);
	json_put_stringz(&j, "kind", err_kind_name(copy.kind));
	json_close(&j, '}');
	(void)buf_addc(&c->out, '\n');
	ops_reply(c, status_of(copy.kind), "application/json", buf_slice(&c->out));
}

static void work_run(struct job *j)
{
	struct ops_call *c = (struct ops_call *)j;

	c->work(c);
}

static void work_done(struct job *j)
{
	struct ops_call *c = (struct ops_call *)j;

	if (c->err.kind != ERR_NONE) {
		ops_fail(c, &c->err);
		return;
	}
	if (c->settled != NULL)
		c->settled(c);
	ops_reply_json(c);
}

void ops_work(struct ops_call *c, enum store_lane lane, void (*work)(struct ops_call *c),
    void (*settled)(struct ops_call *c))
{
	ops_work_as(c, lane, work, settled, work_done);
}

void ops_work_as(struct ops_call *c, enum store_lane lane, void (*work)(struct ops_call *c),
    void (*settled)(struct ops_call *c), void (*done)(struct job *j))
{
	c->work = work;
	c->settled = settled;
	c->job = (struct job){ .run = work_run, .done = done };
	if (lane_put(store_lane(c->ops->store, lane), &c->job) == -1) {
		(void)err_set(&c->err, ERR_BUSY,
		    "the server is busy with other requests; try again in a moment");
		ops_fail(c, &c->err);
	}
}

/* Does the path fit the pattern? Segments that stand for "*" are unescaped into c->arg. */
static bool path_fits(struct ops_call *c, const char *pattern)
{
	struct slice want = slice_of(pattern), have = c->q.path, w, h;
	bool more_want, more_have;
	size_t args = 0;

	do {
		more_want = slice_cut(want, '/', &w, &want);
		more_have = slice_cut(have, '/', &h, &have);
		if (more_want != more_have)
			return (false);
		if (slice_eq(w, SLICE("*")) && h.n > 0 && args < COUNT_OF(c->arg))
			c->arg[args++] = h;
		else if (!slice_eq(w, h))
			return (false);
	} while (more_want);
	return (true);
}

static void call_start(void *self)
{
	struct ops_call *c = self;
	bool path_known = false;

	c->start = NULL;
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		if (!path_fits(c, routes[i].path))
			continue;
		path_known = true;
		if (slice_eq(c->q.method, slice_of(routes[i].method))) {
			routes[i].run(c);
			return;
		}
	}
	ops_reply(c, path_known ? 405 : 404, "text/plain",
	    path_known ? SLICE("this page cannot be asked with that method\n")
		       : SLICE("no such page\n"));
}

struct ops_call *ops_run(
    struct ops *o, const struct ops_request *q, ops_answer *on_answer, void *self)
{
	struct arena *a = arena_new(0);
	struct ops_call *c = arena_alloc(a, sizeof(*c));

	c->arena = a;
	c->ops = o;
	c->q = (struct ops_request){ .method = arena_dup(a, q->method),
		.path = arena_dup(a, q->path),
		.query = arena_dup(a, q->query) };
	if (q->taken != NULL) {
		c->body = *q->taken;
		*q->taken = (struct buf){ 0 };
		c->q.body = buf_slice(&c->body);
	} else {
		c->q.body = arena_dup(a, q->body);
	}
	c->on_answer = on_answer;
	c->self = self;
	buf_init(&c->out, OPS_OUT_MAX);
	c->start = loop_later(o->loop, call_start, c);
	return (c);
}

void ops_cancel(struct ops_call *c)
{
	if (c == NULL)
		return;
	c->on_answer = NULL;
	if (c->start != NULL) {
		later_cancel(c->start);
		call_free(c);
	} else if (c->on_cancel != NULL) {
		c->on_cancel(c);
	}
}

static int hex_digit(char ch)
{
	if (ascii_digit(ch))
		return (ch - '0');
	ch = ascii_lower(ch);
	return (ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1);
}

struct slice ops_unescape(struct arena *a, struct slice s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int high = -1;

		if (s.p[i] == '%' && s.n - i > 2)
			high = hex_digit(s.p[i + 1]);
		if (high >= 0 && hex_digit(s.p[i + 2]) >= 0) {
			out[n++] = (char)(high * 16 + hex_digit(s.p[i + 2]));
			i += 2;
		} else {
			out[n++] = s.p[i] == '+' ? ' ' : s.p[i];
		}
	}
	return ((struct slice){ out, n });
}

struct slice ops_param(struct ops_call *c, const char *name)
{
	struct slice rest = c->q.query, pair, key, value;

	while (rest.n > 0) {
		(void)slice_cut(rest, '&', &pair, &rest);
		(void)slice_cut(pair, '=', &key, &value);
		if (slice_eq(key, slice_of(name)))
			return (ops_unescape(c->arena, value));
	}
	return ((struct slice){ NULL, 0 });
}

/* --- over HTTP --- */

struct over_http {
	struct http_reply *reply;
	struct ops_call *call;
};

static void http_answer(void *self, int status, const char *type, struct slice body)
{
	struct over_http *h = self;

	http_reply_send(h->reply, status, type, body);
	free(h);
}

static void http_gone(void *self)
{
	struct over_http *h = self;

	ops_cancel(h->call);
	free(h);
}

void ops_http(void *ops, const struct http_request *q, struct http_reply *r)
{
	struct over_http *h = NEW(struct over_http);
	struct buf body = http_reply_take_body(r);
	struct ops_request request = { q->method, q->path, q->query, buf_slice(&body), &body };

	h->reply = r;
	http_reply_on_gone(r, http_gone, h);
	h->call = ops_run(ops, &request, http_answer, h);
}
