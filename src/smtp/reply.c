/* reply.c: what does a reply look like on the wire, and is this one?
 * Says nothing of what a code means to a transaction (in_*.c, out_client.c).  RFC
 * 5321 4.2, 4.5.3.1.5; RFC 2034. Fails: TAKE_BAD for anything that is no reply; over L_REPLY_LINES,
 * L_REPLY_OCTETS. */
#include "smtp/reply.h"

#include "core/limits.h"
#include "smtp/line.h"

static void add_clean(struct buf *out, struct slice s, size_t max)
{
	for (size_t i = 0; i < s.n && i < max; i++) {
		unsigned char c = (unsigned char)s.p[i];

		buf_addc(out, c < 0x20 || c >= 0x7f ? '?' : (char)c);
	}
}

int smtp_reply_write(struct buf *out, const struct smtp_reply *r)
{
	struct slice rest = slice_of(r->text), line;
	bool more;

	do {
		more = slice_cut(rest, '\n', &line, &rest);
		buf_fmt(out, "%03u%c", r->code, more ? '-' : ' ');
		if (r->enhanced != NULL)
			buf_fmt(out, "%s ", r->enhanced);
		add_clean(out, line, L_REPLY_TEXT);
		buf_addz(out, "\r\n");
	} while (more);
	return (out->failed ? -1 : 0);
}

struct slice smtp_reply_said(struct arena *a, const struct smtp_reply *r)
{
	bool enhanced = r->enhanced != NULL;

	if (r->code == 0) /* the peer left before it was told anything */
		return (slice_of(r->text));
	return (slice_of(arena_fmt(a, "%03u %s%s%s", r->code, enhanced ? r->enhanced : "",
	    enhanced ? " " : "", r->text)));
}

void smtp_reply_in_init(struct smtp_reply_in *r)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->text, (size_t)L_REPLY_OCTETS + 1);
}

void smtp_reply_in_reset(struct smtp_reply_in *r)
{
	struct buf text = r->text;

	memset(r, 0, sizeof(*r));
	r->text = text;
	buf_reset(&r->text);
}

void smtp_reply_in_free(struct smtp_reply_in *r)
{
	buf_free(&r->text);
}

/* status-code = class "." subject "." detail, followed by a blank or the end (RFC 2034 4). */
static bool take_enhanced(struct slice text, unsigned class, unsigned ret[3])
{
	struct cursor c = cursor_of(text);
	uint64_t v[3];

	if (!take_u64(&c, 9, &v[0]) || !take_char(&c, '.') || !take_u64(&c, 999, &v[1]) ||
	    !take_char(&c, '.') || !take_u64(&c, 999, &v[2]))
		return (false);
	if ((!cursor_at_end(&c) && cursor_peek(&c) != ' ') || v[0] != class)
		return (false);
	for (size_t i = 0; i < 3; i++)
		ret[i] = (unsigned)v[i];
	return (true);
}

/* Reply-line = code [ ( "-" / SP ) textstring ]; code = %x32-35 %x30-35 %x30-39 */
static enum take line_of_reply(struct smtp_reply_in *r, struct slice line)
{
	unsigned code;
	struct slice text;
	bool last;

	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || line.p[1] < '0' ||
	    line.p[1] > '5' || !ascii_digit(line.p[2]))
		return (TAKE_BAD);
	code = (unsigned)(line.p[0] - '0') * 100 + (unsigned)(line.p[1] - '0') * 10 +
	    (unsigned)(line.p[2] - '0');
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return (TAKE_BAD);
	if (r->lines > 0 && code != r->code)
		return (TAKE_BAD);
	last = line.n == 3 || line.p[3] == ' ';
	text = slice_from(line, 4);
	r->code = code;
	r->has_enhanced = take_enhanced(text, code / 100, r->enhanced);
	if (r->lines > 0)
		buf_addc(&r->text, '\n');
	buf_add_slice(&r->text, text);
	if (++r->lines > L_REPLY_LINES || r->text.failed)
		return (TAKE_BAD);
	return (last ? TAKE_OK : TAKE_MORE);
}

enum take smtp_reply_take(struct smtp_reply_in *r, struct slice input, size_t *ret_used)
{
	enum smtp_line_fault fault;
	struct slice line;
	enum take t;
	size_t used;

	*ret_used = 0;
	while ((t = smtp_line_take(slice_from(input, *ret_used), L_REPLY_OCTETS, &r->seen, &line,
		    &used, &fault)) != TAKE_MORE) {
		*ret_used += used;
		r->octets += used;
		if (t == TAKE_BAD || r->octets > L_REPLY_OCTETS)
			return (TAKE_BAD);
		if ((t = line_of_reply(r, line)) != TAKE_MORE)
			return (t);
	}
	if (r->octets + (input.n - *ret_used) > L_REPLY_OCTETS)
		return (TAKE_BAD);
	return (TAKE_MORE);
}

bool smtp_reply_line(const struct smtp_reply_in *r, unsigned n, struct slice *ret)
{
	struct slice rest = buf_slice(&r->text), line;
	bool more = r->lines > 0;

	for (unsigned i = 0; more; i++) {
		more = slice_cut(rest, '\n', &line, &rest);
		if (i == n) {
			*ret = line;
			return (true);
		}
	}
	return (false);
}

int smtp_reply_one_line(const struct smtp_reply_in *r, struct buf *out)
{
	struct slice text = buf_slice(&r->text);

	buf_fmt(out, "%03u ", r->code);
	for (size_t i = 0; i < text.n && i < L_REPLY_TEXT; i++) {
		unsigned char c = (unsigned char)text.p[i];

		buf_addc(out, c == '\n' ? ' ' : (c < 0x20 || c >= 0x7f ? '?' : (char)c));
	}
	return (out->failed ? -1 : 0);
}
