/* How does a connection live? One command at a time, in order; while one waits the rest stays
 * unread. Three events and one death (ANCHORS P3). What commands mean is left to command.c and
 * the cmd_ files, who may come in to listen.c. */
#include "imap/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"
#include "imap/announce.h"
#include "imap/capability.h"
#include "imap/command.h"
#include "imap/notify.h"
#include "imap/trace.h"
#include "msg/charset.h"
#include "msg/mutf7.h"

enum {
	RUN_TURN = 64,     /* commands, and pieces of output, before others get their turn */
	LOGINS_FAILED = 5, /* then BYE */
};

/* --- ends --- */

static void call_drop(struct imap *s)
{
	struct imap_call *call = &s->call;

	store_op_cancel(call->op);
	visit_cancel(call->visit);
	if (call->drop != NULL)
		call->drop(call->data);
	arena_free(call->arena);
	*call = (struct imap_call){ 0 };
}

static void on_closed(void *self, const char *why)
{
	struct imap *s = self;

	s->closing = true;
	trace_gone(s, why);
	later_cancel(s->later);
	timer_cancel(s->rate_timer);
	call_drop(s);
	notify_free(s);
	imap_unselect(s);
	sasl_free(s->sasl);
	log_event(LOG_INFO, s->id, "imap end", "user",
	    s->account == NULL ? NULL : account_name(s->account), "why", why, NULL);
	server_gone(s->server, s);
	reader_done(&s->reader);
	buf_free(&s->out);
	free(s);
}

void imap_bye(struct imap *s, const char *why)
{
	if (s->closing)
		return;
	(void)buf_addz(&s->out, "* BYE ");
	(void)write_text(&s->out, why);
	(void)buf_addz(&s->out, "\r\n");
	imap_flush(s);
	s->closing = true;
	conn_close(s->conn, why);
}

void session_leave(struct imap *s)
{
	s->leaving = true;
	if (s->call.row == NULL || s->reading != READING_NONE)
		imap_bye(s, "[UNAVAILABLE] Server is shutting down");
}

void session_abandon(struct imap *s)
{
	s->closing = true;
	trace_gone(s, "the server is gone");
	call_drop(s);
	notify_free(s);
	imap_unselect(s);
	later_cancel(s->later);
	s->later = NULL;
	timer_cancel(s->rate_timer);
	s->rate_timer = NULL;
	list_drop(&s->node);
	s->server = NULL;
	conn_abort(s->conn, "server is gone");
}

static void on_expired(void *self, const char *phase)
{
	(void)phase;
	imap_bye(self, "Autologout: nothing heard for too long");
}

/* --- saying --- */

void imap_flush(struct imap *s)
{
	if (s->out.failed) { /* a response that does not fit must not go out in part */
		buf_reset(&s->out);
		conn_abort(s->conn, "response too large");
		return;
	}
	if (s->out.n == 0)
		return;
	conn_send_slice(s->conn, buf_slice(&s->out));
	if (s->out.cap > 16384)
		buf_free(&s->out);
	else
		buf_reset(&s->out);
	s->out.max = L_IOUT;
}

static void on_later(void *self)
{
	struct imap *s = self;

	s->later = NULL;
	announce_now(s);
	imap_pump(s);
	imap_run(s);
}

void imap_later(struct imap *s)
{
	if (s->later == NULL && !s->closing)
		s->later = loop_later(s->server->loop, on_later, s);
}

void imap_pump(struct imap *s)
{
	unsigned turn = 0;

	if (s->pumping)
		return;
	s->pumping = true;
	while (s->call.step != NULL && !s->closing) {
		if (conn_congested(s->conn))
			break; /* on_drain goes on */
		if (++turn > RUN_TURN) {
			imap_later(s);
			break;
		}
		enum imap_step was = s->call.step(s);

		if (was == STEP_MORE)
			continue;
		s->call.step = NULL;
		if (was == STEP_DONE)
			s->call.then(s);
	}
	s->pumping = false;
}

void imap_produce(
    struct imap *s, enum imap_step (*step)(struct imap *s), void (*then)(struct imap *s))
{
	s->call.step = step;
	s->call.then = then;
	imap_pump(s);
}

