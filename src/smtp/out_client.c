/* out_client.c: what do we say next, and what did the other host answer? A state machine over replies (reply.c reads them, strictly).
 * Leaves sockets and time to out_talk.c, the choice of host to outbound.c, and what a fate means to out_settle.c.
 * RFC 5321 3.3, 4.3.2, 4.5.3.2; RFC 1870 (SIZE), 2920 (PIPELINING), 3207 (STARTTLS), 3461 (DSN), 4954 (AUTH), 6152 (8BITMIME), 6531 (SMTPUTF8).
 * Ends: CLIENT_SETTLED; CLIENT_NEXT (refused or broken before MAIL); CLIENT_NO_TLS. A host that answers what no server may answer is not believed:
 * before MAIL another is asked, later the open recipients are tried again (OUT-04, OUT-20). */
#include "smtp/out_client.h"

#include <stdlib.h>

#include "core/base64.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"
#include "smtp/reply.h"
#include "store/queue.h"

enum state { C_BANNER, C_EHLO, C_HELO, C_STARTTLS, C_TLS, C_AUTH, C_USER, C_PASSWORD, C_MAIL, C_RCPT, C_DATA, C_BODY, C_DOT, C_OVER, C_STATES };

static const struct {
	const char *phase;
	unsigned seconds;
} phases[C_STATES] = { /* RFC 5321 4.5.3.2 */
	[C_BANNER] = { "banner", 300 }, [C_EHLO] = { "EHLO", 300 }, [C_HELO] = { "HELO", 300 },
	[C_STARTTLS] = { "STARTTLS", 120 }, [C_TLS] = { "TLS handshake", 60 }, [C_AUTH] = { "AUTH", 300 },
	[C_USER] = { "AUTH", 300 }, [C_PASSWORD] = { "AUTH", 300 }, [C_MAIL] = { "MAIL", 300 }, [C_RCPT] = { "RCPT", 300 },
	[C_DATA] = { "DATA", 120 }, [C_BODY] = { "message", 180 },
	[C_DOT] = { "end of message", 660 }, /* at least 10 minutes: giving up early makes duplicates (OUT-11) */
	[C_OVER] = { "end", 5 },
};

struct out_client {
	struct client_job job;
	enum state state;
	enum client_end end;
	bool is_tls, permanent, greeted;
	struct buf out;
	struct smtp_reply_in reply;
	struct slice why;
	struct { /* of the last EHLO */
		bool pipelining, eightbit, utf8, dsn, starttls, size, plain, login;
		uint64_t max;
	} has;
	size_t rcpt; /* whose answer is awaited */
	unsigned answers;
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

static void set_fate(struct out_client *c, struct out_rcpt *r, enum out_fate fate, const char *enhanced, bool peer_said)
{
	r->fate = fate;
	r->enhanced = enhanced;
	r->reply = c->why;
	r->peer_said = peer_said;
}

static void open_ones(struct out_client *c, enum out_fate fate, const char *enhanced, bool peer_said)
{
	for (size_t i = 0; i < c->job.n; i++)
		if (c->job.rcpts[i].fate == OUT_OPEN)
			set_fate(c, &c->job.rcpts[i], fate, enhanced, peer_said);
}

/* The connection is of no more use: what is open is tried again, elsewhere when nothing was said yet. */
static enum client_wants broken(struct out_client *c, const char *why)
{
	bool before_mail = c->state < C_MAIL;

	c->why = slice_of(arena_fmt(c->job.arena, "%s (%s)", why, phases[c->state].phase));
	if (c->state == C_STARTTLS || c->state == C_TLS)
		return (over(c, CLIENT_NO_TLS));
	if (before_mail)
		return (over(c, CLIENT_NEXT));
	open_ones(c, OUT_RETRY, "4.4.2", false);
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
		return (arena_fmt(c->job.arena, "%u.%u.%u", r->enhanced[0], r->enhanced[1], r->enhanced[2]));
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
	memset(&c->has, 0, sizeof(c->has));
	buf_fmt(&c->out, "%s %s\r\n", extended ? "EHLO" : "HELO", c->job.helo);
	c->state = extended ? C_EHLO : C_HELO;
	return (CLIENT_READS);
}

static bool ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return (false);
	return (true);
}

