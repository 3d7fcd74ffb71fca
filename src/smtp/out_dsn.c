/* out_dsn.c: what do we tell the sender of a message that went nowhere, goes slowly, or went
 * where nobody will report? Three parts: words for people, fields for programs, and the message
 * itself or its header. RFC 3464, RFC 3461 6, RFC 6522, RFC 6533 where the sender reads UTF-8.
 * What other hosts said goes in as one clean line of at most L_REPLY_TEXT octets (OUT-14); the
 * boundary is random, so nothing quoted can end a part. Leaves to out_settle.c who gets one.
 * Fails: DSN_MAX. */
#include "smtp/out_int.h"

#include "core/mem.h"
#include "core/secret.h"
#include "msg/date.h"
#include "msg/write.h"

enum { BOUNDARY = 26 };

static const struct {
	enum dsn_action action;
	const char *name, *words;
} actions[] = {
	{ DSN_FAILED, "failed",
	    "Your message could not be delivered to the following recipients. It will not "
	    "be\r\ntried again; to reach them, correct the cause and send it "
	    "again.\r\n" },
	{ DSN_DELAYED, "delayed",
	    "Your message has not been delivered yet to the following recipients. There "
	    "is\r\nnothing to do: it will be tried again until the time "
	    "given, and you will hear\r\nif it fails.\r\n" },
	{ DSN_RELAYED, "relayed",
	    "Your message was handed over for the following recipients to a host that does\r\nnot "
	    "report deliveries. You will hear no more about it "
	    "unless it comes back.\r\n" },
	{ DSN_DELIVERED, "delivered",
	    "Your message was delivered to the following recipients.\r\n" },
};

static size_t count(const struct dsn *d, enum dsn_action action)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += d->rcpts[i].action == action;
	return (n);
}

static const char *subject(const struct dsn *d)
{
	if (count(d, DSN_FAILED) > 0)
		return ("Mail could not be delivered");
	if (count(d, DSN_DELAYED) > 0)
		return ("Mail is delayed");
	return (count(d, DSN_RELAYED) > 0 ? "Mail was handed over" : "Mail was delivered");
}

/* One line whatever it holds; 8-bit only where the reader takes it. */
static void clean(struct buf *out, struct slice s, bool utf8)
{
	for (size_t i = 0; i < s.n && i < L_REPLY_TEXT; i++) {
		unsigned char c = (unsigned char)s.p[i];

		buf_addc(out, c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8) ? '?' : (char)c);
	}
}

static void line(struct buf *out, const char *name, struct slice value, bool utf8)
{
	buf_fmt(out, "%s", name);
	clean(out, value, utf8);
	buf_addz(out, "\r\n");
}

static bool has_8bit(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return (true);
	return (false);
}

static void words(const struct dsn *d, struct buf *out)
{
	struct buf when = BUF_INIT(64);

	for (size_t k = 0; k < COUNT_OF(actions); k++) {
		if (count(d, actions[k].action) == 0)
			continue;
		buf_addz(out, actions[k].words);
		buf_addz(out, "\r\n");
		for (size_t i = 0; i < d->n; i++) {
			const struct dsn_rcpt *r = &d->rcpts[i];

			if (r->action != actions[k].action)
				continue;
			line(out, "  ", r->address, d->utf8);
			if (r->action == DSN_FAILED || r->action == DSN_DELAYED) {
				if (r->remote != NULL)
					line(out, "    said by ", slice_of(r->remote), false);
				line(out, "    ", r->reply, false);
			}
			if (r->action == DSN_DELAYED) {
				buf_reset(&when);
				(void)date_write(&when, r->until);
				line(out, "    tried until ", buf_slice(&when), false);
			}
		}
		buf_addz(out, "\r\n");
	}
	buf_free(&when);
}

static void date_field(struct buf *out, const char *name, int64_t t)
{
	buf_addz(out, name);
	(void)date_write(out, t);
	buf_addz(out, "\r\n");
}

/* Text of an xtext: "+" and two digits are one octet; octets that could break a line become "?". */
static struct slice from_xtext(struct slice s, char *to, size_t room)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < room; i++) {
		char c = s.p[i];

		if (c == '+' && i + 2 < s.n) {
			const char *h = memchr(digits, s.p[i + 1], 16),
				   *l = memchr(digits, s.p[i + 2], 16);

			c = h != NULL && l != NULL ? (char)((h - digits) * 16 + (l - digits)) : '?';
			i += 2;
		}
		to[n++] = c;
	}
	return ((struct slice){ to, n });
}

