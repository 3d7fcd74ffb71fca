/* ends.h: two ends of a connection inside one test. Each records what it is told; hooks act on it. */
#ifndef TEST_ENDS_H
#define TEST_ENDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conn.h"
#include "core/dial.h"
#include "core/listen.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/clock.h"

struct end {
	struct conn *conn; /* NULL before and after */
	struct buf got;
	unsigned inputs, drains, secures, closes;
	char why[256];
	bool keeps; /* leaves input unread */
	void (*on_input)(struct end *e);
	void (*on_drain)(struct end *e);
	void (*on_secure)(struct end *e);
	void (*on_closed)(struct end *e);
	struct pair *pair;
};

struct pair {
	struct loop *loop;
	struct listeners *listeners;
	struct dial *dial;
	struct timer *guard;
	struct end server, client;
	void (*on_server)(struct pair *p); /* right after accept */
	void (*on_client)(struct pair *p);
	bool stop_when_closed, timed_out;
};

static inline void end_input(void *self)
{
	struct end *e = self;
	struct slice in = conn_input(e->conn);

	e->inputs++;
	if (!e->keeps) {
		(void)buf_add_slice(&e->got, in);
		conn_consume(e->conn, in.n);
	}
	if (e->on_input != NULL)
		e->on_input(e);
}

static inline void end_drain(void *self)
{
	struct end *e = self;

	e->drains++;
	if (e->on_drain != NULL)
		e->on_drain(e);
}

static inline void end_secure(void *self)
{
	struct end *e = self;

	e->secures++;
	if (e->on_secure != NULL)
		e->on_secure(e);
}

static inline void end_closed(void *self, const char *why)
{
	struct end *e = self;

	e->closes++;
	(void)snprintf(e->why, sizeof(e->why), "%s", why);
	e->conn = NULL;
	if (e->on_closed != NULL)
		e->on_closed(e);
	if (e->pair->stop_when_closed && e->pair->server.conn == NULL && e->pair->client.conn == NULL)
		loop_stop(e->pair->loop);
}

static const struct conn_events end_events = { end_input, end_drain, end_secure, end_closed };

static inline void pair_accepted(void *self, struct conn *c)
{
	struct pair *p = self;

	p->server.conn = c;
	conn_own(c, &end_events, &p->server);
	if (p->on_server != NULL)
		p->on_server(p);
}

static inline void pair_dialled(void *self, struct conn *c, size_t index, const struct err *err)
{
	struct pair *p = self;

	(void)index;
	p->dial = NULL;
	if (c == NULL) {
		(void)snprintf(p->client.why, sizeof(p->client.why), "%s", err->text);
		loop_stop(p->loop);
		return;
	}
	p->client.conn = c;
	conn_own(c, &end_events, &p->client);
	if (p->on_client != NULL)
		p->on_client(p);
}

static inline void pair_guard(void *self)
{
	struct pair *p = self;

	p->guard = NULL;
	p->timed_out = true;
	loop_stop(p->loop);
}

static inline struct dial_to pair_to(const struct pair *p)
{
	struct dial_to to = { .ip = { .octets = { 127, 0, 0, 1 } } };

	to.port = listeners_port(p->listeners, 0);
	return (to);
}

static inline void pair_init(struct pair *p)
{
	static const struct listen_caps caps = { 100, 100, 100, 1000 };
	struct ip ip = { .octets = { 127, 0, 0, 1 } };
	struct err err;

	memset(p, 0, sizeof(*p));
	p->stop_when_closed = true;
	p->server.pair = p->client.pair = p;
	buf_init(&p->server.got, 1 << 24);
	buf_init(&p->client.got, 1 << 24);
	p->loop = loop_new();
	p->listeners = listeners_new(p->loop, &caps);
	if (listen_bind(p->listeners, false, &ip, 0, pair_accepted, p, "421 too many\r\n", &err) != 0)
		abort();
	listeners_start(p->listeners);
	p->guard = timer_start(p->loop, 20000, pair_guard, p);
}

static inline void pair_run(struct pair *p)
{
	struct dial_to to = pair_to(p);

	p->dial = dial_start(p->loop, &to, 1, NULL, NULL, 10, pair_dialled, p);
	loop_run(p->loop);
}

static inline void pair_done(struct pair *p)
{
	timer_cancel(p->guard);
	dial_cancel(p->dial);
	listeners_free(p->listeners);
	loop_free(p->loop);
	buf_free(&p->server.got);
	buf_free(&p->client.got);
}

#endif
