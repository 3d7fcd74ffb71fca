/* in_session.c: a connection and its state: when is a line read, when a body, when does it end?
 * Leaves lines to line.c, commands to in_command.c, content to in_data.c, answers to those who
 * found them. RFC 5321 3.1, 4.5.3.2.  Fails: 421 (idle, slow, drain, too many errors, other
 * protocols), 554 (talked too early). */
#include "smtp/in_int.h"

#include <stdlib.h>

#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"
#include "smtp/in_peer.h"
#include "smtp/line.h"

static const struct smtp_reply reply_stray = { 500, "5.5.2",
	"lines end in CRLF, and hold no other CR, LF or NUL" };
static const struct smtp_reply reply_long = { 500, "5.5.2", "line too long" };
static const struct smtp_reply reply_long_auth = { 500, "5.5.6", "line too long" };
static const struct smtp_reply reply_flood = { 421, "4.7.0", "no line end in sight, closing" };
static const struct smtp_reply reply_foreign = { 421, "4.7.0", "this is a mail server, closing" };
static const struct smtp_reply reply_early = { 554, "5.5.0",
	"you spoke before the greeting, closing" };
static const struct smtp_reply reply_errors = { 421, "4.7.0", "too many errors, closing" };
static const struct smtp_reply reply_idle = { 421, "4.4.2", "too slow or too silent, closing" };
static const struct smtp_reply reply_shutdown = { 421, "4.3.2", "shutting down, try again soon" };
static const struct smtp_reply reply_gone = { 421, "4.7.0", "this account is no more, closing" };

const struct cfg *smtp_in_cfg(const struct smtp_in *s)
{
	return (s->server->cfg);
}

void smtp_in_say(struct smtp_in *s, const struct smtp_reply *r)
{
	struct buf out = BUF_INIT(L_REPLY_OCTETS);

	if (smtp_reply_write(&out, r) == 0)
		conn_send_slice(s->conn, buf_slice(&out));
	buf_free(&out);
}

void smtp_in_fail(struct smtp_in *s, const struct smtp_reply *r, const char *why)
{
	if (s->state == S_CLOSING)
		return;
	smtp_in_say(s, r);
	log_event(LOG_INFO, s->id, smtp_role_name(s), "close", why, "reply", r->text, NULL);
	s->state = S_CLOSING;
	conn_close(s->conn, why);
}

void smtp_in_reply(struct smtp_in *s, const struct smtp_reply *r)
{
	if (r->code >= 500 && ++s->errors > smtp_in_cfg(s)->limits.err)
		smtp_in_fail(s, &reply_errors, "too many errors");
	else if (r->code >= 400 && r->code < 500 && ++s->later > L_LATER)
		smtp_in_fail(s, &reply_errors, "too many commands put off");
	else
		smtp_in_say(s, r);
}

/* Deadlines. Between commands a peer may be silent for L_SMTP_SECONDS; once it has begun a line or
 * the content it must keep to L_RATEIN, looked at in windows of L_RATEIN_SECONDS. While it waits
 * for us it has no deadline. */
void smtp_in_watch(struct smtp_in *s)
{
	bool busy = (s->state & (S_DATA | S_CHUNK)) != 0 || s->seen > 0;

	s->rate_mark = conn_received(s->conn);
	if (s->waiting || s->state == S_CLOSING)
		conn_deadline(s->conn, 0, "");
	else if (busy)
		conn_deadline(s->conn, L_RATEIN_SECONDS, "slow");
	else
		conn_deadline(s->conn, L_SMTP_SECONDS, "idle");
}

static void on_deadline(void *self, const char *phase)
{
	struct smtp_in *s = self;
	bool slow = strcmp(phase, "slow") == 0;

	if (slow && conn_received(s->conn) - s->rate_mark >= (uint64_t)L_RATEIN * L_RATEIN_SECONDS)
		smtp_in_watch(s);
	else
		smtp_in_fail(s, &reply_idle, slow ? "slower than allowed" : "idle");
}

