/* dial.c: which of these addresses answers first? One after the other, in the order given: mail exchangers are preferences,
 * not a race. Leaves what to say to the receiver. Failures: ERR_TEMPORARY with the last address and its reason. */
#include "core/dial.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/conn_int.h"
#include "core/mem.h"

enum { ADDRESS_SECONDS = 30 };

struct attempt { /* lives until libuv has called back, whatever became of the dial */
	uv_connect_t req;
	struct dial *dial; /* NULL once nobody cares */
	struct conn *conn;
};

struct dial {
	struct loop *loop;
	struct dial_to *to;
	size_t n, at; /* ${at}: the address under way */
	bool has_v4, has_v6;
	struct ip source_v4, source_v6;
	struct attempt *attempt;
	struct timer *total, *each;
	struct later next;
	char *path; /* unix socket instead of addresses */
	struct err err;
	void (*on_dialled)(void *self, struct conn *c, size_t index, const struct err *err);
	void *self;
};

static void on_next(void *self);

static void drop_attempt(struct dial *d)
{
	struct attempt *a = d->attempt;

	d->attempt = NULL;
	if (a == NULL)
		return;
	a->dial = NULL;
	if (a->conn != NULL)
		conn_abort(a->conn, "cancelled");
	a->conn = NULL;
}

void dial_cancel(struct dial *d)
{
	if (d == NULL)
		return;
	loop_drop(&d->next);
	timer_cancel(d->total);
	timer_cancel(d->each);
	drop_attempt(d);
	free(d->to);
	free(d->path);
	free(d);
}

static void end(struct dial *d, struct conn *c)
{
	void (*on_dialled)(void *self, struct conn *conn, size_t index, const struct err *err) =
	    d->on_dialled;
	struct err err = d->err;
	void *self = d->self;
	size_t index = d->at;

	dial_cancel(d); /* frees; the connection is no longer its */
	on_dialled(self, c, index, c == NULL ? &err : NULL);
}

static void note(struct dial *d, const char *why)
{
	char text[IP_TEXT];

	if (d->path != NULL) {
		(void)err_set(&d->err, ERR_TEMPORARY, "connect to %s: %s", d->path, why);
	} else {
		const struct dial_to *to = &d->to[d->at];

		(void)err_set(&d->err, ERR_TEMPORARY, to->ip.is_v6 ? "connect to [%s]:%u: %s" :
		    "connect to %s:%u: %s", ip_text(&to->ip, text), to->port, why);
	}
}

static void try_next(struct dial *d) /* on the next turn: a start never calls back at once */
{
	timer_cancel(d->each);
	d->each = NULL;
	drop_attempt(d);
	d->at++;
	loop_put(d->loop, &d->next);
}

static void on_connect(uv_connect_t *req, int status)
{
	struct attempt *a = req->data;
	struct dial *d = a->dial;
	struct conn *c = a->conn;

	free(a);
	if (d == NULL)
		return;
	d->attempt = NULL;
	if (status == 0) {
		conn_connected(c);
		end(d, c);
		return;
	}
	conn_abort(c, uv_strerror(status));
	note(d, uv_strerror(status));
	try_next(d);
}

static void on_each(void *self)
{
	struct dial *d = self;

	d->each = NULL;
	note(d, "timeout");
	try_next(d);
}

static void on_total(void *self)
{
	struct dial *d = self;

	d->total = NULL;
	if (d->at < d->n)
		note(d, "timeout");
	end(d, NULL);
}

static int connect_tcp(struct dial *d, struct attempt *a)
{
	const struct dial_to *to = &d->to[d->at];
	const struct ip *source = to->ip.is_v6 ? (d->has_v6 ? &d->source_v6 : NULL) :
						 (d->has_v4 ? &d->source_v4 : NULL);
	struct sockaddr_storage ss;
	int failed;

	if (source != NULL) {
		(void)ip_to_sockaddr(source, 0, &ss);
		if ((failed = uv_tcp_bind(&a->conn->h.tcp, (struct sockaddr *)&ss, 0)) != 0)
			return (failed);
	}
	(void)ip_to_sockaddr(&to->ip, to->port, &ss);
	return (uv_tcp_connect(&a->req, &a->conn->h.tcp, (struct sockaddr *)&ss, on_connect));
}

static void on_next(void *self)
{
	struct dial *d = self;
	struct attempt *a;
	int failed = 0;

	if (d->at >= d->n) {
		if (d->err.kind == ERR_NONE)
			(void)err_set(&d->err, ERR_TEMPORARY, "connect: no address to try");
		d->at = d->n > 0 ? d->n - 1 : 0;
		end(d, NULL);
		return;
	}
	a = NEW(struct attempt);
	a->dial = d;
	a->req.data = a;
	a->conn = conn_new(d->loop, d->path != NULL);
	d->attempt = a;
	if (d->path != NULL)
		uv_pipe_connect(&a->req, &a->conn->h.pipe, d->path, on_connect);
	else
		failed = connect_tcp(d, a);
	if (failed != 0) { /* no callback will come */
		note(d, uv_strerror(failed));
		conn_abort(a->conn, uv_strerror(failed));
		d->attempt = NULL;
		free(a);
		try_next(d);
		return;
	}
	d->each = timer_start(d->loop, ADDRESS_SECONDS * 1000, on_each, d);
}

static struct dial *make(struct loop *l, size_t n,
    void (*on_dialled)(void *self, struct conn *c, size_t index, const struct err *err), void *self)
{
	struct dial *d = NEW(struct dial);

	d->loop = l;
	d->n = n;
	d->next = (struct later){ .on_turn = on_next, .self = d };
	d->on_dialled = on_dialled;
	d->self = self;
	loop_put(l, &d->next);
	return (d);
}

struct dial *dial_start(struct loop *l, const struct dial_to *to, size_t n, const struct ip *source_v4,
    const struct ip *source_v6, unsigned seconds,
    void (*on_dialled)(void *self, struct conn *c, size_t index, const struct err *err), void *self)
{
	struct dial *d = make(l, n, on_dialled, self);

	if (n > 0) {
		d->to = mem_new_array(n, sizeof(*to));
		memcpy(d->to, to, n * sizeof(*to));
	}
	if ((d->has_v4 = source_v4 != NULL))
		d->source_v4 = *source_v4;
	if ((d->has_v6 = source_v6 != NULL))
		d->source_v6 = *source_v6;
	d->total = timer_start(l, (uint64_t)seconds * 1000, on_total, d);
	return (d);
}

struct dial *dial_unix(struct loop *l, const char *path,
    void (*on_dialled)(void *self, struct conn *c, size_t index, const struct err *err), void *self)
{
	struct dial *d = make(l, 1, on_dialled, self);

	d->path = mem_strdup(path);
	return (d);
}
