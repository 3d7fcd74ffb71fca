/* in_auth.c: AUTH: who is this? Mechanisms are core/sasl.h's, passwords store/account.c's, which
 * also slows guessers down. RFC 4954, RFC 4616.  Fails: 503 (not here, not now, twice), 538 (no
 * TLS), 504, 501, 535, 454. */
#include "smtp/in_int.h"

#include "core/log.h"

static const struct smtp_reply reply_not_here = { 503, "5.5.1",
	"authentication is for the submission ports" };
static const struct smtp_reply reply_no_tls = { 538, "5.7.11", "say STARTTLS first" };
static const struct smtp_reply reply_twice = { 503, "5.5.1", "you are logged in already" };
static const struct smtp_reply reply_in_mail = { 503, "5.5.1", "not within a transaction" };
static const struct smtp_reply reply_mechanism = { 504, "5.5.4", "mechanism not offered" };
static const struct smtp_reply reply_cancelled = { 501, "5.7.0", "authentication cancelled" };
static const struct smtp_reply reply_malformed = { 501, "5.5.2", "cannot decode this answer" };
static const struct smtp_reply reply_ok = { 235, "2.7.0", "welcome" };
static const struct smtp_reply reply_wrong = { 535, "5.7.8", "name or password wrong" };
static const struct smtp_reply reply_busy = { 454, "4.7.0", "try again later" };

void smtp_in_auth_drop(struct smtp_in *s)
{
	sasl_free(s->sasl);
	s->sasl = NULL;
}

static void finish(struct smtp_in *s, const struct smtp_reply *r)
{
	smtp_in_auth_drop(s); /* each attempt starts clean (SUB-04) */
	s->state = S_READY;
	smtp_in_reply(s, r);
}

static void on_login(void *self, enum login_result r, struct account *a)
{
	struct smtp_in *s = self;
	const struct smtp_reply *reply = NULL;
	const char *outcome = NULL;
	char peer[IP_TEXT];

	s->login = NULL;
	switch (r) {
	case LOGIN_OK:
		s->account = a;
		conn_set_trusted(s->conn);
		reply = &reply_ok;
		outcome = "ok";
		break;
	case LOGIN_WRONG:
		reply = &reply_wrong;
		outcome = "wrong";
		break;
	case LOGIN_BUSY:
		reply = &reply_busy;
		outcome = "busy";
		break;
	case LOGIN_THROTTLED:
		reply = &reply_busy;
		outcome = "throttled";
		break;
	}
	log_event(r == LOGIN_OK ? LOG_INFO : LOG_WARN, s->id, "submission login", "outcome",
	    outcome, "account", r == LOGIN_OK ? account_name(a) : NULL, "peer",
	    ip_text(conn_peer(s->conn), peer), NULL);
	finish(s, reply);
	if (s->state != S_CLOSING)
		smtp_in_resume(s);
}

static void step(struct smtp_in *s, enum sasl_step at, struct slice given)
{
	switch (at) {
	case SASL_CHALLENGE:
		s->state = S_AUTH;
		conn_sendf(s->conn, "334 %s\r\n", sasl_challenge(s->sasl));
		return;
	case SASL_VERIFY:
		s->login = login_start(s->server->deps.store, sasl_name(s->sasl),
		    sasl_password(s->sasl), conn_peer(s->conn), on_login, s);
		if (s->login == NULL)
			finish(s, &reply_busy);
		else
			smtp_in_wait(s);
		return;
	case SASL_CANCELLED: finish(s, &reply_cancelled); return;
	case SASL_BAD:
		/* An answer with nothing in it is a way of giving up (SUB-03). */
		finish(s,
		    given.n == 0 || slice_eq(given, SLICE("=")) ? &reply_cancelled
								: &reply_malformed);
		return;
	}
}

void smtp_cmd_auth(struct smtp_in *s, struct slice args)
{
	enum sasl_mechanism m;
	struct slice name, initial;
	bool has_initial;

	if (s->role != ROLE_SUBMISSION) {
		smtp_in_reply(s, &reply_not_here);
		return;
	}
	if (!conn_is_tls(s->conn)) {
		smtp_in_reply(s, &reply_no_tls);
		return;
	}
	if (s->account != NULL || s->state != S_READY) {
		smtp_in_reply(s, s->account != NULL ? &reply_twice : &reply_in_mail);
		return;
	}
	has_initial = slice_cut(args, ' ', &name, &initial);
	if (!sasl_mechanism_of(name, &m)) {
		smtp_in_reply(s, &reply_mechanism); /* the blob is not looked at (SUB-17) */
		return;
	}
	s->sasl = sasl_new(m);
	step(s, sasl_start(s->sasl, has_initial ? &initial : NULL),
	    has_initial ? initial : SLICE("x"));
}

void smtp_in_auth_line(struct smtp_in *s, struct slice line)
{
	step(s, sasl_respond(s->sasl, line), line);
}
