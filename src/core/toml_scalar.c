/* toml_scalar.c: which string, number or date stands here? TOML 1.0.0, sections String to Local
 * Time. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "core/toml_int.h"

enum { BARE_MAX = 512 }; /* octets of a number or date */

int toml_peek(const struct toml_read *r, size_t ahead)
{
	return (ahead < cursor_left(&r->at) ? (unsigned char)r->at.p[ahead] : -1);
}

bool toml_take_newline(struct toml_read *r)
{
	if (!take_literal(&r->at, SLICE("\r\n")) && !take_char(&r->at, '\n'))
		return (false);
	r->line++;
	return (true);
}

/* RFC 3629 4 */
size_t toml_utf8(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t len = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

	if (u[0] > 0xf4 || len == 0 || len > n)
		return (0);
	for (size_t i = 1; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return (0);
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return (0);
	return (len);
}

static void add_utf8(struct buf *b, uint32_t cp)
{
	if (cp < 0x80) {
		(void)buf_addc(b, (char)cp);
		return;
	}
	if (cp < 0x800) {
		(void)buf_addc(b, (char)(0xc0 | cp >> 6));
	} else {
		if (cp < 0x10000) {
			(void)buf_addc(b, (char)(0xe0 | cp >> 12));
		} else {
			(void)buf_addc(b, (char)(0xf0 | cp >> 18));
			(void)buf_addc(b, (char)(0x80 | (cp >> 12 & 0x3f)));
		}
		(void)buf_addc(b, (char)(0x80 | (cp >> 6 & 0x3f)));
	}
	(void)buf_addc(b, (char)(0x80 | (cp & 0x3f)));
}

static int hex_of(int c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	return (c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1);
}

static int take_unicode(struct toml_read *r, size_t digits)
{
	uint32_t cp = 0;

	for (size_t i = 0; i < digits; i++) {
		int v = hex_of(toml_peek(r, i));

		if (v < 0)
			return (toml_bad(r, "\\u takes 4 hexadecimal digits, \\U takes 8"));
		cp = cp << 4 | (uint32_t)v;
	}
	if (cp == 0)
		return (toml_bad(r, "a string cannot hold the character U+0000"));
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return (toml_bad(r, "U+%X is not a character", (unsigned)cp));
	r->at.p += digits;
	add_utf8(&r->scratch, cp);
	return (0);
}

/* "\" at the end of a line: that line end and all blanks after it are nothing. */
static bool take_line_fold(struct toml_read *r)
{
	struct toml_read ahead = *r;

	take_blanks(&ahead.at);
	if (!toml_take_newline(&ahead))
		return (false);
	do
		take_blanks(&ahead.at);
	while (toml_take_newline(&ahead));
	r->at = ahead.at;
	r->line = ahead.line;
	return (true);
}

/* The head stands behind the backslash. */
static int take_escape(struct toml_read *r, bool multiline)
{
	static const char names[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
	int c = toml_peek(r, 0);

	if (multiline && take_line_fold(r))
		return (0);
	if (c == -1)
		return (toml_bad(r, "the string does not end"));
	if (c == 'u' || c == 'U') {
		r->at.p++;
		return (take_unicode(r, c == 'u' ? 4 : 8));
	}
	for (size_t i = 0; i < sizeof(names) - 1; i++) {
		if (names[i] != c)
			continue;
		r->at.p++;
		(void)buf_addc(&r->scratch, values[i]);
		return (0);
	}
	return (toml_bad(r, "no such escape in a string; write \\\\ for one backslash"));
}

/* Up to two quotes may stand directly before the three that end the string. */
static bool take_long_end(struct toml_read *r, char quote)
{
	size_t n = 0;

	while (n < 5 && toml_peek(r, n) == (unsigned char)quote)
		n++;
	if (n < 3)
		return (false);
	for (size_t i = 3; i < n; i++)
		(void)buf_addc(&r->scratch, quote);
	r->at.p += n;
	return (true);
}

static int take_chars(struct toml_read *r, char quote, bool is_long)
{
	for (;;) {
		int c = toml_peek(r, 0);

		if (c == -1)
			return (toml_bad(r, "the string does not end"));
		if (c == (unsigned char)quote &&
		    (is_long ? take_long_end(r, quote) : take_char(&r->at, quote)))
			return (0);
		if (c == '\n' || c == '\r') {
			if (!is_long || !toml_take_newline(r))
				return (toml_bad(r, "the string does not end on its line"));
			(void)buf_addc(&r->scratch, '\n');
			continue;
		}
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return (toml_bad(r, "a control character in a string; write it as \\u%04X",
			    (unsigned)c));
		r->at.p++;
		if (c == '\\' && quote == '"') {
			if (take_escape(r, is_long) == -1)
				return (-1);
			continue;
		}
		(void)buf_addc(&r->scratch, (char)c);
	}
}

int toml_take_string(struct toml_read *r, bool multiline, struct slice *ret)
{
	char quote = *r->at.p;
	bool is_long =
	    toml_peek(r, 1) == (unsigned char)quote && toml_peek(r, 2) == (unsigned char)quote;

	if (is_long && !multiline)
		return (toml_bad(r, "a key stands on one line, in single quote marks"));
	r->at.p += is_long ? 3 : 1;
	if (is_long)
		(void)toml_take_newline(r); /* one directly behind the quotes does not count */
	buf_reset(&r->scratch);
	if (take_chars(r, quote, is_long) == -1)
		return (-1);
	if (r->scratch.failed)
		return (toml_bad(r, "the string is too long"));
	*ret = arena_dup(r->arena, buf_slice(&r->scratch));
	return (0);
}

/* Exactly n digits with a value from least to most. */
static bool take_digits(struct cursor *c, size_t n, unsigned least, unsigned most, unsigned *ret)
{
	unsigned v = 0;

	if (cursor_left(c) < n)
		return (false);
	for (size_t i = 0; i < n; i++) {
		if (!ascii_digit(c->p[i]))
			return (false);
		v = v * 10 + (unsigned)(c->p[i] - '0');
	}
	if (v < least || v > most)
		return (false);
	c->p += n;
	*ret = v;
	return (true);
}

static bool take_date(struct cursor *c)
{
	static const unsigned char days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned y, m, d;

	if (!take_digits(c, 4, 0, 9999, &y) || !take_char(c, '-') ||
	    !take_digits(c, 2, 1, 12, &m) || !take_char(c, '-') ||
	    !take_digits(c, 2, 1, days[m - 1], &d))
		return (false);
	return (m != 2 || d < 29 || (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)));
}

/* partial-time of RFC 3339 5.6; second 60 is a leap second. */
static bool take_time(struct cursor *c)
{
	unsigned v;
	struct slice fraction;

	if (!take_digits(c, 2, 0, 23, &v) || !take_char(c, ':') || !take_digits(c, 2, 0, 59, &v) ||
	    !take_char(c, ':') || !take_digits(c, 2, 0, 60, &v))
		return (false);
	return (!take_char(c, '.') || take_run(c, ascii_digit, &fraction));
}

static bool take_offset(struct cursor *c)
{
	unsigned v;

	if (take_char(c, 'Z') || take_char(c, 'z'))
		return (true);
	return ((take_char(c, '+') || take_char(c, '-')) && take_digits(c, 2, 0, 23, &v) &&
	    take_char(c, ':') && take_digits(c, 2, 0, 59, &v));
}

/* The four kinds of date; the text is kept, with "T" between date and time and a capital "Z". */
static bool is_datetime(struct toml_read *r, struct slice s, struct toml *dest)
{
	struct cursor c = cursor_of(s);
	char *text;
	bool has_date = take_date(&c);

	if (has_date && !cursor_at_end(&c)) {
		if (!take_char(&c, 'T') && !take_char(&c, 't') && !take_char(&c, ' '))
			return (false);
		if (!take_time(&c) || (!cursor_at_end(&c) && !take_offset(&c)))
			return (false);
	} else if (!has_date && !take_time(&c)) {
		return (false);
	}
	if (!cursor_at_end(&c))
		return (false);
	text = arena_strdup(r->arena, s);
	for (size_t i = 0; i < s.n; i++)
		text[i] = text[i] == ' ' ? 'T' : ascii_upper(text[i]);
	dest->type = TOML_DATETIME;
	dest->v.string = (struct slice){ text, s.n };
	return (true);
}

/* Copies digits without their underscores; each must stand between two digits. */
static bool plain_digits(struct slice s, unsigned base, char *ret)
{
	for (size_t i = 0; i < s.n; i++) {
		int v = hex_of((unsigned char)s.p[i]);

		if (s.p[i] == '_' && i > 0 && i + 1 < s.n && s.p[i - 1] != '_')
			continue;
		if (v < 0 || v >= (int)base)
			return (false);
		*ret++ = s.p[i];
	}
	*ret = '\0';
	return (s.n > 0);
}

static int take_integer(
    struct toml_read *r, struct slice s, unsigned base, bool negative, struct toml *dest)
{
	char digits[BARE_MAX + 1];
	uint64_t v = 0;

	if (!plain_digits(s, base, digits))
		return (1); /* not an integer */
	for (const char *p = digits; *p != '\0'; p++)
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)hex_of((unsigned char)*p), &v))
			return (toml_bad(r, "the number is larger than 64 bits hold"));
	if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return (toml_bad(r, "the number is larger than 64 bits hold"));
	dest->type = TOML_INTEGER;
	dest->v.integer = !negative ? (int64_t)v : v > INT64_MAX ? INT64_MIN : -(int64_t)v;
	return (0);
}

