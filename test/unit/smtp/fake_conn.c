/* fake_conn.c: see fake_conn.h. Deadlines never come, TLS is a flag. */
#include "fake_conn.h"

#include <stdlib.h>

#include "core/loop.h"
#include "core/mem.h"

struct conn {
	struct loop *loop;
	const struct conn_events *events;
	void *self;
	struct buf input, output;
	struct ip peer;
	struct later *later;
	const char *why;
	bool tls, closing, over;
};

struct conn *fake_conn_new(struct loop *l, bool tls)
{
	struct conn *c = NEW(struct conn);

	c->loop = l;
	c->tls = tls;
	buf_init(&c->input, 1 << 24);
	buf_init(&c->output, 1 << 24);
	(void)ip_parse(SLICE("192.0.2.1"), &c->peer);
	return (c);
}

void fake_conn_free(struct conn *c)
{
	buf_free(&c->input);
	buf_free(&c->output);
	free(c);
}

void fake_conn_feed(struct conn *c, struct slice octets)
{
	if (c->closing || c->over)
		return;
	(void)buf_add_slice(&c->input, octets);
	c->events->on_input(c->self);
}

static void on_close_turn(void *self)
{
	struct conn *c = self;

	c->later = NULL;
	c->over = true;
	c->events->on_closed(c->self, c->why);
}

void fake_conn_hang_up(struct conn *c)
{
	conn_abort(c, "peer gone");
}

struct slice fake_conn_output(const struct conn *c)
{
	return (buf_slice(&c->output));
}

bool fake_conn_is_over(const struct conn *c)
{
	return (c->over);
}

void conn_own(struct conn *c, const struct conn_events *ev, void *self)
{
	c->events = ev;
	c->self = self;
}

struct slice conn_input(const struct conn *c)
{
	return (c->closing ? (struct slice){ c->input.p, 0 } : buf_slice(&c->input));
}

void conn_consume(struct conn *c, size_t n)
{
	buf_drop(&c->input, n);
}

uint64_t conn_received(const struct conn *c)
{
	(void)c;
	return (0);
}

void conn_send(struct conn *c, const void *p, size_t n)
{
	if (!c->closing)
		(void)buf_add(&c->output, p, n);
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
	va_list ap;

	va_start(ap, fmt);
	if (!c->closing)
		(void)buf_vfmt(&c->output, fmt, ap);
	va_end(ap);
}

void conn_deadline(struct conn *c, unsigned seconds, const char *phase)
{
	(void)c;
	(void)seconds;
	(void)phase;
}

void conn_on_deadline(struct conn *c, void (*on_expired)(void *self, const char *phase))
{
	(void)c;
	(void)on_expired;
}

static void on_secure_turn(void *self)
{
	struct conn *c = self;

	c->later = NULL;
	c->tls = true;
	c->events->on_secure(c->self);
}

int conn_start_tls(struct conn *c, struct tls *t)
{
	(void)t;
	if (c->input.n > 0)
		return (-1);
	c->later = loop_later(c->loop, on_secure_turn, c);
	return (0);
}

bool conn_is_tls(const struct conn *c)
{
	return (c->tls);
}

const char *conn_tls_text(const struct conn *c)
{
	return (c->tls ? "TLS1.3 TLS_AES_256_GCM_SHA384" : "");
}

const struct ip *conn_peer(const struct conn *c)
{
	return (&c->peer);
}

void conn_set_trusted(struct conn *c)
{
	(void)c;
}

void conn_close(struct conn *c, const char *why)
{
	if (c->closing)
		return;
	c->closing = true;
	c->why = why;
	later_cancel(c->later);
	c->later = loop_later(c->loop, on_close_turn, c);
}

void conn_abort(struct conn *c, const char *why)
{
	conn_close(c, why);
}