static enum imap_step say_line(struct imap *s)
{
	struct slice piece = slice_head(s->call.line, 65536);

	conn_send_slice(s->conn, piece);
	s->call.line = slice_from(s->call.line, piece.n);
	return (s->call.line.n > 0 ? STEP_MORE : STEP_DONE);
}

void imap_say(struct imap *s, struct slice line, void (*then)(struct imap *s))
{
	s->call.line = line;
	imap_produce(s, say_line, then);
}

/* --- the end of a command --- */

void imap_news_style(const struct imap *s, bool expunges, struct news_style *ret)
{
	*ret = (struct news_style){ .vanished = s->qresync || s->uid_only,
		.modseq = s->condstore,
		.recent = !s->rev2,
		.expunges = expunges };
}

static bool may_expunge(const struct imap_call *call)
{
	return ((call->row->flags & CMD_NEWS) ||
	    (call->is_uid && (call->row->flags & CMD_NEWS_NO_EXPUNGE)));
}

static enum imap_step say_ending(struct imap *s)
{
	struct imap_call *call = &s->call;
	struct slice rest;

	if (call->row->flags & CMD_SILENT)
		return (STEP_DONE);
	if (call->row->flags & (CMD_NEWS | CMD_NEWS_NO_EXPUNGE) && call->status_at == 0 &&
	    announce_some(s, may_expunge(call), false))
		return (STEP_MORE);
	if (call->status_at == 0) {
		conn_sendz(s->conn, call->tag);
		conn_sendz(s->conn, " ");
	}
	rest = slice_from(slice_of(call->status), call->status_at);
	if (rest.n > 65536)
		rest.n = 65536;
	conn_send_slice(s->conn, rest);
	call->status_at += rest.n;
	if (call->status[call->status_at] != '\0')
		return (STEP_MORE);
	conn_sendz(s->conn, "\r\n");
	return (STEP_DONE);
}

/* What the client had begun to say, or IDLE, goes on where it was. */
static void silent_ended(struct imap *s)
{
	call_drop(s);
	notify_fetched(s);
	if (!s->closing)
		conn_hold(s->conn, false);
	if (s->view_gone && s->call.row == NULL)
		imap_close_view(s);
	if (!s->closing && s->leaving)
		imap_bye(s, "[UNAVAILABLE] Server is shutting down");
	imap_later(s);
}

static void ended(struct imap *s)
{
	bool unread = s->reading != READING_COMMAND;

	if (s->call.row->flags & CMD_SILENT) {
		silent_ended(s);
		return;
	}
	call_drop(s);
	timer_cancel(s->rate_timer);
	s->rate_timer = NULL;
	conn_hurry(s->conn, false);
	reader_next(&s->reader);
	s->reading = READING_COMMAND;
	s->idling = false;
	if (s->view_gone)
		imap_close_view(s);
	if (s->closing)
		return;
	trace_look(s);
	if (s->leaving) {
		imap_bye(s, "[UNAVAILABLE] Server is shutting down");
		return;
	}
	if (s->state != IMAP_GREETED)
		conn_deadline(s->conn, L_IDLE_SECONDS, "idle");
	if (s->bad >= (s->state == IMAP_GREETED ? (unsigned)L_IPRE_BAD : (unsigned)L_IBAD)) {
		imap_bye(s, "Too many bad commands");
		return;
	}
	if (s->logins_failed >= LOGINS_FAILED) {
		imap_bye(s, "Too many failed logins");
		return;
	}
	if (unread)
		conn_hold(s->conn, false);
	/* what is unread is looked at now, not when more comes; not from here: a caller may be in
	 * the middle of things */
	if (!s->running || notify_listens(s) || s->contexts != NULL)
		imap_later(s);
}

void imap_end(struct imap *s, const char *status)
{
	if (s->call.is_ending || s->call.row == NULL)
		return;
	if (s->call.op != NULL || s->call.visit != NULL) {
		store_op_cancel(s->call.op);
		visit_cancel(s->call.visit);
		s->call.op = NULL;
		s->call.visit = NULL;
	}
	s->call.is_ending = true;
	s->call.status = status;
	/* A client with a habit of asking for what is not there is no attacker. */
	if (s->state != IMAP_GREETED && slice_starts(slice_of(status), SLICE("OK")))
		s->bad = 0;
	imap_produce(s, say_ending, ended);
}

