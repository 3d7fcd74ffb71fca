/* mutf7.c: how is a mailbox name written in modified UTF-7 (RFC 3501 5.1.3)? Printable US-ASCII
 * stands for itself, "&" is "&-", all else is UTF-16 in base64 with "," for "/" and no padding
 * between "&" and "-". Pure. Failures: malformed, or more than one way to write the same name. */
#include "msg/mutf7.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static bool is_direct(unsigned char c)
{
	return (c >= 0x20 && c <= 0x7e);
}

static int add_utf8(struct buf *out, uint32_t u)
{
	char b[4];
	size_t n = 0;

	if (u < 0x80) {
		b[n++] = (char)u;
	} else if (u < 0x800) {
		b[n++] = (char)(0xc0 | u >> 6);
	} else if (u < 0x10000) {
		b[n++] = (char)(0xe0 | u >> 12);
		b[n++] = (char)(0x80 | (u >> 6 & 0x3f));
	} else {
		b[n++] = (char)(0xf0 | u >> 18);
		b[n++] = (char)(0x80 | (u >> 12 & 0x3f));
		b[n++] = (char)(0x80 | (u >> 6 & 0x3f));
	}
	if (u >= 0x80)
		b[n++] = (char)(0x80 | (u & 0x3f));
	return (buf_add(out, b, n));
}

struct units {         /* UTF-16 on its way to UTF-8 */
	uint32_t high; /* a high surrogate that waits; 0: none */
};

static int add_unit(struct units *w, uint32_t unit, struct buf *out)
{
	if (w->high != 0) {
		uint32_t u = 0x10000 + ((w->high - 0xd800) << 10) + (unit - 0xdc00);

		w->high = 0;
		return (unit >= 0xdc00 && unit <= 0xdfff ? add_utf8(out, u) : -1);
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		w->high = unit;
		return (0);
	}
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return (-1);
	if (unit < 0x80 && is_direct((unsigned char)unit))
		return (-1); /* MUST NOT be used for what can represent itself */
	if (unit == 0)
		return (-1);
	return (add_utf8(out, unit));
}

/* One shifted run: what stands between "&" and "-". */
static int decode_run(struct slice run, struct buf *out)
{
	struct units w = { 0 };
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < run.n; i++) {
		const char *d = run.p[i] == '\0' ? NULL : strchr(digits, run.p[i]);

		if (d == NULL)
			return (-1);
		bits = bits << 6 | (uint32_t)(d - digits);
		have += 6;
		if (have >= 16) {
			have -= 16;
			if (add_unit(&w, bits >> have & 0xffff, out) != 0)
				return (-1);
			bits &= (1u << have) - 1;
		}
	}
	return (w.high != 0 || have >= 6 || bits != 0 ? -1 : 0);
}

int mutf7_to_utf8(struct slice in, struct buf *out)
{
	bool after_run = false;

	for (size_t i = 0; i < in.n;) {
		struct slice run, rest;

		if (!is_direct((unsigned char)in.p[i]))
			return (-1);
		if (in.p[i] != '&') {
			if (buf_addc(out, in.p[i]) != 0)
				return (-1);
			after_run = false;
			i++;
			continue;
		}
		if (!slice_cut(slice_from(in, i + 1), '-', &run, &rest))
			return (-1);
		if (run.n == 0) {
			if (buf_addc(out, '&') != 0)
				return (-1);
			after_run = false;
		} else {
			if (after_run ||
			    decode_run(run, out) != 0) /* "&..-&..-" is one run written twice */
				return (-1);
			after_run = true;
		}
		i += run.n + 2;
	}
	return (0);
}

/* The next code point of UTF-8 (RFC 3629); 0 when malformed (NUL is never right here). */
static uint32_t next_point(struct slice in, size_t *at)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)in.p[*at];
	unsigned more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	uint32_t u;

	if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || in.n - *at <= more)
		return (0);
	u = more == 0 ? c : c & (0x3fu >> more);
	for (unsigned k = 1; k <= more; k++) {
		unsigned char d = (unsigned char)in.p[*at + k];

		if ((d & 0xc0) != 0x80)
			return (0);
		u = u << 6 | (d & 0x3f);
	}
	*at += more + 1;
	if (u < least[more] || u > 0x10ffff || (u >= 0xd800 && u <= 0xdfff))
		return (0);
	return (u);
}

struct shifted { /* base64 on its way out */
	uint32_t bits;
	unsigned have;
	bool on;
};

static void put_unit(struct shifted *s, uint32_t unit, struct buf *out)
{
	if (!s->on)
		(void)buf_addc(out, '&');
	s->on = true;
	s->bits = s->bits << 16 | unit;
	s->have += 16;
	while (s->have >= 6) {
		s->have -= 6;
		(void)buf_addc(out, digits[s->bits >> s->have & 63]);
	}
	s->bits &= (1u << s->have) - 1;
}

static void end_run(struct shifted *s, struct buf *out)
{
	if (!s->on)
		return;
	if (s->have > 0)
		(void)buf_addc(out, digits[s->bits << (6 - s->have) & 63]);
	(void)buf_addc(out, '-');
	*s = (struct shifted){ 0 };
}

int mutf7_from_utf8(struct slice in, struct buf *out)
{
	struct shifted s = { 0 };

	for (size_t at = 0; at < in.n;) {
		uint32_t u = next_point(in, &at);

		if (u == 0)
			return (-1);
		if (u < 0x80 && is_direct((unsigned char)u)) {
			end_run(&s, out);
			(void)buf_addc(out, (char)u);
			if (u == '&')
				(void)buf_addc(out, '-');
		} else if (u < 0x10000) {
			put_unit(&s, u, out);
		} else {
			put_unit(&s, 0xd800 + ((u - 0x10000) >> 10), out);
			put_unit(&s, 0xdc00 + ((u - 0x10000) & 0x3ff), out);
		}
	}
	end_run(&s, out);
	return (out->failed ? -1 : 0);
}