static bool wants_utf8(const struct out_client *c, bool *ret_all)
{
	bool any = false;

	*ret_all = !ascii(c->job.env->from) || (c->job.env->smtputf8 && c->job.header_8bit);
	for (size_t i = 0; i < c->job.n; i++)
		any = any || (c->job.rcpts[i].fate == OUT_OPEN && !ascii(c->job.rcpts[i].address));
	return (any || *ret_all);
}

/* What this host cannot take is not offered to it (OUT-07). */
static void leave_out_impossible(struct out_client *c)
{
	struct arena *a = c->job.arena;
	bool all;

	if (c->has.size && c->has.max > 0 && c->job.size > c->has.max) {
		c->why = slice_of(arena_fmt(a, "the message has %llu octets, the other host takes %llu",
		    (unsigned long long)c->job.size, (unsigned long long)c->has.max));
		open_ones(c, OUT_FAILED, "5.3.4", false); /* RFC 1870 6.2 */
		return;
	}
	if ((c->job.body_8bit || c->job.header_8bit) && !c->has.eightbit) {
		c->why = SLICE("the message has 8-bit content, which the other host does not take");
		open_ones(c, OUT_FAILED, "5.6.3", false); /* RFC 6152 3 */
		return;
	}
	if (c->has.utf8 || !wants_utf8(c, &all))
		return;
	c->why = SLICE("the other host does not take internationalized mail");
	for (size_t i = 0; i < c->job.n; i++)
		if (c->job.rcpts[i].fate == OUT_OPEN && (all || !ascii(c->job.rcpts[i].address)))
			set_fate(c, &c->job.rcpts[i], OUT_FAILED, "5.6.7", false); /* RFC 6531 3.5 */
}

static void say_mail(struct out_client *c)
{
	const struct queue_envelope *env = c->job.env;
	bool all;

	buf_addz(&c->out, "MAIL FROM:<");
	buf_add_slice(&c->out, env->from);
	buf_addz(&c->out, ">");
	if (c->has.size)
		buf_fmt(&c->out, " SIZE=%llu", (unsigned long long)c->job.size);
	if (c->has.eightbit && (c->job.body_8bit || c->job.header_8bit))
		buf_addz(&c->out, " BODY=8BITMIME");
	if (c->has.utf8 && wants_utf8(c, &all))
		buf_addz(&c->out, " SMTPUTF8");
	if (c->has.dsn && env->from.n > 0) { /* RFC 3461 4.3, 4.4: as they were given */
		buf_addz(&c->out, env->ret_full ? " RET=FULL" : " RET=HDRS");
		if (env->envid.n > 0)
			buf_fmt(&c->out, " ENVID=" SLICE_FMT, SLICE_ARG(env->envid));
	}
	buf_addz(&c->out, "\r\n");
}

static void say_notify(struct out_client *c, unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = { { NOTIFY_NEVER, "NEVER" }, { NOTIFY_SUCCESS, "SUCCESS" }, { NOTIFY_FAILURE, "FAILURE" }, { NOTIFY_DELAY, "DELAY" } };
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if ((notify & names[i].bit) != 0) {
			buf_fmt(&c->out, "%s%s", before, names[i].name);
			before = ",";
		}
}

static void say_rcpt(struct out_client *c, const struct out_rcpt *r)
{
	buf_addz(&c->out, "RCPT TO:<");
	buf_add_slice(&c->out, r->address);
	buf_addz(&c->out, ">");
	if (c->has.dsn) {
		say_notify(c, r->notify);
		if (r->orcpt.n > 0)
			buf_fmt(&c->out, " ORCPT=" SLICE_FMT, SLICE_ARG(r->orcpt));
	}
	buf_addz(&c->out, "\r\n");
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
	leave_out_impossible(c);
	if ((c->rcpt = next_rcpt(c, 0)) == c->job.n)
		return (quit(c, CLIENT_SETTLED));
	say_mail(c);
	if (c->has.pipelining) { /* RFC 2920 3.1; DATA waits for the answers, so that it is never said in vain */
		for (size_t i = c->rcpt; i < c->job.n; i = next_rcpt(c, i + 1))
			say_rcpt(c, &c->job.rcpts[i]);
	}
	c->state = C_MAIL;
	return (CLIENT_READS);
}

static enum client_wants say_auth(struct out_client *c)
{
	struct buf plain = BUF_INIT(2 * L_PASSWORD + 2);