void imap_endf(struct imap *s, const char *fmt, ...)
{
	struct buf clean = BUF_INIT(8192), raw = BUF_INIT(8192);
	va_list ap;

	va_start(ap, fmt);
	(void)buf_vfmt(&raw, fmt, ap);
	va_end(ap);
	(void)write_text(&clean, buf_z(&raw));
	imap_end(s, arena_strdup(s->call.arena, buf_slice(&clean)));
	buf_free(&raw);
	buf_free(&clean);
}

void imap_bad(struct imap *s, const char *why)
{
	s->bad++;
	imap_endf(s, "BAD %s", why);
}

void imap_end_err(struct imap *s, const struct err *err)
{
	if (err->kind != ERR_PEER && err->kind != ERR_NOT_FOUND && err->kind != ERR_EXISTS &&
	    err->kind != ERR_CANNOT)
		log_event(LOG_WARN, s->id, "imap refused", "command",
		    s->call.row == NULL ? NULL : s->call.row->name.p, "why", err->text, NULL);
	/* trouble of ours is said in general words: texts of the store hold paths */
	switch (err->kind) {
	case ERR_TEMPORARY:
	case ERR_PERMANENT:
	case ERR_NONE:
		imap_endf(
		    s, "NO %s This could not be done now; the server's log says why", code_of(err));
		break;
	case ERR_NO_SPACE: imap_endf(s, "NO %s No space left on the server", code_of(err)); break;
	case ERR_BUSY:
	case ERR_PEER:
	case ERR_NOT_FOUND:
	case ERR_EXISTS:
	case ERR_LIMIT:
	case ERR_OVER_QUOTA:
	case ERR_CANNOT: imap_endf(s, "NO %s %s", code_of(err), err->text); break;
	}
}

/* --- hearing --- */

void imap_read_lines(struct imap *s, void (*on_line)(struct imap *s, struct slice line))
{
	s->call.on_line = on_line;
	s->reading = READING_LINE;
	conn_hold(s->conn, false);
}

void imap_read_octets(struct imap *s, size_t (*on_octets)(struct imap *s, struct slice in))
{
	s->call.on_octets = on_octets;
	s->reading = READING_MESSAGE;
	/* many send the literal and the end of its line apart, with Nagle on */
	conn_hurry(s->conn, true);
	conn_hold(s->conn, false);
}

static bool take_line(struct imap *s)
{
	struct slice in = conn_input(s->conn);
	size_t at = slice_chr(slice_head(in, L_IPRE_OCTETS), '\n');
	char line[L_IPRE_OCTETS]; /* consumed before it is answered, as all else is */

	if (at == SIZE_MAX) {
		if (in.n >= L_IPRE_OCTETS)
			imap_bye(s, "Line too long");
		return (false);
	}
	memcpy(line, in.p, at);
	conn_consume(s->conn, at + 1);
	s->reading = READING_NONE; /* unless it asks for more */
	if (at == 0 || line[at - 1] != '\r')
		imap_bad(s, "Lines end with CRLF");
	else
		s->call.on_line(s, (struct slice){ line, at - 1 });
	secret_wipe(line, at);
	return (true);
}

static void faulty(struct imap *s, bool close)
{
	struct slice tag = reader_tag(&s->reader);
	static const struct imap_command none = { SLICE_INIT("?"), 7, 0, NULL };

	s->call.row = &none;
	s->call.arena = arena_new(0);
	s->call.tag = arena_strdup(s->call.arena, tag);
	s->bad++;
	imap_end(s, s->reader.fault);
	if (close)
		imap_bye(s, "What follows cannot be told from a command");
}