void smtp_in_wait(struct smtp_in *s)
{
	s->waiting = true;
	conn_deadline(s->conn, 0, "");
}

void smtp_in_resume(struct smtp_in *s)
{
	s->waiting = false;
	smtp_in_watch(s);
	if (!s->running) /* else the loop that called us goes on by itself */
		smtp_in_run(s);
}

static void bad_line(struct smtp_in *s, enum smtp_line_fault fault)
{
	bool auth = s->state == S_AUTH;

	if (auth) {
		smtp_in_auth_drop(s);
		s->state = S_READY;
	}
	switch (fault) {
	case SMTP_LINE_STRAY: smtp_in_reply(s, &reply_stray); break;
	case SMTP_LINE_LONG: smtp_in_reply(s, auth ? &reply_long_auth : &reply_long); break;
	case SMTP_LINE_FLOOD: smtp_in_fail(s, &reply_flood, "flood"); break;
	}
}

/* May another line be acted on at all? */
static bool may_go_on(struct smtp_in *s)
{
	if (s->server->draining)
		smtp_in_fail(s, &reply_shutdown, "drain");
	else if (s->account != NULL && account_is_gone(s->account))
		smtp_in_fail(s, &reply_gone, "account removed");
	return (s->state != S_CLOSING);
}

static bool take_line(struct smtp_in *s)
{
	struct slice input = conn_input(s->conn), line;
	enum smtp_line_fault fault;
	bool was_busy = s->seen > 0, auth;
	size_t used, max;
	enum take got;

	if (input.n == 0)
		return (false);
	/* Under TLS too: a browser can be made to speak it to any port (ALPACA). */
	if ((s->state & (S_NEW | S_READY)) && smtp_line_is_foreign(input)) {
		smtp_in_fail(s, &reply_foreign, "another protocol");
		return (false);
	}
	auth = s->state == S_AUTH || slice_istarts(input, SLICE("AUTH "));
	max = auth ? L_CMD_AUTH : (size_t)smtp_in_cfg(s)->limits.cmd;
	got = smtp_line_take(input, max, &s->seen, &line, &used, &fault);
	if (got != TAKE_MORE && smtp_in_slow(s))
		return (false);
	switch (got) {
	case TAKE_MORE:
		if (!was_busy)
			smtp_in_watch(s); /* a line has begun */
		return (false);
	case TAKE_BAD:
		conn_consume(s->conn, used);
		if (auth && fault == SMTP_LINE_LONG && s->state != S_AUTH)
			smtp_in_reply(s, &reply_long_auth);
		else
			bad_line(s, fault);
		break;
	case TAKE_OK: {
		/* The line leaves the input before it is acted on, so that "is anything behind it?"
		 * has a plain answer. */
		struct slice copy = { mem_strndup(line.p, line.n), line.n };

		conn_consume(s->conn, used);
		if (may_go_on(s)) {
			if (s->state == S_AUTH)
				smtp_in_auth_line(s, copy);
			else
				smtp_in_command(s, copy);
		}
		explicit_bzero((void *)copy.p, copy.n); /* it may have held a password */
		free((void *)copy.p);
		break;
	}
	}
	if (!s->waiting && s->state != S_CLOSING)
		smtp_in_watch(s);
	return (true);
}

void smtp_in_run(struct smtp_in *s)
{
	bool more = true;

	s->running = true;
	while (more && !s->waiting && s->state != S_CLOSING)
		more = (s->state & (S_DATA | S_CHUNK)) ? smtp_in_data_take(s) : take_line(s);
	s->running = false;
	if (s->server->draining)
		smtp_in_drain(s);
}

static void say_banner(struct smtp_in *s)
{
	s->state = S_NEW;
	conn_sendf(s->conn, "220 %s ESMTP\r\n", smtp_in_cfg(s)->hostname);
	smtp_in_watch(s);
	smtp_in_run(s);
}

