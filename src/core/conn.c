/* conn.c: how do octets come and go? Input is kept until consumed, output until the kernel takes it; both are bounded and
 * both stop the other side when they are full. Everything that one turn sends goes out in one write. Leaves TLS records to
 * conn_tls.c, output to conn_out.c, whom to admit to listen.c, whom to call to dial.c.
 * Failures: whatever goes wrong closes the connection; the owner hears why, once, in on_closed. */
#include "core/conn.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/conn_int.h"
#include "core/limits.h"
#include "core/mem.h"

static void on_timer(uv_timer_t *h);
static void on_event_turn(void *self);

/* --- birth and death --- */

static void on_handle_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	const struct conn_events *ev = c->ev;

	if (--c->handles > 0)
		return;
	if (c->watch.on_gone != NULL)
		c->watch.on_gone(c->watch.self);
	c->ev = NULL;
	if (ev != NULL)
		ev->on_closed(c->self, c->why);
	loop_drop(&c->event);
	loop_drop(&c->flush);
	conn_tls_free(c->tls);
	conn_deflate_free(c->deflate);
	buf_free(&c->in);
	buf_free(&c->out);
	buf_free(&c->wire);
	free(c);
}

/* loop_free took the loop away: no owner is told any more. */
static void on_loop_gone(uv_handle_t *h)
{
	struct conn *c = h->data;

	c->ev = NULL;
	on_handle_closed(h);
}

struct conn *conn_new(struct loop *l, bool is_unix)
{
	struct conn *c = NEW(struct conn);

	loop_assert(l);
	c->owned.on_close = on_loop_gone;
	c->loop = l;
	c->mark = CONN_MARK;
	buf_init(&c->in, CONN_MARK + LOOP_READ);
	buf_init(&c->out, L_IOUT + CONN_CONGESTED);
	buf_init(&c->wire, L_IOUT + CONN_CONGESTED);
	c->event = (struct later){ .on_turn = on_event_turn, .self = c };
	c->flush = (struct later){ .on_turn = conn_flush_turn, .self = c };
	if (is_unix)
		(void)uv_pipe_init(&l->uv, &c->h.pipe, 0);
	else
		(void)uv_tcp_init(&l->uv, &c->h.tcp);
	c->h.stream.data = c;
	(void)uv_timer_init(&l->uv, &c->timer);
	c->timer.data = c;
	c->handles = 2;
	/* A unix socket has no address: whoever may open it is on this host. */
	c->peer.octets[0] = c->local.octets[0] = 127;
	c->peer.octets[3] = c->local.octets[3] = 1;
	return (c);
}

static unsigned port_of(const struct sockaddr_storage *ss)
{
	if (ss->ss_family == AF_INET6)
		return (ntohs(((const struct sockaddr_in6 *)(const void *)ss)->sin6_port));
	return (ntohs(((const struct sockaddr_in *)(const void *)ss)->sin_port));
}

void conn_connected(struct conn *c)
{
	struct sockaddr_storage ss;
	int n = sizeof(ss);

	c->is_connected = true;
	if (c->h.stream.type == UV_TCP) {
		(void)uv_tcp_nodelay(&c->h.tcp, 1); /* a turn's replies are one write already */
		(void)uv_tcp_keepalive(&c->h.tcp, 1, 120);
		if (uv_tcp_getpeername(&c->h.tcp, (struct sockaddr *)&ss, &n) == 0) {
			ip_from_sockaddr((struct sockaddr *)&ss, &c->peer);
			c->peer_port = port_of(&ss);
		}
		n = sizeof(ss);
		if (uv_tcp_getsockname(&c->h.tcp, (struct sockaddr *)&ss, &n) == 0) {
			ip_from_sockaddr((struct sockaddr *)&ss, &c->local);
			c->local_port = port_of(&ss);
		}
	}
	conn_settle_reading(c);
}