static void per_recipient(const struct dsn *d, const struct dsn_rcpt *r, struct buf *out)
{
	const char *type = d->utf8 && has_8bit(r->address) ? "utf-8; " : "rfc822; ";
	struct slice kind, original;
	char text[L_REPLY_TEXT];

	buf_addz(out, "\r\n");
	if (r->orcpt.n > 0 && slice_cut(r->orcpt, ';', &kind, &original)) { /* RFC 3461 4.2, 6.3 */
		buf_addz(out, "Original-Recipient: ");
		clean(out, kind, false);
		line(out, "; ", from_xtext(original, text, sizeof(text)), d->utf8);
	}
	buf_fmt(out, "Final-Recipient: %s", type);
	line(out, "", r->address, d->utf8);
	for (size_t k = 0; k < COUNT_OF(actions); k++)
		if (actions[k].action == r->action)
			buf_fmt(out, "Action: %s\r\n", actions[k].name);
	buf_fmt(out, "Status: %s\r\n", r->status);
	if (r->remote != NULL) {
		line(out, "Remote-MTA: dns; ", slice_of(r->remote), false);
		line(out, "Diagnostic-Code: smtp; ", r->reply, false);
	}
	date_field(out, "Last-Attempt-Date: ", d->now);
	if (r->action == DSN_DELAYED)
		date_field(out, "Will-Retry-Until: ", r->until);
}

static void status(const struct dsn *d, struct buf *out)
{
	char text[L_REPLY_TEXT];

	if (d->envid.n > 0)
		line(
		    out, "Original-Envelope-Id: ", from_xtext(d->envid, text, sizeof(text)), false);
	line(out, "Reporting-MTA: dns; ", slice_of(d->hostname), false);
	date_field(out, "Arrival-Date: ", d->arrived);
	for (size_t i = 0; i < d->n; i++)
		if (d->rcpts[i].action != DSN_NONE)
			per_recipient(d, &d->rcpts[i], out);
}

/* The message as it was sent, octets that may not stand here made harmless. */
static void returned(const struct dsn *d, struct buf *out)
{
	bool eight = has_8bit(d->message);
	const char *type = d->full ? "message/rfc822" : "text/rfc822-headers";

	if (d->utf8 && eight) /* RFC 6533 3 */
		type = d->full ? "message/global" : "message/global-headers";
	buf_fmt(out, "Content-Type: %s\r\n", type);
	if (eight)
		buf_addz(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_addz(out, "\r\n");
	buf_add_slice(out, d->message);
	if (!slice_ends(d->message, SLICE("\r\n")))
		buf_addz(out, "\r\n");
}

static void top(const struct dsn *d, const char *boundary, struct buf *out)
{
	struct buf value = BUF_INIT(L_REPLY_OCTETS);

	buf_fmt(&value, "Mail delivery <postmaster@" SLICE_FMT ">", SLICE_ARG(d->domain));
	(void)write_field(out, "From", buf_slice(&value));
	buf_reset(&value);
	buf_fmt(&value, "<" SLICE_FMT ">", SLICE_ARG(d->to));
	if (d->utf8) /* RFC 6532: the address as it is */
		line(out, "To: ", buf_slice(&value), true);
	else
		(void)write_field(out, "To", buf_slice(&value));
	(void)write_field(out, "Subject", slice_of(subject(d)));
	date_field(out, "Date: ", d->now);
	buf_addz(out, "Message-ID: ");
	(void)write_message_id(out, d->hostname);
	buf_addz(out, "\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"); /* RFC 3834 5 */
	buf_fmt(out,
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"%s\"\r\n",
	    boundary);
	buf_free(&value);
}

/* A part of text, labelled by what it holds: plain types wherever ASCII is enough, since more
 * readers know them. */
static void part(const char *boundary, const char *ascii_type, const char *utf8_type,
    const struct buf *text, struct buf *out)
{
	bool eight = has_8bit(buf_slice(text));

	buf_fmt(out, "\r\n--%s\r\nContent-Type: %s\r\n%s\r\n", boundary,
	    eight ? utf8_type : ascii_type, eight ? "Content-Transfer-Encoding: 8bit\r\n" : "");
	buf_add_slice(out, buf_slice(text));
}

int out_dsn_write(const struct dsn *d, struct buf *out)
{
	char boundary[BOUNDARY + 1];
	struct buf text;

	buf_init(&text, out->max);
	secret_id(boundary, BOUNDARY);
	top(d, boundary, out);
	buf_addz(
	    out, "\r\nThis is a report about mail you sent, for a program that shows reports.\r\n");
	buf_fmt(&text, "This is %s.\r\n\r\n", d->hostname);
	words(d, &text);
	buf_fmt(&text, "Your message is known here as %s.\r\n", d->queue_id);
	part(boundary, "text/plain; charset=us-ascii", "text/plain; charset=utf-8", &text, out);
	out->failed = out->failed || text.failed;
	buf_reset(&text);
	status(d, &text);
	part(boundary, "message/delivery-status", "message/global-delivery-status", &text, out);
	out->failed = out->failed || text.failed;
	buf_free(&text);
	buf_fmt(out, "\r\n--%s\r\n", boundary);
	returned(d, out);
	buf_fmt(out, "\r\n--%s--\r\n", boundary);
	return (out->failed ? -1 : 0);
}
