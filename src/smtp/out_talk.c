/* out_talk.c: how does the client (out_client.c) hold a connection? Octets to it, commands from
 * it, a deadline for every answer, TLS, and the message with as much of it waiting as the other
 * host reads. Leaves the words to out_client.c and the next host to outbound.c. RFC 5321
 * 4.5.3.2, 4.5.4.1. Failures: whatever ends the connection is told to the client, which knows
 * what it means. */
#include "smtp/out_int.h"

#include <stdlib.h>

#include "core/mem.h"

enum {
	AHEAD = 65536
}; /* octets of message given to the connection and not yet taken by the other host */

struct out_talk {
	struct conn *conn; /* NULL once it is closing or gone */
	struct loop *loop;
	struct out_client *client; /* owned */
	struct client_job job;
	struct out_policy policy;
	const char *host;
	struct tls *tls;
	struct out_body *body; /* borrowed */
	bool sending, asked;   /* the content goes; a piece of it is awaited */
	const char *tls_text;
	struct later *turn;
	void (*on_done)(void *self, const struct talk_result *r);
	void *self;
};

static void on_input(void *self);
static void on_drain(void *self);
static void on_secure(void *self);
static void on_closed(void *self, const char *why);

static const struct conn_events events = { on_input, on_drain, on_secure, on_closed };
static void leave(struct out_talk *t, bool politely)
{
	struct conn *c = t->conn;

	t->conn = NULL;
	if (c == NULL)
		return;
	if (politely)
		conn_close(c, "done");
	else
		conn_abort(c, "cancelled");
	conn_own(c, NULL, NULL); /* a lame duck: nobody listens */
}

void out_talk_cancel(struct out_talk *t)
{
	if (t == NULL)
		return;
	later_cancel(t->turn);
	leave(t, false);
	if (t->body != NULL)
		out_body_rewind(t->body);
	out_client_free(t->client);
	free(t);
}

static void tell(void *self)
{
	struct out_talk *t = self;
	void (*on_done)(void *self_, const struct talk_result *r) = t->on_done;
	void *owner = t->self;
	struct talk_result r = {
		.end = out_client_end(t->client),
		.permanent = out_client_permanent(t->client),
		.greeted = out_client_greeted(t->client),
		.has_dsn = out_client_has_dsn(t->client),
		.why = out_client_why(t->client),
		.tls = t->tls_text,
	};

	t->turn = NULL;
	out_talk_cancel(t);
	on_done(owner, &r);
}

static void flush(struct out_talk *t)
{
	struct buf *out = out_client_output(t->client);

	if (t->conn != NULL && out->n > 0)
		conn_send_slice(t->conn, buf_slice(out));
	buf_reset(out);
}

/* Every awaited answer has its time; what drips in does not lengthen it (OUT-19). */
static void set_deadline(struct out_talk *t)
{
	unsigned seconds;
	const char *phase = out_client_phase(t->client, &seconds);

	if (t->conn != NULL)
		conn_deadline(t->conn, seconds, phase);
}

static void end(struct out_talk *t)
{
	if (t->sending)
		leave(t, false); /* QUIT would be content */
	flush(t);
	leave(t, true);
	/* a start never calls back before it returned, an event may come from anywhere */
	if (t->turn == NULL)
		t->turn = loop_later(t->loop, tell, t);
}

static void lost(struct out_talk *t, const char *why)
{
	out_client_lost(t->client, why);
	end(t);
}

/* --- the content --- */

static void on_chunk(void *self, struct slice wire, bool is_last, const struct err *err);

static void send_more(struct out_talk *t)
{
	if (!t->sending || t->asked || t->conn == NULL || conn_queued(t->conn) >= AHEAD)
		return; /* on_drain goes on */
	t->asked = true;
	out_body_next(t->body, true, on_chunk, t);
}

static void on_chunk(void *self, struct slice wire, bool is_last, const struct err *err)
{
	struct out_talk *t = self;

	t->asked = false;
	if (t->conn == NULL)
		return;
	if (err != NULL) { /* no final dot: the other host throws away what it has */
		lost(t, err->text);
		return;
	}
	conn_send_slice(t->conn, wire);
	if (is_last) {
		t->sending = false;
		out_client_sent(t->client);
		set_deadline(t);
		return;
	}
	set_deadline(t);
	send_more(t);
}

static void start_body(struct out_talk *t)
{
	t->sending = true;
	out_body_rewind(t->body);
	send_more(t);
}

/* --- events --- */

static void start_tls(struct out_talk *t)
{
	if (conn_start_tls_client(t->conn, t->tls, t->host, t->policy.verify) == -1)
		lost(t, "no TLS handshake possible");
}

static void run(struct out_talk *t)
{
	enum client_wants wants;
	struct slice in;
	size_t used;

	while (t->conn != NULL) {
		in = conn_input(t->conn);
		wants = out_client_take(t->client, in, &used);
		conn_consume(t->conn, used);
		if (wants == CLIENT_OVER) {
			end(t);
			return;
		}
		flush(t);
		if (wants == CLIENT_BODY) {
			start_body(t);
			continue;
		}
		if (wants == CLIENT_TLS)
			start_tls(t);
		return;
	}
}

static void on_input(void *self)
{
	struct out_talk *t = self;
	unsigned answers = out_client_answers(t->client);

	run(t);
	if (t->conn == NULL)
		return;
	if (out_client_answers(t->client) != answers)
		set_deadline(t);
	if (conn_at_eof(t->conn) && conn_input(t->conn).n == 0)
		lost(t, "closed by the other host");
}

static void on_drain(void *self)
{
	struct out_talk *t = self;

	if (t->sending)
		set_deadline(
		    t); /* a block went: the next one has its own time (RFC 5321 4.5.3.2.5) */
	send_more(t);
}

static void on_secure(void *self)
{
	struct out_talk *t = self;

	t->tls_text = arena_strdup(t->job.arena, slice_of(conn_tls_text(t->conn)));
	if (!t->policy.implicit) {
		(void)out_client_secured(t->client);
		flush(t);
	}
	set_deadline(t);
}

static void on_closed(void *self, const char *why)
{
	struct out_talk *t = self;

	t->conn = NULL;
	if (t->turn != NULL)
		return;
	out_client_lost(t->client, why);
	end(t);
}

struct out_talk *out_talk_start(struct loop *l, struct conn *c, const struct client_job *job,
    const struct out_policy *policy, const char *host, struct tls *tls, struct out_body *body,
    void (*on_done)(void *self, const struct talk_result *r), void *self)
{
	struct out_talk *t = NEW(struct out_talk);

	t->conn = c;
	t->loop = l;
	t->job = *job;
	t->policy = *policy;
	t->host = host;
	t->tls = tls;
	t->body = body;
	t->tls_text = "";
	t->on_done = on_done;
	t->self = self;
	t->client = out_client_new(job, policy->implicit);
	conn_own(c, &events, t);
	set_deadline(t);
	if (policy->implicit)
		start_tls(t);
	return (t);
}

bool out_talk_is_past_dot(const struct out_talk *t)
{
	return (out_client_is_past_dot(t->client));
}