void conn_abort(struct conn *c, const char *why)
{
	if (c == NULL || c->state == CONN_DEAD)
		return;
	loop_assert(c->loop);
	if (c->why[0] == '\0')
		(void)snprintf(c->why, sizeof(c->why), "%s", why);
	c->state = CONN_DEAD;
	loop_drop(&c->event);
	loop_drop(&c->flush);
	c->owned.on_close = on_handle_closed;
	uv_close((uv_handle_t *)&c->h.stream, on_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}

void conn_fail(struct conn *c, const char *fmt, ...)
{
	va_list ap;
	char why[CONN_WHY];

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	conn_abort(c, why);
}

void conn_close(struct conn *c, const char *why)
{
	if (c == NULL || c->state != CONN_OPEN)
		return;
	loop_assert(c->loop);
	if (!c->is_connected) {
		conn_abort(c, why);
		return;
	}
	(void)snprintf(c->why, sizeof(c->why), "%s", why);
	c->state = CONN_CLOSING;
	buf_free(&c->in);
	c->in_at = 0;
	c->wants_input = false;
	if (c->tls != NULL && !c->tls->is_ready)
		buf_free(&c->out); /* there is no way yet to say it */
	c->deadline_at = c->handshake_at = c->eof_at = 0;
	c->close_at = clock_ms() + CONN_CLOSE_MS;
	conn_settle_reading(c);
	conn_timer(c);
	loop_put_flush(c->loop, &c->flush);
}

/* --- events --- */

static void tell_input(struct conn *c)
{
	c->wants_input = false;
	if (c->state != CONN_OPEN || c->is_held || c->ev == NULL)
		return;
	if (c->in.n == c->in_at && !c->is_eof)
		return;
	c->ev->on_input(c->self);
}

/* The peer has ended. What is unread gets a chance (the owner may be waiting for an answer before it goes on); an owner
 * that wants more than that holds the connection. */
static void settle_eof(struct conn *c)
{
	if (c->state != CONN_OPEN || !c->is_eof || c->is_held)
		return;
	if (conn_deflate_waits(c))
		return; /* more input is to come out of what has come */
	if (c->in.n == c->in_at) {
		conn_close(c, "closed by peer");
	} else if (c->eof_at == 0) {
		c->eof_at = clock_ms() + CONN_EOF_MS;
		conn_timer(c);
	}
}

static void on_event_turn(void *self)
{
	struct conn *c = self;
	const struct conn_events *ev;

	if (c->wants_closed) {
		c->wants_closed = false;
		ev = c->ev;
		c->ev = NULL;
		if (ev != NULL)
			ev->on_closed(c->self, c->why);
		if (c->state == CONN_LINGERING && c->is_eof)
			conn_abort(c, "closed"); /* nothing to wait for */
		return;
	}
	if (c->deflate != NULL)
		conn_deflate_more(c);
	if (c->wants_input)
		tell_input(c);
	settle_eof(c);
	conn_settle_reading(c);
}

static void want_input(struct conn *c)
{
	c->wants_input = true;
	loop_put(c->loop, &c->event);
}

void conn_own(struct conn *c, const struct conn_events *ev, void *self)
{
	c->ev = ev;
	c->self = self;
	if (ev != NULL && (c->in.n > c->in_at || c->is_eof))
		want_input(c);
	conn_settle_reading(c);
}

/* --- input --- */

/* The kernel goes back to waiting by itself, so this is said again with each piece. */
static void ack_now(struct conn *c)
{
	uv_os_fd_t fd;
	int one = 1;

	if (c->h.stream.type == UV_TCP && uv_fileno((uv_handle_t *)&c->h.stream, &fd) == 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

void conn_hurry(struct conn *c, bool on)
{
	c->is_hurried = on;
	if (on && c->state == CONN_OPEN)
		ack_now(c);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *ret)
{
	struct conn *c = h->data;
	size_t unread = c->in.n - c->in_at, room = unread < c->mark ? c->mark - unread : 0;

	(void)hint;
	/* Not much past the mark; while closing all goes to nobody. */
	if (c->state != CONN_OPEN || room > LOOP_READ)
		room = LOOP_READ;
	if (room < 4096)
		room = 4096;
	*ret = uv_buf_init(c->loop->read, (unsigned)room);
}

void conn_got(struct conn *c, struct slice s)
{
	if (c->deflate != NULL && c->state == CONN_OPEN && s.n > 0)
		conn_deflate_input(c, s);
	else
		conn_clear(c, s);
}

void conn_clear(struct conn *c, struct slice s)
{
	if (c->state != CONN_OPEN || s.n == 0)
		return;
	if (c->in_at > 0) {
		buf_drop(&c->in, c->in_at);
		c->in_at = 0;
	}
	c->in.max = c->mark + 2 * (size_t)LOOP_READ;
	c->received += s.n;
	if (buf_add_slice(&c->in, s) != 0) {
		conn_abort(c, "out of memory for input");
		return;
	}
	c->wants_input = true;
}

void conn_ended(struct conn *c)
{
	c->is_eof = true;
	c->wants_input = true;
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = h->data;

	if (n == 0 || c->state == CONN_DEAD)
		return;
	if (c->state != CONN_OPEN) {
		c->dropped += n > 0 ? (size_t)n : 0;
		if (n < 0)
			c->is_eof = true;
		if (n < 0 || c->dropped > CONN_LINGER_OCTETS) {
			(void)uv_read_stop(h);
			c->is_reading = false;
			if (!c->wants_closed)
				conn_abort(c, "closed");
		}
		return;
	}
	if (n < 0 && n != UV_EOF) {
		conn_fail(c, "%s", uv_strerror((int)n));
		return;
	}
	if (n == UV_EOF && c->tls != NULL && !c->tls->has_ended) {
		/* Without close_notify nobody knows whether this is all the peer said (RFC 8446 6.1). */
		conn_abort(c, c->tls->is_ready ? "truncated" : "closed by peer in tls handshake");
		return;
	}
	if (n > 0 && c->watch.on_active != NULL)
		c->watch.on_active(c->watch.self);
	if (c->is_hurried)
		ack_now(c);
	if (n == UV_EOF)
		conn_ended(c);
	else if (c->tls != NULL)
		conn_tls_input(c, (struct slice){ b->base, (size_t)n });
	else
		conn_got(c, (struct slice){ b->base, (size_t)n });
	if (c->wants_secure && c->state == CONN_OPEN) {
		c->wants_secure = false;
		if (c->ev != NULL && c->ev->on_secure != NULL)
			c->ev->on_secure(c->self);
	}
	if (c->wants_input)
		tell_input(c);
	settle_eof(c);
	conn_settle_reading(c);
}

static bool may_read(const struct conn *c)
{
	if (!c->is_connected || c->is_eof)
		return (false);
	if (c->state == CONN_LINGERING)
		return (true);
	if (c->state != CONN_OPEN)
		return (false);
	if (c->tls != NULL && !c->tls->is_ready)
		return (true);
	if (conn_deflate_waits(c))
		return (false);
	return (c->ev != NULL && !c->is_held && c->in.n - c->in_at < c->mark &&
	    conn_queued(c) <= L_IOUT);
}

void conn_settle_reading(struct conn *c)
{
	bool may = may_read(c);
	int failed;

	if (c->state == CONN_DEAD || may == c->is_reading)
		return;
	c->is_reading = may;
	if (!may)
		(void)uv_read_stop(&c->h.stream);
	else if ((failed = uv_read_start(&c->h.stream, on_alloc, on_read)) != 0)
		conn_fail(c, "%s", uv_strerror(failed));
}

struct slice conn_input(const struct conn *c)
{
	if (c->state != CONN_OPEN || c->in.n == c->in_at)
		return ((struct slice){ "", 0 });
	return (slice_from(buf_slice(&c->in), c->in_at));
}

void conn_consume(struct conn *c, size_t n)
{
	if (c->state != CONN_OPEN)
		return;
	assert(n <= c->in.n - c->in_at);
	if (c->tap != NULL && n > 0)
		c->tap->on_taken(c->tap->self, slice_head(conn_input(c), n));
	c->in_at += n;
	if (c->in_at == c->in.n) {
		buf_free(&c->in); /* an idle connection keeps no buffer */
		c->in_at = 0;
		if (c->is_eof)
			loop_put(c->loop, &c->event);
	}
	if (conn_deflate_waits(c))
		loop_put(c->loop, &c->event);
	conn_settle_reading(c);
}

void conn_input_mark(struct conn *c, size_t octets)
{
	c->mark = octets;
	conn_settle_reading(c);
}

void conn_hold(struct conn *c, bool held)
{
	if (c->is_held == held)
		return;
	c->is_held = held;
	if (held)
		c->eof_at = 0;
	else if (c->state == CONN_OPEN && (c->in.n > c->in_at || c->is_eof))
		want_input(c);
	conn_settle_reading(c);
}

bool conn_at_eof(const struct conn *c)
{
	return (c->is_eof);
}

uint64_t conn_received(const struct conn *c)
{
	return (c->received);
}

/* --- deadlines --- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return (a == 0 || (b != 0 && b < a) ? b : a);
}

void conn_timer(struct conn *c)
{
	uint64_t at, now;

	if (c->state == CONN_DEAD)
		return;
	at = sooner(c->deadline_at, sooner(c->handshake_at, sooner(c->eof_at, sooner(c->close_at,
	    c->stall_at))));
	/* A deadline that moves away is common and costs nothing: the timer finds out when it fires. */
	if (at == 0 || (c->timer_at != 0 && c->timer_at <= at))
		return;
	now = clock_ms();
	c->timer_at = at;
	uv_update_time(&c->loop->uv);
	(void)uv_timer_start(&c->timer, on_timer, clock_to_real_ms(at > now ? at - now : 0), 0);
}

static bool due(uint64_t *at, uint64_t now)
{
	if (*at == 0 || *at > now)
		return (false);
	*at = 0;
	return (true);
}

static void on_timer(uv_timer_t *h)
{
	struct conn *c = h->data;
	uint64_t now = clock_ms();
	size_t left = c->h.stream.write_queue_size;

	c->timer_at = 0;
	if (due(&c->close_at, now)) {
		conn_abort(c, "closed");
		return;
	}
	if (due(&c->handshake_at, now)) {
		conn_abort(c, "timeout: tls handshake");
		return;
	}
	if (due(&c->stall_at, now)) {
		if (left == c->stall_size) {
			conn_abort(c, "timeout: output stalled");
			return;
		}
		c->stall_size = left;
		c->stall_at = now + (uint64_t)L_ISTALL_SECONDS * 1000;
	}
	if (due(&c->eof_at, now) && c->is_eof && !c->is_held)
		conn_close(c, "closed by peer");
	if (due(&c->deadline_at, now)) {
		if (c->on_expired != NULL && c->ev != NULL) {
			c->on_expired(c->self, c->phase);
		} else {
			char why[CONN_WHY];

			(void)snprintf(why, sizeof(why), "timeout: %s", c->phase);
			conn_close(c, why);
		}
	}
	conn_timer(c);
}

void conn_deadline(struct conn *c, unsigned seconds, const char *phase)
{
	if (c->state != CONN_OPEN)
		return;
	c->deadline_at = seconds > 0 ? clock_ms() + (uint64_t)seconds * 1000 : 0;
	c->phase = phase;
	conn_timer(c);
}

void conn_on_deadline(struct conn *c, void (*on_expired)(void *self, const char *phase))
{
	c->on_expired = on_expired;
}

/* --- who --- */

const struct ip *conn_peer(const struct conn *c)
{
	return (&c->peer);
}

unsigned conn_peer_port(const struct conn *c)
{
	return (c->peer_port);
}

const struct ip *conn_local(const struct conn *c)
{
	return (&c->local);
}

unsigned conn_local_port(const struct conn *c)
{
	return (c->local_port);
}

void conn_tap(struct conn *c, const struct conn_tap *tap)
{
	c->tap = tap;
}

void conn_set_trusted(struct conn *c)
{
	if (c->watch.on_trusted != NULL)
		c->watch.on_trusted(c->watch.self);
}