/* RFC 5321 3.1: the client waits for the greeting. One that does not is no mail server (SIN-04). */
static void too_early(struct smtp_in *s)
{
	if (smtp_line_is_foreign(conn_input(s->conn)))
		smtp_in_fail(s, &reply_foreign, "another protocol");
	else
		smtp_in_fail(s, &reply_early, "early talker");
}

static void on_banner_time(void *self)
{
	struct smtp_in *s = self;

	s->banner = NULL;
	if (s->state == S_BANNER)
		say_banner(s);
}

static void on_input(void *self)
{
	struct smtp_in *s = self;

	if (s->state == S_BANNER) {
		if (conn_input(s->conn).n == 0)
			return;
		s->early_talker = FACT_YES;
		if (smtp_in_cfg(s)->filter.early_talker == ACTION_REJECT)
			too_early(s);
		return;
	}
	if (!s->waiting && s->state != S_CLOSING)
		smtp_in_run(s);
}

static void on_drain(void *self)
{
	(void)self; /* replies are small: conn closes a peer that takes none of them */
}

void smtp_in_secured(struct smtp_in *s)
{
	bool first = s->state == S_BANNER;

	/* RFC 3207 4.2: all that was known before is forgotten. */
	s->helo[0] = '\0';
	s->esmtp = false;
	s->waiting = false;
	s->state = S_NEW;
	if (first)
		say_banner(s);
	else
		smtp_in_resume(s);
}

static void on_secure(void *self)
{
	smtp_in_secured(self);
}

static void on_closed(void *self, const char *why)
{
	struct smtp_in *s = self;
	struct smtp_server *server = s->server;

	if (s->state != S_CLOSING)
		log_event(LOG_INFO, s->id, smtp_role_name(s), "close", why, "during",
		    s->tx != NULL ? "transaction" : NULL, NULL);
	timer_cancel(s->banner);
	smtp_in_unslow(s);
	store_op_cancel(s->login);
	sasl_free(s->sasl);
	smtp_tx_free(s->tx);
	smtp_in_unhold(s);
	smtp_peer_release(s->peer);
	if (s->spine_back != NULL)
		*s->spine_back = NULL;
	list_drop(&s->node);
	server->counts.live--;
	free(s);
	smtp_server_session_ended(server);
}

void smtp_in_drain(struct smtp_in *s)
{
	smtp_in_hasten(s);
	if (!s->waiting && (s->state & (S_DATA | S_CHUNK | S_CLOSING)) == 0)
		smtp_in_fail(s, &reply_shutdown, "drain");
}

void smtp_in_open(struct smtp_server *server, struct conn *c, enum smtp_role role, bool tls_first)
{
	static const struct conn_events events = { on_input, on_drain, on_secure, on_closed };
	struct smtp_in *s = NEW(struct smtp_in);
	char peer[IP_TEXT];
	bool wait;

	s->server = server;
	s->conn = c;
	s->role = role;
	s->state = S_BANNER;
	s->early_talker = FACT_NO;
	memcpy(s->id, "s-", 2);
	secret_id(s->id + 2, 8);
	list_push(&server->sessions, &s->node);
	server->counts.sessions++;
	server->counts.live++;
	conn_own(c, &events, s);
	conn_on_deadline(c, on_deadline);
	log_event(LOG_INFO, s->id, smtp_role_name(s), "connect", ip_text(conn_peer(c), peer), NULL);
	if (tls_first) {
		if (server->deps.tls == NULL || conn_start_tls(c, server->deps.tls) == -1) {
			s->state = S_CLOSING;
			conn_abort(c, "no TLS");
		}
		return; /* on_secure says the banner */
	}
	if (role == ROLE_MX)
		s->peer = smtp_peer_ask(server, conn_peer(c));
	wait = role == ROLE_MX && smtp_in_cfg(s)->filter.early_talker != ACTION_OFF;
	/* Also without a wait the banner comes on a later turn: the caller is still handing the
	 * connection over. */
	s->banner = timer_start(server->deps.loop,
	    (wait ? SMTP_BANNER_MS : 0) + smtp_in_delay(s), on_banner_time, s);
}
