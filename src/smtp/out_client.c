/* out_client.c: what do we say next, and what did the other host answer? A state machine over
 * replies (reply.c reads them, strictly). Leaves sockets and time to out_talk.c, the choice of
 * host to outbound.c, and what a fate means to out_settle.c. RFC 5321 3.3, 4.3.2, 4.5.3.2; RFC
 * 1870 (SIZE), 2920 (PIPELINING), 3207 (STARTTLS), 3461 (DSN), 4954 (AUTH), 6152 (8BITMIME),
 * 6531 (SMTPUTF8). Ends: CLIENT_SETTLED; CLIENT_NEXT (refused or broken before MAIL);
 * CLIENT_NO_TLS. A host that answers what no server may answer is not believed: before MAIL
 * another is asked, later the open recipients are tried again (OUT-04, OUT-20). */
#include "smtp/out_client_int.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"

static const struct {
	const char *phase;
	unsigned seconds;
} phases[C_STATES] = {
	/* RFC 5321 4.5.3.2 */
	[C_BANNER] = { "banner", 300 },
	[C_EHLO] = { "EHLO", 300 },
	[C_HELO] = { "HELO", 300 },
	[C_STARTTLS] = { "STARTTLS", 120 },
	[C_TLS] = { "TLS handshake", 60 },
	[C_AUTH] = { "AUTH", 300 },
	[C_USER] = { "AUTH", 300 },
	[C_PASSWORD] = { "AUTH", 300 },
	[C_MAIL] = { "MAIL", 300 },
	[C_RCPT] = { "RCPT", 300 },
	[C_DATA] = { "DATA", 120 },
	[C_BODY] = { "message", 180 },
	[C_DOT] = { "end of message",
	    660 }, /* at least 10 minutes: giving up early makes duplicates (OUT-11) */
	[C_OVER] = { "end", 5 },
};

struct out_client *out_client_new(const struct client_job *job, bool is_tls)
{
	struct out_client *c = NEW(struct out_client);

	c->job = *job;
	c->is_tls = is_tls;
	buf_init(&c->out, L_IOUT);
	smtp_reply_in_init(&c->reply);
	return (c);
}

void out_client_free(struct out_client *c)
{
	if (c == NULL)
		return;
	if (c->out.p != NULL)
		secret_wipe(c->out.p, c->out.n); /* may hold a password */
	buf_free(&c->out);
	smtp_reply_in_free(&c->reply);
	free(c);
}

/* --- ends --- */

static enum client_wants over(struct out_client *c, enum client_end end)
{
	c->end = end;
	c->state = C_OVER;
	return (CLIENT_OVER);
}

static enum client_wants quit(struct out_client *c, enum client_end end)
{
	buf_addz(&c->out, "QUIT\r\n");
	return (over(c, end));
}

void out_set_fate(struct out_client *c, struct out_rcpt *r, enum out_fate fate,
    const char *enhanced, bool peer_said)
{
	r->fate = fate;
	r->enhanced = enhanced;
	r->reply = c->why;
	r->peer_said = peer_said;
}

void out_set_open(struct out_client *c, enum out_fate fate, const char *enhanced, bool peer_said)
{
	for (size_t i = 0; i < c->job.n; i++)
		if (c->job.rcpts[i].fate == OUT_OPEN)
			out_set_fate(c, &c->job.rcpts[i], fate, enhanced, peer_said);
}

/* The connection is of no more use: what is open is tried again, elsewhere when nothing was said
 * yet. */
static enum client_wants broken(struct out_client *c, const char *why)
{
	bool before_mail = c->state < C_MAIL;

	c->why = slice_of(arena_fmt(c->job.arena, "%s (%s)", why, phases[c->state].phase));
	if (c->state == C_STARTTLS || c->state == C_TLS)
		return (over(c, CLIENT_NO_TLS));
	if (before_mail)
		return (over(c, CLIENT_NEXT));
	out_set_open(c, OUT_RETRY, "4.4.2", false);
	return (over(c, CLIENT_SETTLED));
}

void out_client_lost(struct out_client *c, const char *why)
{
	if (c->state != C_OVER)
		(void)broken(c, why);
}

static unsigned class_of(const struct out_client *c)
{
	return (c->reply.code / 100);
}

