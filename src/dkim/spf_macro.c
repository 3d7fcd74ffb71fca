/* spf_macro.c: what does a macro string stand for? RFC 7208 7. Leaves asking for names to spf.c. Failures: a string that is not
 * well-formed is refused before anything is expanded; a full buffer. Linear, no recursion. */
#include "dkim/spf_macro.h"

#include "core/cursor.h"
#include "core/limits.h"

enum { NAME_MAX_OCTETS = 253, LETTER_MAX = 1024, PARTS_MAX = 128 };

struct macro {       /* macro-expand = "%{" macro-letter transformers *delimiter "}" */
	char letter; /* lower case; '%', '_' and '-' for the three short ones */
	bool escaped, reversed;
	unsigned keep;      /* parts from the right; 0: all */
	char delimiters[8]; /* "." when none is named */
};

static bool take_transformers(struct cursor *c, struct macro *m)
{
	struct slice digits = { c->p, 0 };
	size_t n = 0;

	while (c->p < c->end && ascii_digit(*c->p))
		c->p++;
	digits.n = (size_t)(c->p - digits.p);
	if (digits.n > 0) {
		for (size_t i = 0; i < digits.n;
		     i++) /* more than there can be parts is all of them */
			m->keep = m->keep > PARTS_MAX
			    ? m->keep
			    : m->keep * 10 + (unsigned)(digits.p[i] - '0');
		if (m->keep == 0)
			return (false); /* RFC 7208 7.3: nonzero */
	}
	m->reversed = take_char(c, 'r') || take_char(c, 'R');
	for (; c->p < c->end && *c->p != '\0' && strchr(".-+,/_=", *c->p) != NULL; c->p++)
		if (strchr(m->delimiters, *c->p) == NULL)
			m->delimiters[n++] = *c->p;
	if (n == 0)
		m->delimiters[0] = '.';
	return (take_char(c, '}'));
}

/* Behind "%". */
static bool take_macro(struct cursor *c, enum spf_macro_place place, struct macro *m)
{
	memset(m, 0, sizeof(*m));
	if (cursor_at_end(c))
		return (false);
	m->letter = *c->p++;
	if (m->letter == '%' || m->letter == '_' || m->letter == '-')
		return (true);
	if (m->letter != '{' || cursor_at_end(c))
		return (false);
	m->escaped = *c->p >= 'A' && *c->p <= 'Z';
	m->letter = ascii_lower(*c->p++);
	if (m->letter == '\0' ||
	    strchr(place == SPF_MACRO_TEXT ? "slodiphvcrt" : "slodiphv", m->letter) == NULL)
		return (false);
	return (take_transformers(c, m));
}

/* toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum ) */
static bool is_toplabel(struct slice s)
{
	bool other = false;

	if (s.n == 0 || !ascii_alnum(s.p[0]) || !ascii_alnum(s.p[s.n - 1]))
		return (false);
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_alnum(s.p[i]) && s.p[i] != '-')
			return (false);
		other = other || !ascii_digit(s.p[i]);
	}
	return (other);
}

/* domain-end = ( "." toplabel [ "." ] ) / macro-expand */
static bool has_domain_end(struct slice s, bool ends_in_macro)
{
	size_t dot;

	if (ends_in_macro)
		return (true);
	if (slice_ends(s, SLICE(".")))
		s.n--;
	dot = slice_rchr(s, '.');
	return (dot != SIZE_MAX && is_toplabel(slice_from(s, dot + 1)));
}

bool spf_macro_ok(struct slice s, enum spf_macro_place place)
{
	struct cursor c = cursor_of(s);
	bool last_is_macro = false;
	struct macro m;

	while (!cursor_at_end(&c)) {
		last_is_macro = *c.p == '%';
		if (take_char(&c, '%')) {
			if (!take_macro(&c, place, &m))
				return (false);
			continue;
		}
		/* macro-literal = %x21-24 / %x26-7E */
		if ((*c.p < '!' && (place != SPF_MACRO_TEXT || *c.p != ' ')) || *c.p > '~')
			return (false);
		c.p++;
	}
	return (place != SPF_MACRO_DOMAIN || (s.n > 0 && has_domain_end(s, last_is_macro)));
}

bool spf_macro_asks(struct slice s, char letter)
{
	for (size_t i = 0; i + 2 < s.n; i++) {
		if (s.p[i] != '%')
			continue;
		if (s.p[i + 1] == '{' && ascii_lower(s.p[i + 2]) == letter)
			return (true);
		i++; /* "%%{p}" asks nothing */
	}
	return (false);
}

