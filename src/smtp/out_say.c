/* out_say.c: how are the client's commands written? With the parameters the other host offered
 * and the message needs, nothing else; what a host cannot take at all is not offered to it.
 * Leaves answers to out_client.c. RFC 1870, 3461, 4616, 4954, 6152, 6531. */
#include "smtp/out_client_int.h"

#include "core/base64.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"

void out_say_hello(struct out_client *c, bool extended)
{
	memset(&c->has, 0, sizeof(c->has));
	buf_fmt(&c->out, "%s %s\r\n", extended ? "EHLO" : "HELO", c->job.helo);
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
void out_leave_impossible(struct out_client *c)
{
	struct arena *a = c->job.arena;
	bool all;

	if (c->has.size && c->has.max > 0 && c->job.size > c->has.max) {
		c->why =
		    slice_of(arena_fmt(a, "the message has %llu octets, the other host takes %llu",
			(unsigned long long)c->job.size, (unsigned long long)c->has.max));
		out_set_open(c, OUT_FAILED, "5.3.4", false); /* RFC 1870 6.2 */
		return;
	}
	if ((c->job.body_8bit || c->job.header_8bit) && !c->has.eightbit) {
		c->why = SLICE("the message has 8-bit content, which the other host does not take");
		out_set_open(c, OUT_FAILED, "5.6.3", false); /* RFC 6152 3 */
		return;
	}
	if (c->has.utf8 || !wants_utf8(c, &all))
		return;
	c->why = SLICE("the other host does not take internationalized mail");
	for (size_t i = 0; i < c->job.n; i++)
		if (c->job.rcpts[i].fate == OUT_OPEN && (all || !ascii(c->job.rcpts[i].address)))
			out_set_fate(
			    c, &c->job.rcpts[i], OUT_FAILED, "5.6.7", false); /* RFC 6531 3.5 */
}

void out_say_mail(struct out_client *c)
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
	} names[] = { { NOTIFY_NEVER, "NEVER" }, { NOTIFY_SUCCESS, "SUCCESS" },
		{ NOTIFY_FAILURE, "FAILURE" }, { NOTIFY_DELAY, "DELAY" } };
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if ((notify & names[i].bit) != 0) {
			buf_fmt(&c->out, "%s%s", before, names[i].name);
			before = ",";
		}
}

void out_say_rcpt(struct out_client *c, const struct out_rcpt *r)
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

void out_say_plain(struct out_client *c)
{
	struct buf plain = BUF_INIT(2 * L_PASSWORD + 2);

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
}

void out_say_encoded(struct out_client *c, const char *secret)
{
	base64_encode(slice_of(secret), &c->out);
	buf_addz(&c->out, "\r\n");
}