static const char *enhanced_of(struct out_client *c)
{
	const struct smtp_reply_in *r = &c->reply;

	if (r->has_enhanced)
		return (arena_fmt(
		    c->job.arena, "%u.%u.%u", r->enhanced[0], r->enhanced[1], r->enhanced[2]));
	return (class_of(c) == 5 ? "5.0.0" : class_of(c) == 2 ? "2.0.0" : "4.0.0");
}

/* A refusal before MAIL concerns this host, not the message (OUT-05). */
static enum client_wants refused(struct out_client *c)
{
	c->permanent = class_of(c) == 5;
	return (quit(c, CLIENT_NEXT));
}

/* --- commands --- */

static enum client_wants hello(struct out_client *c, bool extended)
{
	out_say_hello(c, extended);
	c->state = extended ? C_EHLO : C_HELO;
	return (CLIENT_READS);
}

/* The next recipient from ${at} on that is open and not yet answered; job.n when none is. */
static size_t next_rcpt(const struct out_client *c, size_t at)
{
	while (at < c->job.n && (c->job.rcpts[at].fate != OUT_OPEN || c->job.rcpts[at].accepted))
		at++;
	return (at);
}

static enum client_wants begin_mail(struct out_client *c)
{
	out_leave_impossible(c);
	if ((c->rcpt = next_rcpt(c, 0)) == c->job.n)
		return (quit(c, CLIENT_SETTLED));
	out_say_mail(c);
	/* RFC 2920 3.1; DATA waits for the answers, so that it is never said in vain. */
	if (c->has.pipelining) {
		for (size_t i = c->rcpt; i < c->job.n; i = next_rcpt(c, i + 1))
			out_say_rcpt(c, &c->job.rcpts[i]);
	}
	c->state = C_MAIL;
	return (CLIENT_READS);
}

static enum client_wants say_auth(struct out_client *c)
{
	if (!c->is_tls || (!c->has.plain && !c->has.login)) {
		c->why = c->is_tls ? SLICE("the smarthost offers no AUTH PLAIN or LOGIN")
				   : SLICE("no password without TLS");
		return (quit(c, CLIENT_NEXT));
	}
	c->state = C_AUTH;
	if (!c->has.plain) {
		buf_addz(&c->out, "AUTH LOGIN\r\n");
		c->state = C_USER;
		return (CLIENT_READS);
	}
	out_say_plain(c);
	return (CLIENT_READS);
}

static enum client_wants after_hello(struct out_client *c)
{
	if (!c->is_tls && c->has.starttls && c->job.tls_wanted) {
		buf_addz(&c->out, "STARTTLS\r\n");
		c->state = C_STARTTLS;
		return (CLIENT_READS);
	}
	if (!c->is_tls && c->job.tls_required) { /* OUT-01 */
		c->why = SLICE("TLS is demanded and not offered");
		return (quit(c, CLIENT_NEXT));
	}
	return (c->job.user != NULL ? say_auth(c) : begin_mail(c));
}

/* --- answers --- */

static void note_keyword(struct out_client *c, struct slice line)
{
	struct slice word;

	if (!slice_word(&line, &word))
		return;
	c->has.pipelining = c->has.pipelining || slice_ieq(word, SLICE("PIPELINING"));
	c->has.eightbit = c->has.eightbit || slice_ieq(word, SLICE("8BITMIME"));
	c->has.utf8 = c->has.utf8 || slice_ieq(word, SLICE("SMTPUTF8"));
	c->has.dsn = c->has.dsn || slice_ieq(word, SLICE("DSN"));
	c->has.starttls = c->has.starttls || slice_ieq(word, SLICE("STARTTLS"));
	if (slice_ieq(word, SLICE("SIZE"))) {
		c->has.size = true;
		if (slice_word(&line, &word) && !slice_u64(word, UINT64_MAX, &c->has.max))
			c->has.max = 0;
	} else if (slice_ieq(word, SLICE("AUTH"))) {
		while (slice_word(&line, &word)) {
			c->has.plain = c->has.plain || slice_ieq(word, SLICE("PLAIN"));
			c->has.login = c->has.login || slice_ieq(word, SLICE("LOGIN"));
		}
	}
}

static enum client_wants on_ehlo(struct out_client *c)
{
	struct slice line;

	if (class_of(c) == 5) /* RFC 5321 3.2: an old one (OUT-06) */
		return (hello(c, false));
	if (class_of(c) == 4)
		return (refused(c));
	if (c->reply.code != 250 || c->reply.text.n == 0) /* not even its name (OUT-20) */
		return (broken(c, "no answer to EHLO"));
	for (unsigned i = 1; i < c->reply.lines && smtp_reply_line(&c->reply, i, &line); i++)
		note_keyword(c, line);
	return (after_hello(c));
}

