/* STARTTLS LOGIN AUTHENTICATE: who is it? Only under TLS; who may come in is the store's
 * (login_start), the mechanisms are core/sasl's. RFC 9051 6.2, RFC 4959 (initial response). */
#include "imap/capability.h"
#include "imap/command.h"

#include "core/limits.h"
#include "core/log.h"

void cmd_starttls(struct imap *s)
{
	if (s->server->tls == NULL || conn_is_tls(s->conn)) {
		imap_bad(s, conn_is_tls(s->conn) ? "TLS is on already" : "No TLS here");
		return;
	}
	/* What came behind the command in clear could be anyone's: never run, never kept (RFC
	 * 9051 11.1). */
	if (conn_input(s->conn).n > 0) {
		log_event(LOG_WARN, s->id, "imap refused", "why", "octets behind STARTTLS", NULL);
		imap_bye(s, "Nothing may follow STARTTLS before TLS is on");
		return;
	}
	imap_end(s, "OK Begin TLS");
	if (!s->closing && conn_start_tls(s->conn, s->server->tls) == -1)
		conn_abort(s->conn, "octets behind STARTTLS");
}

static void on_login(void *self, enum login_result r, struct account *a)
{
	struct imap *s = self;
	struct buf text = BUF_INIT(1024);
	char peer[IP_TEXT];

	s->call.op = NULL;
	switch (r) {
	case LOGIN_OK:
		imap_login(s, a, s->sasl != NULL ? "authenticate" : "login");
		(void)buf_addz(&text, "OK [CAPABILITY ");
		imap_write_capability(s, &text);
		(void)buf_addz(&text, "] Welcome");
		imap_end(s, arena_strdup(s->call.arena, buf_slice(&text)));
		break;
	case LOGIN_WRONG:
		s->logins_failed++;
		log_event(LOG_INFO, s->id, "imap login failed", "user", s->call.data, "peer",
		    ip_text(conn_peer(s->conn), peer), "why", "wrong name or password", NULL);
		imap_end(s, "NO [AUTHENTICATIONFAILED] Wrong name or password");
		break;
	case LOGIN_BUSY:
		imap_end(s, "NO [UNAVAILABLE] Too many logins at once; try again in a moment");
		break;
	case LOGIN_THROTTLED:
		s->logins_failed++;
		log_event(LOG_INFO, s->id, "imap login failed", "user", s->call.data, "peer",
		    ip_text(conn_peer(s->conn), peer), "why", "throttled", NULL);
		imap_end(s, "NO [UNAVAILABLE] Too many failed logins; try again in a few minutes");
		break;
	}
	buf_free(&text);
	sasl_free(s->sasl);
	s->sasl = NULL;
}

static void verify(struct imap *s, struct slice name, struct slice password)
{
	if (name.n == 0 || name.n > 512 || password.n > L_PASSWORD) {
		s->logins_failed++;
		imap_end(s, "NO [AUTHENTICATIONFAILED] Wrong name or password");
		return;
	}
	s->call.data = arena_strdup(s->call.arena, name); /* for the log */
	s->call.op = login_start(s->server->store, name, password, conn_peer(s->conn), on_login, s);
	if (s->call.op == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too many logins at once; try again in a moment");
}

void cmd_login(struct imap *s)
{
	struct args *a = &s->call.args;
	struct slice name, password;

	if (!args_astring(a, &name) || !args_sp(a) || !args_astring(a, &password) || !args_end(a)) {
		imap_bad(s, "LOGIN takes a name and a password");
		return;
	}
	verify(s, name, password);
}

static void on_response(struct imap *s, struct slice line);

static void go_on(struct imap *s, enum sasl_step step)
{
	switch (step) {
	case SASL_CHALLENGE:
		conn_sendf(s->conn, "+ %s\r\n", sasl_challenge(s->sasl));
		imap_read_lines(s, on_response);
		return;
	case SASL_VERIFY:
		verify(s, sasl_name(s->sasl), sasl_password(s->sasl));
		if (s->call.op != NULL) {
			conn_hold(s->conn, true);
			return;
		}
		break;
	case SASL_CANCELLED: imap_bad(s, "Cancelled"); break;
	case SASL_BAD:
		s->logins_failed++;
		imap_bad(s, "Malformed response");
		break;
	}
	sasl_free(s->sasl);
	s->sasl = NULL;
}

static void on_response(struct imap *s, struct slice line)
{
	go_on(s, sasl_respond(s->sasl, line));
}

void cmd_authenticate(struct imap *s)
{
	struct args *a = &s->call.args;
	enum sasl_mechanism m;
	struct slice name, initial;
	bool has_initial;

	if (!args_atom(a, &name)) {
		imap_bad(s, "AUTHENTICATE takes a mechanism");
		return;
	}
	has_initial = args_sp(a);
	initial = cursor_rest(&a->c);
	if ((has_initial && initial.n == 0) || (!has_initial && !args_end(a))) {
		imap_bad(s, "AUTHENTICATE takes a mechanism and perhaps a response");
		return;
	}
	if (!sasl_mechanism_of(name, &m)) {
		imap_end(s, "NO [CANNOT] No such mechanism; PLAIN and LOGIN are known");
		return;
	}
	s->sasl = sasl_new(m);
	go_on(s, sasl_start(s->sasl, has_initial ? &initial : NULL));
}