	if (!c->is_tls || (!c->has.plain && !c->has.login)) {
		c->why = c->is_tls ? SLICE("the smarthost offers no AUTH PLAIN or LOGIN") : SLICE("no password without TLS");
		return (quit(c, CLIENT_NEXT));
	}
	c->state = C_AUTH;
	if (!c->has.plain) {
		buf_addz(&c->out, "AUTH LOGIN\r\n");
		c->state = C_USER;
		return (CLIENT_READS);
	}
	buf_addc(&plain, '\0'); /* RFC 4616: authzid NUL authcid NUL passwd */
	buf_addz(&plain, c->job.user);
	buf_addc(&plain, '\0');
	buf_addz(&plain, c->job.password);
	buf_addz(&c->out, "AUTH PLAIN ");
	base64_encode(buf_slice(&plain), &c->out);
	buf_addz(&c->out, "\r\n");
	if (plain.p != NULL)
		secret_wipe(plain.p, plain.n);
	buf_free(&plain);
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
	if (left > 0) /* somebody spoke before the handshake: it is not the host's word (RFC 3207 6) */
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
	base64_encode(slice_of(say), &c->out);
	buf_addz(&c->out, "\r\n");
	c->state = c->state == C_USER ? C_PASSWORD : C_AUTH;
	return (CLIENT_READS);
}

/* One answer that is everybody's who is still open. 3xx has no place here. */
static enum client_wants all_answered(struct out_client *c)
{
	switch (class_of(c)) {
	case 4:
		open_ones(c, OUT_RETRY, enhanced_of(c), true);
		return (quit(c, CLIENT_SETTLED));
	case 5:
		open_ones(c, OUT_FAILED, enhanced_of(c), true);
		return (quit(c, CLIENT_SETTLED));
	}
	return (broken(c, "an answer that fits no question"));
}

static enum client_wants on_mail(struct out_client *c)
{
	if (class_of(c) != 2)
		return (all_answered(c));
	if (!c->has.pipelining)
		say_rcpt(c, &c->job.rcpts[c->rcpt]);
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
	case 2:
		r->accepted = true;
		break;
	case 4:
		set_fate(c, r, OUT_RETRY, enhanced_of(c), true);
		break;
	case 5: /* RFC 5321 4.5.3.1.10: 552 means too many recipients at once */
		set_fate(c, r, c->reply.code == 552 ? OUT_RETRY : OUT_FAILED,
		    c->reply.code == 552 && !c->reply.has_enhanced ? "4.5.3" : enhanced_of(c), true);
		break;
	default:
		return (broken(c, "an answer that fits no question"));
	}
	if ((c->rcpt = next_rcpt(c, c->rcpt + 1)) < c->job.n) {
		if (!c->has.pipelining)
			say_rcpt(c, &c->job.rcpts[c->rcpt]);
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

/* An answer while the content still goes: a refusal counts, an acceptance of what was not said cannot. The connection is to be cut, not
 * told QUIT, which would be content. */
static enum client_wants on_early(struct out_client *c)
{
	if (class_of(c) != 4 && class_of(c) != 5)
		return (broken(c, "an answer before the end of the message"));
	open_ones(c, class_of(c) == 5 ? OUT_FAILED : OUT_RETRY, enhanced_of(c), true);
	return (over(c, CLIENT_SETTLED));
}

static enum client_wants on_dot(struct out_client *c)
{
	if (class_of(c) != 2)
		return (all_answered(c));
	open_ones(c, OUT_SENT, enhanced_of(c), true);
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
	case C_EHLO:
		return (on_ehlo(c));
	case C_HELO:
		return (on_helo(c));
	case C_STARTTLS:
		return (on_starttls(c, left));
	case C_AUTH:
	case C_USER:
	case C_PASSWORD:
		return (on_auth(c));
	case C_MAIL:
		return (on_mail(c));
	case C_RCPT:
		return (on_rcpt(c));
	case C_DATA:
		return (on_data(c));
	case C_BODY:
		return (on_early(c));
	case C_DOT:
		return (on_dot(c));
	case C_TLS: /* out_client_take stops in these */
	case C_OVER:
	case C_STATES:
		break;
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
		case TAKE_MORE:
			*ret_used += used;
			return (CLIENT_READS);
		case TAKE_BAD:
			*ret_used += used;
			return (broken(c, "not an SMTP reply"));
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