static enum client_wants on_helo(struct out_client *c)
{
	if (class_of(c) == 2)
		return (after_hello(c));
	return (class_of(c) == 3 ? broken(c, "no answer to HELO") : refused(c));
}

static enum client_wants on_starttls(struct out_client *c, size_t left)
{
	if (c->reply.code != 220)
		return (quit(c, CLIENT_NO_TLS));
	/* RFC 3207 6: who spoke before the handshake need not be the host. */
	if (left > 0)
		return (broken(c, "octets between STARTTLS and its handshake"));
	c->state = C_TLS;
	return (CLIENT_TLS);
}

static enum client_wants on_auth(struct out_client *c)
{
	const char *say = c->state == C_USER ? c->job.user : c->job.password;

	if (c->reply.code == 235 && c->state == C_AUTH)
		return (begin_mail(c));
	if (c->reply.code != 334 || c->state == C_AUTH) {
		/* A wrong password of ours says nothing about the message: the owner corrects it. */
		buf_addz(&c->out, "QUIT\r\n");
		return (over(c, CLIENT_NEXT));
	}
	out_say_encoded(c, say);
	c->state = c->state == C_USER ? C_PASSWORD : C_AUTH;
	return (CLIENT_READS);
}

/* RFC 3207 4, RFC 4954 6: what is missing is TLS, or a login; says nothing about the message. TLS
 * works again another time; a smarthost's login the owner corrects. Without either it is final. */
static bool is_about_session(const struct out_client *c)
{
	return (c->reply.code == 530 && (!c->is_tls || c->job.smarthost));
}

/* One answer that is everybody's who is still open. 3xx has no place here. */
static enum client_wants all_answered(struct out_client *c)
{
	if (is_about_session(c)) {
		out_set_open(c, OUT_RETRY, "4.7.0", true);
		return (quit(c, CLIENT_SETTLED));
	}
	switch (class_of(c)) {
	case 4: out_set_open(c, OUT_RETRY, enhanced_of(c), true); return (quit(c, CLIENT_SETTLED));
	case 5: out_set_open(c, OUT_FAILED, enhanced_of(c), true); return (quit(c, CLIENT_SETTLED));
	}
	return (broken(c, "an answer that fits no question"));
}

static enum client_wants on_mail(struct out_client *c)
{
	if (class_of(c) != 2)
		return (all_answered(c));
	if (!c->has.pipelining)
		out_say_rcpt(c, &c->job.rcpts[c->rcpt]);
	c->state = C_RCPT;
	return (CLIENT_READS);
}

static bool any_accepted(const struct out_client *c)
{
	for (size_t i = 0; i < c->job.n; i++)
		if (c->job.rcpts[i].fate == OUT_OPEN && c->job.rcpts[i].accepted)
			return (true);
	return (false);
}

static enum client_wants on_rcpt(struct out_client *c)
{
	struct out_rcpt *r = &c->job.rcpts[c->rcpt];

	switch (class_of(c)) {
	case 2: r->accepted = true; break;
	case 4: out_set_fate(c, r, OUT_RETRY, enhanced_of(c), true); break;
	case 5: /* RFC 5321 4.5.3.1.10: 552 means too many recipients at once */
		if (is_about_session(c))
			out_set_fate(c, r, OUT_RETRY, "4.7.0", true);
		else if (c->reply.code == 552)
			out_set_fate(c, r, OUT_RETRY,
			    c->reply.has_enhanced ? arena_fmt(c->job.arena, "4.%u.%u",
							c->reply.enhanced[1],
							c->reply.enhanced[2])
						  : "4.5.3",
			    true);
		else
			out_set_fate(c, r, OUT_FAILED, enhanced_of(c), true);
		break;
	default: return (broken(c, "an answer that fits no question"));
	}
	if ((c->rcpt = next_rcpt(c, c->rcpt + 1)) < c->job.n) {
		if (!c->has.pipelining)
			out_say_rcpt(c, &c->job.rcpts[c->rcpt]);
		return (CLIENT_READS);
	}
	if (!any_accepted(c))
		return (quit(c, CLIENT_SETTLED));
	buf_addz(&c->out, "DATA\r\n");
	c->state = C_DATA;
	return (CLIENT_READS);
}

