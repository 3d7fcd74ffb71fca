/* conn_out.c: how do octets leave? What one turn sends waits for its end and goes out in one write; what the kernel will not take
 * waits behind it, within L_IOUT. A closing connection sends the rest, then says goodbye. Leaves encrypting to conn_tls.c.
 * Failures: a peer that is gone, or that takes nothing while we go on producing, closes the connection. */
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/conn_int.h"
#include "core/limits.h"
#include "core/mem.h"

struct write {
	uv_write_t req;
	struct conn *conn;
	size_t n;
	char octets[];
};

static void on_shut(uv_shutdown_t *req, int status)
{
	(void)req; /* a failure shows as the end of reading, or at the timer */
	(void)status;
}

/* finish: a closing connection whose output has gone says goodbye. The owner is told at once; the socket stays a little,
 * since closing it with input unread would reset it and could destroy our last words on their way. */
static void finish(struct conn *c)
{
	if (c->has_shut)
		return;
	if (c->tls != NULL) {
		conn_tls_goodbye(c);
		if (c->state != CONN_CLOSING || c->writing > 0)
			return; /* again when it is written */
	}
	c->has_shut = true;
	c->state = CONN_LINGERING;
	c->close_at = clock_ms() + CONN_LINGER_MS;
	c->wants_closed = true;
	loop_put(c->loop, &c->event);
	if (uv_shutdown(&c->shut, &c->h.stream, on_shut) != 0) {
		conn_abort(c, "closed");
		return;
	}
	conn_timer(c);
	conn_settle_reading(c);
}

static void written(struct conn *c)
{
	if (c->state == CONN_CLOSING && conn_queued(c) == 0)
		finish(c);
	else if (c->was_full && conn_queued(c) < CONN_LOW) {
		c->was_full = false;
		if (c->state == CONN_OPEN && c->ev != NULL && c->ev->on_drain != NULL)
			c->ev->on_drain(c->self);
	}
	conn_settle_reading(c);
}

static void on_written(uv_write_t *req, int status)
{
	struct write *w = req->data;
	struct conn *c = w->conn;

	free(w);
	c->writing = 0;
	c->stall_at = 0;
	if (c->state == CONN_DEAD)
		return;
	if (status < 0) {
		conn_fail(c, "%s", uv_strerror(status));
		return;
	}
	if (c->wire.n > 0) {
		struct buf next = c->wire;

		buf_init(&c->wire, next.max);
		conn_wire(c, buf_slice(&next));
		buf_free(&next);
	}
	conn_pump(c);
	if (c->state != CONN_DEAD && c->writing == 0)
		written(c);
}

static void write_later(struct conn *c, struct slice s)
{
	struct write *w = mem_new(sizeof(*w) + s.n);
	uv_buf_t b;
	int failed;

	w->conn = c;
	w->n = s.n;
	w->req.data = w;
	memcpy(w->octets, s.p, s.n);
	b = uv_buf_init(w->octets, (unsigned)s.n);
	c->writing = s.n;
	if ((failed = uv_write(&w->req, &c->h.stream, &b, 1, on_written)) != 0) {
		free(w);
		c->writing = 0;
		conn_fail(c, "%s", uv_strerror(failed));
		return;
	}
	c->stall_size = c->h.stream.write_queue_size;
	c->stall_at = clock_ms() + (uint64_t)L_ISTALL_SECONDS * 1000;
	conn_timer(c);
}

void conn_wire(struct conn *c, struct slice s)
{
	uv_buf_t b = uv_buf_init((char *)(uintptr_t)s.p, (unsigned)s.n);
	int n;

	if (c->state == CONN_DEAD || s.n == 0)
		return;
	if (c->writing > 0) {
		if (buf_add_slice(&c->wire, s) != 0)
			conn_abort(c, "output queue full");
		return;
	}
	n = uv_try_write(&c->h.stream, &b, 1);
	if (n < 0 && n != UV_EAGAIN) {
		conn_fail(c, "%s", uv_strerror(n));
		return;
	}
	s = slice_from(s, n < 0 ? 0 : (size_t)n);
	if (s.n > 0)
		write_later(c, s);
}

void conn_pump(struct conn *c)
{
	while (c->state != CONN_DEAD && c->writing == 0 && c->out.n > 0 && c->is_connected) {
		struct buf now = c->out;

		if (c->tls != NULL && !c->tls->is_ready)
			return;
		if (c->deflate != NULL) {
			conn_deflate_flush(c);
			continue;
		}
		if (c->tls != NULL) {
			conn_tls_flush(c);
			continue;
		}
		buf_init(&c->out, now.max);
		conn_wire(c, buf_slice(&now));
		buf_free(&now);
	}
	if (c->out.n == 0)
		buf_free(&c->out);
}

void conn_flush_turn(void *self)
{
	struct conn *c = self;

	conn_pump(c);
	if (c->state != CONN_DEAD && c->writing == 0 && c->is_connected)
		written(c);
}

/* What stands in c->out from ${from} on was added. */
static void sent(struct conn *c, size_t from)
{
	if (c->out.failed) {
		conn_abort(c, "output queue full");
		return;
	}
	if (c->tap != NULL)
		c->tap->on_sent(c->tap->self, slice_from(buf_slice(&c->out), from));
	if (conn_queued(c) >= CONN_LOW)
		c->was_full = true;
	loop_put_flush(c->loop, &c->flush);
}

void conn_send(struct conn *c, const void *p, size_t n)
{
	size_t from = c->out.n;

	if (c->state != CONN_OPEN || n == 0)
		return;
	if (conn_queued(c) + n > L_IOUT + CONN_CONGESTED) {
		conn_abort(c, "output queue full");
		return;
	}
	(void)buf_add(&c->out, p, n);
	sent(c, from);
}

void conn_send_slice(struct conn *c, struct slice s)
{
	conn_send(c, s.p, s.n);
}

void conn_sendz(struct conn *c, const char *z)
{
	conn_send_slice(c, slice_of(z));
}

void conn_sendf(struct conn *c, const char *fmt, ...)
{
	size_t from = c->out.n;
	va_list ap;

	if (c->state != CONN_OPEN)
		return;
	va_start(ap, fmt);
	(void)buf_vfmt(&c->out, fmt, ap);
	va_end(ap);
	sent(c, from);
}

size_t conn_queued(const struct conn *c)
{
	return (c->out.n + c->wire.n + c->writing);
}

bool conn_congested(const struct conn *c)
{
	return (conn_queued(c) > CONN_CONGESTED);
}