/* float = int ( exp / frac [ exp ] ); the parts are checked here, strtod computes. */
static int take_float(struct toml_read *r, struct slice s, bool negative, struct toml *dest)
{
	char digits[BARE_MAX + 1], whole[BARE_MAX * 3 + 8];
	struct slice mantissa = s, exponent = { "", 0 }, integer, fraction;
	size_t e = slice_chr(s, 'e') != SIZE_MAX ? slice_chr(s, 'e') : slice_chr(s, 'E');
	bool has_fraction;
	struct buf text = BUF_INIT(sizeof(whole));

	if (e != SIZE_MAX) {
		mantissa = slice_head(s, e);
		exponent = slice_from(s, e + 1);
	}
	has_fraction = slice_cut(mantissa, '.', &integer, &fraction);
	if ((!has_fraction && e == SIZE_MAX) || !plain_digits(integer, 10, digits) ||
	    (integer.n > 1 && integer.p[0] == '0'))
		return (1);
	(void)buf_addz(&text, digits);
	if (has_fraction) {
		if (!plain_digits(fraction, 10, digits)) {
			buf_free(&text);
			return (1);
		}
		(void)buf_fmt(&text, ".%s", digits);
	}
	if (e != SIZE_MAX) {
		bool is_signed =
		    slice_starts(exponent, SLICE("-")) || slice_starts(exponent, SLICE("+"));

		if (!plain_digits(slice_from(exponent, is_signed ? 1 : 0), 10, digits)) {
			buf_free(&text);
			return (1);
		}
		(void)buf_fmt(
		    &text, "e%s%s", slice_starts(exponent, SLICE("-")) ? "-" : "", digits);
	}
	dest->type = TOML_FLOAT;
	dest->v.real = strtod(buf_z(&text), NULL);
	buf_free(&text);
	if (isinf(dest->v.real))
		return (toml_bad(r, "the number is larger than a float holds"));
	if (negative)
		dest->v.real = -dest->v.real;
	return (0);
}