static enum client_wants on_data(struct out_client *c)
{
	if (c->reply.code != 354)
		return (all_answered(c)); /* 2xx included: it has no content yet (OUT-20) */
	c->state = C_BODY;
	return (CLIENT_BODY);
}

/* An answer while the content still goes: a refusal counts, an acceptance of what was not said
 * cannot. The connection is to be cut, not told QUIT, which would be content. */
static enum client_wants on_early(struct out_client *c)
{
	if (class_of(c) != 4 && class_of(c) != 5)
		return (broken(c, "an answer before the end of the message"));
	out_set_open(c, class_of(c) == 5 ? OUT_FAILED : OUT_RETRY, enhanced_of(c), true);
	return (over(c, CLIENT_SETTLED));
}

static enum client_wants on_dot(struct out_client *c)
{
	if (class_of(c) != 2)
		return (all_answered(c));
	out_set_open(c, OUT_SENT, enhanced_of(c), true);
	return (quit(c, CLIENT_SETTLED));
}

static enum client_wants answer(struct out_client *c, size_t left)
{
	struct buf line = BUF_INIT(L_REPLY_TEXT + 8);

	c->answers++;
	(void)smtp_reply_one_line(&c->reply, &line);
	c->why = slice_trim(arena_dup(c->job.arena, buf_slice(&line)));
	buf_free(&line);
	switch (c->state) {
	case C_BANNER:
		if (class_of(c) != 2)
			return (class_of(c) == 3 ? broken(c, "no banner") : refused(c));
		c->greeted = true;
		return (hello(c, true));
	case C_EHLO: return (on_ehlo(c));
	case C_HELO: return (on_helo(c));
	case C_STARTTLS: return (on_starttls(c, left));
	case C_AUTH:
	case C_USER:
	case C_PASSWORD: return (on_auth(c));
	case C_MAIL: return (on_mail(c));
	case C_RCPT: return (on_rcpt(c));
	case C_DATA: return (on_data(c));
	case C_BODY: return (on_early(c));
	case C_DOT: return (on_dot(c));
	case C_TLS: /* out_client_take stops in these */
	case C_OVER:
	case C_STATES: break;
	}
	return (over(c, CLIENT_NEXT));
}

enum client_wants out_client_take(struct out_client *c, struct slice input, size_t *ret_used)
{
	enum client_wants wants = CLIENT_READS;
	size_t used;

	*ret_used = 0;
	while (wants == CLIENT_READS && c->state != C_OVER) {
		if (c->state == C_TLS)
			return (CLIENT_READS);
		switch (smtp_reply_take(&c->reply, slice_from(input, *ret_used), &used)) {
		case TAKE_MORE: *ret_used += used; return (CLIENT_READS);
		case TAKE_BAD: *ret_used += used; return (broken(c, "not an SMTP reply"));
		case TAKE_OK:
			*ret_used += used;
			wants = answer(c, input.n - *ret_used);
			smtp_reply_in_reset(&c->reply);
			if (c->out.failed)
				return (broken(c, "out of room for commands"));
		}
	}
	return (c->state == C_OVER ? CLIENT_OVER : wants);
}

enum client_wants out_client_secured(struct out_client *c)
{
	c->is_tls = true;
	return (hello(c, true)); /* RFC 3207 4.2: what was learned before is forgotten */
}

void out_client_sent(struct out_client *c)
{
	if (c->state == C_BODY)
		c->state = C_DOT;
}

/* --- questions --- */

struct buf *out_client_output(struct out_client *c)
{
	return (&c->out);
}

const char *out_client_phase(const struct out_client *c, unsigned *ret_seconds)
{
	*ret_seconds = phases[c->state].seconds;
	return (phases[c->state].phase);
}

unsigned out_client_answers(const struct out_client *c)
{
	return (c->answers);
}

enum client_end out_client_end(const struct out_client *c)
{
	return (c->end);
}

bool out_client_permanent(const struct out_client *c)
{
	return (c->permanent);
}

bool out_client_greeted(const struct out_client *c)
{
	return (c->greeted);
}

bool out_client_has_dsn(const struct out_client *c)
{
	return (c->has.dsn);
}

bool out_client_is_past_dot(const struct out_client *c)
{
	return (c->state == C_DOT);
}

struct slice out_client_why(const struct out_client *c)
{
	return (c->why);
}
