/* in_command.c: which command is this, and may it come now?
 * Leaves what it does to in_hello.c, in_auth.c, in_envelope.c and in_data.c.  RFC 5321 4.1.1, RFC
 * 2920 3.1. Fails: unknown 500 5.5.2, order 503 5.5.1, rights 530 5.7.0, arguments 501 5.5.4,
 * pipelined where none may be 554 5.5.0. */
#include "smtp/in_int.h"

#include "core/mem.h"

enum {
	NO_ARGS = 1,
	ENDS_GROUP =
	    2, /* RFC 2920 3.1: the client must read the answer before it goes on (SIN-05) */
	NEEDS_TLS = 4,   /* on the submission port: refused before STARTTLS */
	NEEDS_LOGIN = 8, /* on the submission port */
	IS_JUNK = 16,    /* moves no mail: counts toward L_JUNK */
	IS_HELLO = 32,
};

#define ANY_TIME (S_NEW | S_READY | S_MAIL | S_RCPT | S_CHUNKS)
#define HELLOED (S_READY | S_MAIL | S_RCPT | S_CHUNKS)

struct smtp_cmd {
	struct slice name;
	unsigned states, needs;
	void (*run)(struct smtp_in *s, struct slice args);
};

/* clang-format off */
static const struct smtp_cmd commands[] = {
	/* name, allowed in, needs, run */
	{ SLICE_INIT("EHLO"),     ANY_TIME,        ENDS_GROUP | IS_JUNK | IS_HELLO, smtp_cmd_ehlo },
	{ SLICE_INIT("HELO"),     ANY_TIME,        ENDS_GROUP | IS_JUNK | IS_HELLO, smtp_cmd_helo },
	{ SLICE_INIT("MAIL"),     S_READY,         NEEDS_TLS | NEEDS_LOGIN,         smtp_cmd_mail },
	{ SLICE_INIT("RCPT"),     S_MAIL | S_RCPT, 0,                               smtp_cmd_rcpt },
	{ SLICE_INIT("DATA"),     S_RCPT,          NO_ARGS | ENDS_GROUP,            smtp_cmd_data },
	{ SLICE_INIT("BDAT"),     HELLOED | S_NEW, 0,                               smtp_cmd_bdat },
	{ SLICE_INIT("RSET"),     ANY_TIME,        NO_ARGS | IS_JUNK,               smtp_cmd_rset },
	{ SLICE_INIT("NOOP"),     ANY_TIME,        IS_JUNK,                         smtp_cmd_noop },
	{ SLICE_INIT("QUIT"),     ANY_TIME,        NO_ARGS,                         smtp_cmd_quit },
	{ SLICE_INIT("VRFY"),     ANY_TIME,        NEEDS_TLS | IS_JUNK,             smtp_cmd_vrfy },
	{ SLICE_INIT("HELP"),     ANY_TIME,        IS_JUNK,                         smtp_cmd_help },
	{ SLICE_INIT("STARTTLS"), S_READY,         NO_ARGS | ENDS_GROUP,            smtp_cmd_starttls },
	{ SLICE_INIT("AUTH"),     HELLOED,         ENDS_GROUP,                      smtp_cmd_auth },
};
/* clang-format on */

static const struct smtp_reply reply_unknown = { 500, "5.5.2", "command not known" };
static const struct smtp_reply reply_no_expn = { 502, "5.5.1", "command not offered" };
static const struct smtp_reply reply_order = { 503, "5.5.1", "not at this point" };
static const struct smtp_reply reply_hello_first = { 503, "5.5.1", "say EHLO first" };
static const struct smtp_reply reply_no_args = { 501, "5.5.4", "this command takes no arguments" };
static const struct smtp_reply reply_tls_first = { 530, "5.7.0", "say STARTTLS first" };
static const struct smtp_reply reply_login_first = { 530, "5.7.0", "authentication required" };
static const struct smtp_reply reply_pipelined = { 554, "5.5.0",
	"you did not wait for the answer, closing" };
static const struct smtp_reply reply_junk = { 421, "4.7.0",
	"too many commands that move no mail, closing" };

static const struct smtp_cmd *find(struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (slice_ieq(name, commands[i].name))
			return (&commands[i]);
	return (NULL);
}

/* Why this command cannot be run now; NULL when it can. */
static const struct smtp_reply *refusal(
    const struct smtp_in *s, const struct smtp_cmd *c, struct slice args)
{
	bool submission = s->role == ROLE_SUBMISSION;

	if (submission && (c->needs & NEEDS_TLS) && !conn_is_tls(s->conn))
		return (&reply_tls_first);
	if ((s->state & c->states) == 0)
		return (s->state == S_NEW ? &reply_hello_first : &reply_order);
	if (submission && (c->needs & NEEDS_LOGIN) && s->account == NULL)
		return (&reply_login_first);
	if ((c->needs & NO_ARGS) && args.n > 0)
		return (&reply_no_args);
	return (NULL);
}

void smtp_in_command(struct smtp_in *s, struct slice line)
{
	struct slice name, args;
	const struct smtp_cmd *c;
	const struct smtp_reply *no;

	(void)slice_cut(line, ' ', &name, &args);
	args = slice_trim(args);
	if ((c = find(name)) == NULL) {
		smtp_in_reply(s, slice_ieq(name, SLICE("EXPN")) ? &reply_no_expn : &reply_unknown);
		return;
	}
	if ((c->needs & ENDS_GROUP) && conn_input(s->conn).n > 0) {
		smtp_in_fail(s, &reply_pipelined, "pipelined without leave");
		return;
	}
	/* The first EHLO, and the one after STARTTLS, are no idle talk. */
	if ((c->needs & IS_JUNK) && !((c->needs & IS_HELLO) && s->state == S_NEW) &&
	    ++s->junk > smtp_in_cfg(s)->limits.junk) {
		smtp_in_fail(s, &reply_junk, "too many idle commands");
		return;
	}
	if ((no = refusal(s, c, args)) != NULL)
		smtp_in_reply(s, no);
	else
		c->run(s, args);
}