/* A literal of APPEND begins: the command runs now and takes the message itself. */
static void take_command(struct imap *s)
{
	s->reading = READING_NONE;
	command_dispatch(s, reader_text(&s->reader));
	if (s->call.row == NULL || s->closing)
		return;
	if (s->state != IMAP_GREETED && !s->idling)
		conn_deadline(s->conn, 0,
		    "command"); /* the store may take its time; output has a limit of its own */
	if (s->reading == READING_NONE)
		conn_hold(s->conn, true); /* an end of the peer's waits for the answer */
}

static bool take_input(struct imap *s)
{
	struct slice in = conn_input(s->conn);
	size_t used = 0;
	enum reader_event ev;

	if (s->reading == READING_LINE)
		return (in.n > 0 && take_line(s));
	if (s->reading == READING_MESSAGE) {
		used = in.n > 0 ? s->call.on_octets(s, in) : 0;
		if (!s->closing)
			conn_consume(s->conn, used);
		return (used > 0);
	}
	if (in.n == 0)
		return (false);
	ev = reader_take(&s->reader, in, &used);
	conn_consume(s->conn, used);
	switch (ev) {
	case READER_MORE: return (used > 0 && conn_input(s->conn).n > 0);
	case READER_CONTINUE:
		conn_hurry(s->conn, true);
		conn_sendz(s->conn, "+ Go on\r\n");
		return (true);
	case READER_COMMAND:
	case READER_MESSAGE: take_command(s); return (true);
	case READER_FAULT: faulty(s, false); return (true);
	case READER_CLOSE: faulty(s, true); return (false);
	}
	return (false);
}

void imap_run(struct imap *s)
{
	unsigned turn = 0;

	if (s->running)
		return;
	s->running = true;
	while (!s->closing && s->reading != READING_NONE && !conn_congested(s->conn)) {
		if (++turn > RUN_TURN) {
			imap_later(s);
			break;
		}
		if (!take_input(s))
			break;
	}
	s->running = false;
}

static void on_input(void *self)
{
	imap_run(self);
}

static void on_drain(void *self)
{
	struct imap *s = self;

	announce_now(s);
	imap_pump(s);
	imap_run(s);
}

static void greet(struct imap *s)
{
	s->greeted = true;
	(void)buf_addz(&s->out, "* OK [CAPABILITY ");
	imap_write_capability(s, &s->out);
	(void)buf_addz(&s->out, "] Pennypost at your service\r\n");
	imap_flush(s);
}

static void on_secure(void *self)
{
	struct imap *s = self;

	/* Knowledge from before TLS is void: RFC 9051 6.2.1. There is none but the call under
	 * way, answered already. */
	conn_deadline(s->conn, L_IPRE_SECONDS, "login");
	if (!s->greeted)
		greet(s);
	imap_run(s);
}

static const struct conn_events events = { on_input, on_drain, on_secure, on_closed };

void imap_login(struct imap *s, struct account *a, const char *how)
{
	s->account = a;
	s->state = IMAP_AUTHENTICATED;
	s->bad = 0;
	s->logins_failed = 0;
	s->server->counts.logged_in++;
	conn_set_trusted(s->conn);
	reader_limit(&s->reader, &reader_after_login);
	conn_deadline(s->conn, L_IDLE_SECONDS, "idle");
	log_event(LOG_INFO, s->id, "imap login", "user", account_name(a), "how", how, "tls",
	    conn_tls_text(s->conn), NULL);
}

void session_open(struct imap_server *srv, struct conn *c, bool is_tls)
{
	struct imap *s = NEW(struct imap);
	char peer[IP_TEXT];

	s->server = srv;
	s->conn = c;
	s->state = IMAP_GREETED;
	memcpy(s->id, "i-", 2);
	secret_id(s->id + 2, 8);
	reader_init(&s->reader, &reader_before_login);
	buf_init(&s->out, L_IOUT);
	list_push(&srv->sessions, &s->node);
	conn_own(c, &events, s);
	conn_on_deadline(c, on_expired);
	conn_deadline(c, L_IPRE_SECONDS, "login");
	log_event(LOG_INFO, s->id, "imap begin", "peer", ip_text(conn_peer(c), peer), NULL);
	if (!is_tls)
		greet(s);
	else if (conn_start_tls(c, srv->tls) == -1)
		conn_abort(c, "TLS could not be started");
}
