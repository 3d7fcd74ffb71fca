/* in_hello.c: EHLO HELO STARTTLS NOOP RSET QUIT VRFY HELP: who speaks, and what is on offer?
 * RFC 5321 4.1.1; RFC 3207; RFC 1870, 2034, 2920, 3030, 3461, 4954, 6152, 6531, 9422 for the
 * keywords. */
#include "smtp/in_int.h"

#include "core/log.h"

static const struct smtp_reply reply_bad_name = { 501, "5.5.4",
	"the name given is neither a domain nor an address literal" };
static const struct smtp_reply reply_ok = { 250, "2.0.0", "OK" };
static const struct smtp_reply reply_bye = { 221, "2.0.0", "bye" };
static const struct smtp_reply reply_vrfy = { 252, "2.0.0", "send mail to find out" };
static const struct smtp_reply reply_vrfy_args = { 501, "5.5.4", "whom?" };
static const struct smtp_reply reply_help = { 214, "2.0.0",
	"EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS AUTH\nRFC 5321 says how" };
static const struct smtp_reply reply_tls_twice = { 503, "5.5.1", "TLS is on already" };
static const struct smtp_reply reply_no_tls = { 454, "4.7.0", "TLS is not available now" };
static const struct smtp_reply reply_go_tls = { 220, "2.0.0", "go ahead" };

static bool hello(struct smtp_in *s, struct slice name, bool esmtp)
{
	if (!smtp_helo_ok(name)) {
		smtp_in_reply(s, &reply_bad_name);
		return (false);
	}
	smtp_in_reset(s); /* RFC 5321 4.1.4: as if RSET had come */
	memcpy(s->helo, name.p, name.n);
	s->helo[name.n] = '\0';
	s->esmtp = esmtp;
	s->state = S_READY;
	return (true);
}

void smtp_cmd_helo(struct smtp_in *s, struct slice args)
{
	if (hello(s, args, false))
		conn_sendf(s->conn, "250 %s\r\n", smtp_in_cfg(s)->hostname);
}

void smtp_cmd_ehlo(struct smtp_in *s, struct slice args)
{
	if (!hello(s, args, true))
		return;
	conn_sendf(s->conn,
	    "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n250-CHUNKING\r\n"
	    "250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-LIMITS RCPTMAX=%llu\r\n",
	    smtp_in_cfg(s)->hostname, (unsigned long long)smtp_in_cfg(s)->limits.size,
	    (unsigned long long)smtp_role_rcpts(s)); /* RFC 1870 4; RFC 9422 4 */
	if (s->role == ROLE_SUBMISSION)
		conn_sendz(s->conn, "250-DSN\r\n"); /* strangers get no reports from us */
	if (!conn_is_tls(s->conn) && s->server->deps.tls != NULL)
		conn_sendz(s->conn, "250-STARTTLS\r\n"); /* RFC 3207 4.2: not again under TLS */
	if (smtp_role_offers_auth(s))
		conn_sendz(s->conn, "250-AUTH PLAIN LOGIN\r\n");
	conn_sendz(s->conn, "250 HELP\r\n");
}

void smtp_cmd_starttls(struct smtp_in *s, struct slice args)
{
	(void)args;
	if (conn_is_tls(s->conn)) {
		smtp_in_reply(s, &reply_tls_twice);
		return;
	}
	if (s->server->deps.tls == NULL) {
		smtp_in_reply(s, &reply_no_tls);
		return;
	}
	smtp_in_say(s, &reply_go_tls);
	/* The dispatcher has seen to it that nothing clear is left unread; conn refuses otherwise
	 * (SIN-06). */
	if (conn_start_tls(s->conn, s->server->deps.tls) == -1) {
		s->state = S_CLOSING;
		conn_abort(s->conn, "clear text behind STARTTLS");
		return;
	}
	s->state = S_TLS;
	smtp_in_wait(s); /* the handshake has a deadline of its own */
}

void smtp_cmd_noop(struct smtp_in *s, struct slice args)
{
	(void)args;
	smtp_in_say(s, &reply_ok);
}

void smtp_cmd_rset(struct smtp_in *s, struct slice args)
{
	(void)args;
	smtp_in_reset(s);
	smtp_in_say(s, &reply_ok);
}

void smtp_cmd_quit(struct smtp_in *s, struct slice args)
{
	(void)args;
	smtp_in_say(s, &reply_bye);
	s->state = S_CLOSING;
	conn_close(s->conn, "quit");
}

/* RFC 5321 7.3: the same answer for everybody, so that nobody learns who is here. */
void smtp_cmd_vrfy(struct smtp_in *s, struct slice args)
{
	smtp_in_reply(s, args.n > 0 ? &reply_vrfy : &reply_vrfy_args);
}

void smtp_cmd_help(struct smtp_in *s, struct slice args)
{
	(void)args;
	smtp_in_say(s, &reply_help);
}