static void add_dotted(const struct ip *ip, struct buf *out)
{
	if (!ip->is_v6) {
		char text[IP_TEXT];

		(void)buf_addz(out, ip_text(ip, text));
		return;
	}
	for (size_t i = 0; i < 16; i++) /* RFC 7208 7.3: nibbles divided by dots */
		(void)buf_fmt(
		    out, "%s%X.%X", i > 0 ? "." : "", ip->octets[i] >> 4, ip->octets[i] & 15U);
}

static void add_letter(const struct spf_macro_facts *f, char letter, struct buf *out)
{
	char text[IP_TEXT];

	switch (letter) {
	case 's':
		(void)buf_add_slice(out, f->local);
		(void)buf_addc(out, '@');
		(void)buf_add_slice(out, f->sender_domain);
		break;
	case 'l': (void)buf_add_slice(out, f->local); break;
	case 'o': (void)buf_add_slice(out, f->sender_domain); break;
	case 'd': (void)buf_add_slice(out, f->domain); break;
	case 'i': add_dotted(f->ip, out); break;
	case 'p':
		(void)buf_add_slice(out, f->validated.n > 0 ? f->validated : SLICE("unknown"));
		break;
	case 'h': (void)buf_add_slice(out, f->helo); break;
	case 'v': (void)buf_addz(out, f->ip->is_v6 ? "ip6" : "in-addr"); break;
	case 'c': (void)buf_addz(out, ip_text(f->ip, text)); break;
	case 'r':
		(void)buf_add_slice(out, f->receiver.n > 0 ? f->receiver : SLICE("unknown"));
		break;
	case 't': (void)buf_fmt(out, "%lld", (long long)f->now); break;
	}
}

/* Split at the delimiters, turned round when asked, the rightmost parts kept, joined by dots. */
static void add_parts(const struct macro *m, struct slice value, struct buf *out)
{
	struct slice parts[PARTS_MAX];
	size_t n = 0, from = 0, first;

	for (size_t i = 0; i <= value.n; i++) {
		if (i < value.n &&
		    (value.p[i] == '\0' || strchr(m->delimiters, value.p[i]) == NULL))
			continue;
		if (n == PARTS_MAX) { /* the leftmost go: a name has room for so many labels only */
			memmove(parts, parts + 1, (PARTS_MAX - 1) * sizeof(*parts));
			n--;
		}
		parts[n++] = slice_head(slice_from(value, from), i - from);
		from = i + 1;
	}
	if (m->reversed)
		for (size_t i = 0; i < n / 2; i++) {
			struct slice x = parts[i];

			parts[i] = parts[n - 1 - i];
			parts[n - 1 - i] = x;
		}
	first = m->keep > 0 && m->keep < n ? n - m->keep : 0;
	for (size_t i = first; i < n; i++) {
		if (i > first)
			(void)buf_addc(out, '.');
		(void)buf_add_slice(out, parts[i]);
	}
}

/* RFC 7208 7.3: upper case letters are URL-escaped; unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~" (RFC 3986 2.3) */
static void add_escaped(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++)
		if (ascii_alnum(s.p[i]) || (s.p[i] != '\0' && strchr("-._~", s.p[i]) != NULL))
			(void)buf_addc(out, s.p[i]);
		else
			(void)buf_fmt(out, "%%%02X", (unsigned)(unsigned char)s.p[i]);
}

static int add_macro(const struct spf_macro_facts *f, const struct macro *m, struct buf *out)
{
	struct buf value = BUF_INIT(LETTER_MAX), parts = BUF_INIT(LETTER_MAX);

	if (m->letter == '%')
		return (buf_addc(out, '%'));
	if (m->letter == '_')
		return (buf_addc(out, ' '));
	if (m->letter == '-')
		return (buf_addz(out, "%20"));
	add_letter(f, m->letter, &value);
	add_parts(m, buf_slice(&value), &parts);
	if (m->escaped)
		add_escaped(buf_slice(&parts), out);
	else
		(void)buf_add_slice(out, buf_slice(&parts));
	if (value.failed || parts.failed)
		out->failed = true;
	buf_free(&value);
	buf_free(&parts);
	return (out->failed ? -1 : 0);
}

int spf_macro_expand(const struct spf_macro_facts *f, struct slice s, struct buf *out)
{
	struct cursor c = cursor_of(s);
	struct macro m;

	while (!cursor_at_end(&c)) {
		if (!take_char(&c, '%'))
			(void)buf_addc(out, *c.p++);
		else if (!take_macro(&c, SPF_MACRO_TEXT, &m) || add_macro(f, &m, out) == -1)
			return (-1);
	}
	return (out->failed ? -1 : 0);
}

struct slice spf_macro_name(struct slice s)
{
	size_t dot;

	if (slice_ends(s, SLICE(".")))
		s.n--;
	while (s.n > NAME_MAX_OCTETS && (dot = slice_chr(s, '.')) != SIZE_MAX)
		s = slice_from(s, dot + 1);
	return (s);
}