static int take_number(struct toml_read *r, struct slice s, struct toml *dest)
{
	bool is_signed = s.p[0] == '+' || s.p[0] == '-', negative = s.p[0] == '-';
	struct slice rest = slice_from(s, is_signed ? 1 : 0);

	if (slice_eq(rest, SLICE("inf")) || slice_eq(rest, SLICE("nan"))) {
		dest->type = TOML_FLOAT;
		dest->v.real = rest.p[0] == 'n' ? (double)NAN : (double)INFINITY;
		if (negative)
			dest->v.real = -dest->v.real;
		return (0);
	}
	if (!is_signed && slice_starts(s, SLICE("0x")))
		return (take_integer(r, slice_from(s, 2), 16, false, dest));
	if (!is_signed && slice_starts(s, SLICE("0o")))
		return (take_integer(r, slice_from(s, 2), 8, false, dest));
	if (!is_signed && slice_starts(s, SLICE("0b")))
		return (take_integer(r, slice_from(s, 2), 2, false, dest));
	if (slice_chr(rest, '.') != SIZE_MAX || slice_chr(rest, 'e') != SIZE_MAX ||
	    slice_chr(rest, 'E') != SIZE_MAX)
		return (take_float(r, rest, negative, dest));
	if (rest.n > 1 && rest.p[0] == '0')
		return (toml_bad(r, "a number does not begin with 0"));
	return (take_integer(r, rest, 10, negative, dest));
}

static bool is_bare(char c)
{
	return (ascii_alnum(c) || c == '+' || c == '-' || c == '_' || c == '.' || c == ':');
}

int toml_take_bare(struct toml_read *r, struct toml *dest)
{
	struct slice s, time;
	int done;

	if (!take_run(&r->at, is_bare, &s))
		return (toml_bad(r, "a value is missing here"));
	/* A date and its time may stand apart by one blank. */
	if (s.n == 10 && s.p[4] == '-' && toml_peek(r, 0) == ' ' && toml_peek(r, 1) >= '0' &&
	    toml_peek(r, 1) <= '9') {
		r->at.p++;
		(void)take_run(&r->at, is_bare, &time);
		s = slice_between(s.p, time.p + time.n);
	}
	if (s.n > BARE_MAX)
		return (toml_bad(r, "the value is too long"));
	if (slice_eq(s, SLICE("true")) || slice_eq(s, SLICE("false"))) {
		dest->type = TOML_BOOL;
		dest->v.boolean = s.n == 4;
		return (0);
	}
	if (is_datetime(r, s, dest))
		return (0);
	done = take_number(r, s, dest);
	if (done == 1)
		return (toml_bad(r, "\"" SLICE_FMT "\" is no value; text stands in quotes",
		    SLICE_ARG(slice_head(s, 40))));
	return (done);
}
